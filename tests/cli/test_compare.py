"""`goodfit compare` tells what changed by part, and `goodfit schema` what may be written."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Goodfit

MEDIUM = "{id: medium, when: vehicles >= 20,  points: 25}"
EDITS = [
    (MEDIUM, MEDIUM.replace("25", "30"), "~ rule medium  points 25 -> 30"),
    (MEDIUM, MEDIUM.replace("20,", "30,"), "~ rule medium  when vehicles >= 20 -> vehicles >= 30"),
    (
        MEDIUM,
        MEDIUM.replace("}", ", reason: They stay}"),
        "~ rule medium  reason They stay (new)  (words only)",
    ),
    ("gmx.de]", "gmx.net]", "~ list free_mail  items +gmx.net -gmx.de"),
    ("A: 60", "A: 62.5", "~ grade fit_grade  A 60 -> 62.5"),
    ("label: Fleet size", "label: Fleet", "~ attribute vehicles  label Fleet size -> Fleet"),
    ("certain: true, scores: {fit: 65,", "scores: {fit: 65,", "expect: certain true (gone)"),
]


def edited(fleet: Path, folder: Path, before: str, after: str) -> Path:
    """Return a copy of the worked example in which *before* became *after*."""
    text = fleet.read_text()
    assert before in text
    file = folder / "edited.yaml"
    file.write_text(text.replace(before, after, 1))
    return file


@pytest.mark.parametrize(("before", "after", "line"), EDITS)
def test_an_edit_is_one_line(
    goodfit: Goodfit, fleet: Path, tmp_path: Path, *, before: str, after: str, line: str
) -> None:
    """The part, the member, and what it was and is."""
    result = goodfit("compare", fleet, edited(fleet, tmp_path, before, after))
    assert result.exit_code == 0
    assert line in result.stdout
    assert "1 change" in result.stdout


def test_a_rule_that_came_shows_its_condition_and_points(
    goodfit: Goodfit, fleet: Path, tmp_path: Path
) -> None:
    """One way it was added, the other way it was removed."""
    rule = "{id: tracked, when: '\"samsara\" in tools', points: 10}"
    richer = edited(fleet, tmp_path, MEDIUM, f"{MEDIUM}\n          - {rule}")
    there = goodfit("compare", fleet, richer).stdout.splitlines()
    assert there == ['  + rule tracked  "samsara" in tools  +10', "1 change"]
    back = goodfit("compare", richer, fleet).stdout.splitlines()
    assert back == ['  - rule tracked  "samsara" in tools  +10', "1 change"]


def test_by_meaning_it_says_who_is_decided_otherwise(
    goodfit: Goodfit, fleet: Path, tmp_path: Path
) -> None:
    """Where a threshold moved, who lies between the two; as words and as JSON."""
    pytest.importorskip("z3", reason="the extra `solver` is not installed")
    stricter = edited(fleet, tmp_path, "vehicles >= 20,", "vehicles >= 25,")
    told = goodfit("compare", "--by-meaning", fleet, stricter)
    assert told.exit_code == 0
    assert "fleet size 20 to 24 vehicles" in told.stdout
    assert told.stdout.splitlines()[-1].startswith("stricter: ")
    found = json.loads(goodfit("compare", "--by-meaning", "--json", stricter, fleet).stdout)
    assert found["relation"] == "looser"
    assert all(20 <= one["witness"]["facts"]["vehicles"] < 25 for one in found["differences"])


def test_by_meaning_other_ink_and_other_words_are_the_same(
    goodfit: Goodfit, fleet: Path, tmp_path: Path
) -> None:
    """A condition turned round decides nobody otherwise, which is proved."""
    pytest.importorskip("z3", reason="the extra `solver` is not installed")
    turned = edited(fleet, tmp_path, "when: vehicles >= 20,", "when: '!(vehicles < 20)',")
    result = goodfit("compare", "--by-meaning", fleet, turned)
    assert result.stdout.strip() == "the same: no facts are decided otherwise (proved)"


def test_comments_are_no_change(goodfit: Goodfit, fleet: Path, tmp_path: Path) -> None:
    """Files that say the same in other ink are the same rules."""
    result = goodfit("compare", fleet, edited(fleet, tmp_path, "scores:", "# the points\nscores:"))
    assert result.stdout == "the same rules\n"


def test_a_comparison_is_json_too(goodfit: Goodfit, fleet: Path, tmp_path: Path) -> None:
    """With both digests, and every member before and after."""
    other = edited(fleet, tmp_path, MEDIUM, MEDIUM.replace("25", "30"))
    found = json.loads(goodfit("compare", fleet, other, "--json").stdout)
    assert found["before"]["digest"] != found["after"]["digest"]
    assert (found["is_same"], found["is_same_logic"]) == (False, False)
    (change,) = found["changes"]
    assert (change["kind"], change["part"], change["id"]) == ("changed", "rule", "medium")
    assert change["fields"] == [{"field": "points", "before": 25, "after": 30}]


def test_a_broken_file_is_not_compared(goodfit: Goodfit, fleet: Path, tmp_path: Path) -> None:
    """Its errors are shown instead, and the answer is no."""
    broken = edited(fleet, tmp_path, MEDIUM, MEDIUM.replace("vehicles", "vehicels"))
    result = goodfit("compare", fleet, broken)
    assert result.exit_code == 1
    assert "did you mean `vehicles`?" in result.stderr


def test_the_schema_is_printed(goodfit: Goodfit) -> None:
    """As it is committed in the documentation."""
    committed = Path(__file__).resolve().parents[2] / "docs" / "rule-set.schema.json"
    result = goodfit("schema")
    assert result.exit_code == 0
    assert result.stdout == committed.read_text()
