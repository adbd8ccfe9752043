"""The difference between two texts is true, and found in time whatever the texts are."""

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rulesets.differing import difference_between

_LINES = st.lists(
    st.sampled_from(["a\n", "b\n", "c\n", "- d\n", "\n", "+\r\n", "@@\n", "\u2028\n"])
)
_TEXTS = st.builds("".join, _LINES) | st.builds(
    "{}{}".format, st.builds("".join, _LINES), st.text("xy")
)


def applied(before: str, difference: str) -> str:
    """Return *before* after *difference*; every line it takes or keeps must be there."""
    old = re.findall(r"[^\n]*\n|[^\n]+", before)
    new: list[str] = []
    at = 0
    told = difference.replace("\n\\ No newline at end of file\n", "\0\n")
    for line in re.findall(r"[^\n]*\n", told):
        numbers = re.fullmatch(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@\n", line)
        if numbers is not None:
            start = int(numbers[1]) - (numbers[2] != "0")
            new += old[at:start]
            at = start
            continue
        said = line[1:].replace("\0\n", "")
        if line[0] in " -":
            assert old[at] == said
            at += 1
        if line[0] in " +":
            new.append(said)
    return "".join(new + old[at:])


@given(before=_TEXTS, after=_TEXTS)
def test_a_difference_turns_one_text_into_the_other(before: str, after: str) -> None:
    """Applied to the text before it gives the text after; the same texts have none."""
    difference = difference_between(before, after)
    assert applied(before, difference) == after
    assert (difference == "") == (before == after)


def test_a_difference_reads_as_diff_u_has_it() -> None:
    """Three lines around what changed, ranges from 1, a last line without its end told so."""
    before = "".join(f"line {number}\n" for number in range(1, 21))
    after = before.replace("line 5\n", "line five\n").replace("line 20\n", "line 20")
    assert difference_between(before, after) == (
        "@@ -2,7 +2,7 @@\n line 2\n line 3\n line 4\n-line 5\n+line five\n line 6\n line 7\n"
        " line 8\n@@ -17,4 +17,4 @@\n line 17\n line 18\n line 19\n-line 20\n+line 20\n"
        "\\ No newline at end of file\n"
    )


@pytest.mark.parametrize("kind", ["shuffled", "reversed", "two letters", "blank"])
def test_no_two_texts_take_long(kind: str) -> None:
    """256 kB made for it end at once; a search for the longest match would run for minutes."""
    numbered = [f"{number:05}\n" for number in range(43_000)]
    letters = ["a\n", "b\n"] * 64_000
    shuffled = Random(1).sample
    before, after = {
        "shuffled": (numbered, shuffled(numbered, 43_000)),
        "reversed": (numbered, numbered[::-1]),
        "two letters": (letters, shuffled(letters, 128_000)),
        "blank": (["\n"] * 256_000, ["\n"] * 255_999 + ["x"]),
    }[kind]
    difference = difference_between("".join(before), "".join(after))
    assert applied("".join(before), difference) == "".join(after)
