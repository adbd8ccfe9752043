"""Two texts line by line: a unified difference in bounded time, whatever the texts are.

Lines that stand once in both texts hold the two together (Cohen's patience difference);
between them the same is tried again, a few times. Its time grows with n log n, where the
usual search for a longest match grows with the square and takes minutes for texts that
somebody made for it.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["difference_between"]

_CONTEXT: Final = 3
_DEPTH: Final = 8
_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines *start* to *end* of the old text became lines *new_start* to *new_end*."""

    start: int
    end: int
    new_start: int
    new_end: int

    @property
    def is_empty(self) -> bool:
        return self.start == self.end and self.new_start == self.new_end


def difference_between(before: str, after: str) -> str:
    """Return what turns *before* into *after*, as `diff -u` and `patch` have it.

    Empty where the texts are the same; without the two lines that name files. Only U+000A
    ends a line.
    """
    old, new = _LINE.findall(before), _LINE.findall(after)
    whole = _Block(0, len(old), 0, len(new))
    blocks = list(_changed(old, new, whole, depth=0))
    return "".join(text for hunk in _hunks(blocks) for text in _told(old, new, hunk))


def _changed(old: list[str], new: list[str], block: _Block, *, depth: int) -> Iterator[_Block]:
    """Yield the parts of *block* that differ, in order; none of them is empty."""
    block = _without_same_ends(old, new, block)
    if block.is_empty:
        return
    anchors = _anchors(old, new, block) if depth < _DEPTH else []
    if not anchors:
        yield block
        return
    start, new_start = block.start, block.new_start
    for line, new_line in [*anchors, (block.end, block.new_end)]:
        between = _Block(start, line, new_start, new_line)
        yield from _changed(old, new, between, depth=depth + 1)
        start, new_start = line + 1, new_line + 1


def _without_same_ends(old: list[str], new: list[str], block: _Block) -> _Block:
    start, end, new_start, new_end = block.start, block.end, block.new_start, block.new_end
    while start < end and new_start < new_end and old[start] == new[new_start]:
        start, new_start = start + 1, new_start + 1
    while start < end and new_start < new_end and old[end - 1] == new[new_end - 1]:
        end, new_end = end - 1, new_end - 1
    return _Block(start, end, new_start, new_end)


def _anchors(old: list[str], new: list[str], block: _Block) -> list[tuple[int, int]]:
    """Return places of lines that stand once in both sides of *block*, rising in both."""
    counts = Counter(old[block.start : block.end])
    new_counts = Counter(new[block.new_start : block.new_end])
    place = {
        new[line]: line
        for line in range(block.new_start, block.new_end)
        if new_counts[new[line]] == 1
    }
    pairs = [
        (line, place[old[line]])
        for line in range(block.start, block.end)
        if counts[old[line]] == 1 and old[line] in place
    ]
    return _longest_rising(pairs)


def _longest_rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the most pairs, already rising in their first place, that rise in both."""
    ends: list[int] = []  # the smallest last second place of a run of each length
    last: list[int] = []  # the index of the pair that it is of
    before: list[int] = []
    for index, (_, new_line) in enumerate(pairs):
        length = bisect_left(ends, new_line)
        before.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [new_line]
        last[length : length + 1] = [index]
    run: list[tuple[int, int]] = []
    at = last[-1] if last else -1
    while at >= 0:
        run.append(pairs[at])
        at = before[at]
    return run[::-1]


def _hunks(blocks: Sequence[_Block]) -> list[list[_Block]]:
    """Return the blocks, those together whose surroundings touch."""
    hunks: list[list[_Block]] = []
    for block in blocks:
        if hunks and block.start - hunks[-1][-1].end <= 2 * _CONTEXT:
            hunks[-1].append(block)
        else:
            hunks.append([block])
    return hunks


def _told(old: list[str], new: list[str], hunk: Sequence[_Block]) -> Iterator[str]:
    before, after = hunk[0], hunk[-1]
    lead = min(_CONTEXT, before.start)
    trail = min(_CONTEXT, len(old) - after.end)
    start, new_start = before.start - lead, before.new_start - lead
    end, new_end = after.end + trail, after.new_end + trail
    yield f"@@ -{_range(start, end)} +{_range(new_start, new_end)} @@\n"
    at = start
    for block in hunk:
        yield from (_line(" ", text) for text in old[at : block.start])
        yield from (_line("-", text) for text in old[block.start : block.end])
        yield from (_line("+", text) for text in new[block.new_start : block.new_end])
        at = block.end
    yield from (_line(" ", text) for text in old[at:end])


def _range(start: int, end: int) -> str:
    """Return lines *start* to *end* as GNU diff counts them: from 1, the empty range before."""
    if end - start == 1:
        return f"{start + 1}"
    return f"{start + (end > start)},{end - start}"


def _line(mark: str, text: str) -> str:
    return (
        f"{mark}{text}" if text.endswith("\n") else f"{mark}{text}\n\\ No newline at end of file\n"
    )
