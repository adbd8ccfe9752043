"""How one score came about: a row for each rule that moved it, from nothing to its value."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from service.portfolio.markup import Element, Node, element, to_text
from service.portfolio.pictures.figures import count, points, signed
from service.portfolio.pictures.lettering import lines, plain, shortened, width
from service.portfolio.pictures.scales import Scale, ticks
from service.portfolio.pictures.sheet import (
    BODY,
    DARK,
    GAIN,
    GRID,
    LOSS,
    MUTED,
    draw,
    hatching,
    heading,
    label,
    rule,
    tick_labels,
    told,
)

__all__ = ["Step", "Waterfall", "small_waterfall", "waterfall"]

WIDE: Final = 720.0
_MOST_STEPS: Final = 14
_BAR: Final = 14.0
_LINE: Final = BODY * 1.25
_GAP: Final = 12.0
_SMALL_HEADING: Final = 15.0
_NARROW: Final = 480.0
"""Below this there is less room for bars and more for words."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one rule, formula or limit added to the score, in the words for it."""

    words: str
    points: float
    is_limit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """One score of one decision.

    Attributes:
        steps: In the order in which they count; they add up to *value*.
        low, high: What the score may still become while answers are missing.
        floor, ceiling: Its limits, where it has any.
        subject: Whose it is, to be said under the headline.
    """

    label: str
    value: float
    low: float
    high: float
    floor: float | None
    ceiling: float | None
    steps: tuple[Step, ...]
    subject: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    """A step as it is drawn: from a running total to the next."""

    words: tuple[str, ...]
    whole: str
    start: float
    end: float
    shown: str
    kind: str


_START: Final = _Row(("Start",), "Start", 0.0, 0.0, "0", "total")


def waterfall(drawn: Waterfall, *, wide: float = WIDE, name: str = "waterfall") -> str:
    """Return the picture. The largest steps have rows of their own, the rest one together."""
    finding = f"{drawn.label}: {_value_of(drawn)}"
    head, top = heading(finding, _under(drawn), wide=wide)
    is_narrow = wide < _NARROW
    rows = [_START, *_rows(drawn, _room(wide), most_lines=3 if is_narrow else 2, most=_MOST_STEPS)]
    return to_text(_picture(drawn, rows, head, top=top + 10.0, wide=wide, name=name))


def small_waterfall(drawn: Waterfall, *, wide: float, name: str, most: int) -> Element:
    """Return the picture as part of a page: no more than it takes to see what counted.

    At most *most* steps have rows; *name* tells it from others on the page.
    """
    finding = shortened(f"{drawn.label}: {_value_of(drawn)}", wide, _SMALL_HEADING, is_bold=True)
    head: list[Node] = [label(finding, x=0.0, y=_SMALL_HEADING, size=_SMALL_HEADING, weight=600)]
    rows = list(_rows(drawn, _room(wide), most_lines=2, most=most))
    return _picture(drawn, rows, head, top=_SMALL_HEADING + 8.0, wide=wide, name=name)


def _room(wide: float) -> float:
    """Return how wide the words may be."""
    return wide * (0.56 if wide < _NARROW else 0.47) - _GAP


def _picture(
    drawn: Waterfall,
    rows: Sequence[_Row],
    head: Sequence[Node],
    *,
    top: float,
    wide: float,
    name: str,
) -> Element:
    numbers = [row.shown for row in rows if row.kind != "range"]
    points_wide = max(width(number, BODY, is_bold=True) for number in numbers)
    scale = _scale(drawn, rows, start=_room(wide) + _GAP, end=wide - points_wide - _GAP)
    define, hatched = hatching(f"{name}-less", LOSS)
    unsure, dotted = hatching(f"{name}-unknown", MUTED)
    heights = [max(len(row.words) * _LINE + 8.0, _BAR + 8.0) for row in rows]
    places = list(accumulate(heights, initial=top))
    bottom = places[-1]
    marks = [*head, define, unsure, *_axis(scale, top=top, bottom=bottom)]
    for index, (row, place, height) in enumerate(zip(rows, places, heights, strict=False)):
        marks += _drawn(row, scale, y=place + height / 2, wide=wide, fills=(hatched, dotted))
        if index + 1 < len(rows) and rows[index + 1].kind != "range":
            x = scale.at(row.end)
            below = place + height + heights[index + 1] / 2 - _BAR / 2
            marks.append(rule(x, place + height / 2 + _BAR / 2, x, below, stroke=MUTED))
    return draw(
        marks,
        wide=wide,
        high=bottom + 24.0,
        title=f"{drawn.label}: {_value_of(drawn)}",
        told_as=_told(drawn),
        name=name,
    )


def _value_of(drawn: Waterfall) -> str:
    of = "" if drawn.ceiling is None or drawn.ceiling <= 0 else f" of {points(drawn.ceiling)}"
    return f"{points(drawn.value)}{of}"


def _under(drawn: Waterfall) -> str:
    said = [drawn.subject] if drawn.subject else []
    limits = [
        f"{word} {points(limit)}"
        for word, limit in (("from", drawn.floor), ("to", drawn.ceiling))
        if limit is not None
    ]
    if limits:
        said.append(f"the score runs {' '.join(limits)}")
    if drawn.low < drawn.high:
        said.append("not everything is known")
    return " · ".join(said) or "points of each rule"


def _rows(drawn: Waterfall, room: float, *, most_lines: int, most: int) -> Iterator[_Row]:
    total = 0.0
    for step in _shown_steps(drawn.steps, most):
        kind = "limit" if step.is_limit else "step"
        words = lines(step.words, room, BODY, most=most_lines)
        yield _Row(
            words, step.words, total, total + step.points, signed(step.points), kind
        )  # fmt: skip
        total += step.points
    name = shortened(drawn.label, room, BODY, is_bold=True)
    yield _Row((name,), drawn.label, 0.0, drawn.value, points(drawn.value), "total")
    if drawn.low < drawn.high:
        shown = f"{points(drawn.low)} to {points(drawn.high)}"
        said = f"Possible, as not all is known: {shown}"
        yield _Row(
            lines(said, room, BODY, most=3), "Possible", drawn.low, drawn.high, shown, "range"
        )


def _shown_steps(steps: Sequence[Step], most: int) -> list[Step]:
    """Return the steps with rows of their own, in order, and the others as one at the end."""
    if len(steps) <= most:
        return list(steps)
    by_size = sorted(range(len(steps)), key=lambda index: -abs(steps[index].points))
    kept = sorted(by_size[: most - 1])
    rest = [steps[index].points for index in sorted(by_size[most - 1 :])]
    words = f"{count(len(rest))} more rules and limits together"
    return [*(steps[index] for index in kept), Step(words, sum(rest))]


def _scale(drawn: Waterfall, rows: Sequence[_Row], *, start: float, end: float) -> Scale:
    places = [0.0, *(row.start for row in rows), *(row.end for row in rows)]
    places += [limit for limit in (drawn.floor, drawn.ceiling) if limit is not None]
    low, high = min(places), max(places)
    if low == high:
        high = low + 1.0
    return Scale(low, high, start, end)


def _axis(scale: Scale, *, top: float, bottom: float) -> Iterator[Node]:
    marked = ticks(scale.low, scale.high, about=max(2, int((scale.end - scale.start) // 70)))
    for tick in marked:
        x = scale.at(tick)
        yield rule(x, top, x, bottom, stroke=DARK if tick == 0 else GRID)
    places = ((scale.at(tick), points(float(tick))) for tick in marked)
    yield from tick_labels(places, y=bottom + 16.0)


def _drawn(
    row: _Row, scale: Scale, *, y: float, wide: float, fills: tuple[str, str]
) -> Iterator[Node]:
    is_total = row.kind == "total"
    first = y - (len(row.words) - 1) * _LINE / 2 + BODY * 0.36
    for index, line in enumerate(row.words):
        weight = 600 if is_total else None
        yield label(line, x=0.0, y=first + index * _LINE, weight=weight)
    yield told(_bar(row, scale, y=y, fills=fills), f"{plain(row.whole)}: {row.shown}")
    if row.kind != "range":
        weight = 600 if is_total else None
        yield label(row.shown, x=wide, y=y + BODY * 0.36, anchor="end", weight=weight)


def _bar(row: _Row, scale: Scale, *, y: float, fills: tuple[str, str]) -> Element:
    hatched, dotted = fills
    left, right = sorted((scale.at(row.start), scale.at(row.end)))
    is_less = row.end < row.start
    fill, stroke = {
        "total": (DARK, DARK),
        "range": (dotted, MUTED),
        "limit": (dotted, DARK),
        "step": (hatched, LOSS) if is_less else (GAIN, GAIN),
    }[row.kind]
    return element(
        "rect",
        x=left,
        y=y - _BAR / 2,
        width=max(right - left, 1.0),
        height=_BAR,
        fill=fill,
        stroke=stroke,
        class_=row.kind,
        data_start=repr(row.start),
        data_end=repr(row.end),
    )


def _told(drawn: Waterfall) -> str:
    said = [f"{drawn.label} is {_value_of(drawn)}."]
    if not drawn.steps:
        said.append("No rule moved it.")
    said += [f"{plain(step.words)}: {signed(step.points)}." for step in drawn.steps]
    if drawn.low < drawn.high:
        said.append(
            f"While answers are missing it may be {points(drawn.low)} to {points(drawn.high)}."
        )
    return " ".join(said)
