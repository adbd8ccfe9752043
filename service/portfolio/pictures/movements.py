"""Who moved: from groups at one date to groups at another, as bands as wide as they are many."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from service.portfolio.markup import Node, element, to_text
from service.portfolio.pictures.figures import accounts, count
from service.portfolio.pictures.lettering import plain, shortened
from service.portfolio.pictures.sheet import (
    BODY,
    DARK,
    GAIN,
    LOSS,
    MUTED,
    SMALL,
    draw,
    empty,
    hatching,
    heading,
    label,
    told,
)

__all__ = ["Flow", "Movements", "movements"]

Way = Literal["stayed", "up", "down", "across", "came", "left"]

WIDE: Final = 720.0
_SIDE: Final = 196.0
_NODE: Final = 9.0
_LEAST: Final = 20.0
_GAP: Final = 9.0
_BODY_HIGH: Final = 250.0
_THIN: Final = 1.0
_STAYED: Final = "#d0d4d9"
_ACROSS: Final = "#9aa3ad"
_UPWARDS: Final[tuple[Way, ...]] = ("stayed", "across", "came", "left", "down", "up")
"""What lies on what: who stayed is the ground."""
_WORDS: Final[Mapping[Way, str]] = {
    "stayed": "stayed",
    "up": "moved up",
    "down": "moved down",
    "across": "moved across",
    "came": "came",
    "left": "left",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """How many accounts went from one group to another.

    *before* is None where they were not there yet, *after* where they are not there any more.
    """

    before: str | None
    after: str | None
    accounts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Movements:
    """All accounts at two dates.

    Attributes:
        groups: By id, the label of each, the best first.
        ranks: By id, how good a group is, smaller is better; groups that are as good as each
            other share one. Empty where nothing is said of that: then nobody moved up or down.
        before, after: The two dates, as they are to be shown.
    """

    groups: Mapping[str, str]
    ranks: Mapping[str, int]
    flows: tuple[Flow, ...]
    before: str
    after: str


@dataclass(slots=True)
class _Node:
    """A group on one side: where it stands, how high it is, how much of it is drawn."""

    words: str
    accounts: int
    top: float = 0.0
    high: float = 0.0
    used: float = 0.0


def movements(drawn: Movements, *, wide: float = WIDE, name: str = "movements") -> str:
    """Return the picture."""
    flows = [flow for flow in drawn.flows if flow.accounts]
    if not flows:
        words = f"No account was judged on {drawn.before} or {drawn.after}."
        return to_text(empty("Movements between groups", words, wide=wide, name=name))
    finding = _finding(drawn, flows)
    marks, top = heading(finding, _under(drawn, flows), wide=wide)
    top += 34.0
    left = _nodes(drawn, flows, is_before=True)
    right = _nodes(drawn, flows, is_before=False)
    unit = _unit(left, right)
    bottom = top + max(_stack(left, top, unit), _stack(right, top, unit))
    define, hatched = hatching(f"{name}-down", LOSS)
    marks.append(define)
    inner = (_SIDE, wide - _SIDE)
    bands = [
        (way_of(drawn, flow), _band(drawn, flow, left, right, inner=inner, hatched=hatched))
        for flow in _in_order(drawn, flows)
    ]
    marks += [band for _, band in sorted(bands, key=lambda one: _UPWARDS.index(one[0]))]
    marks += _side(left, drawn.before, x=_SIDE - _NODE, top=top, is_left=True)
    marks += _side(right, drawn.after, x=wide - _SIDE, top=top, is_left=False)
    marks += _legend(drawn, flows, y=bottom + 26.0, hatched=hatched)
    told_as = _told(drawn, flows)
    picture = draw(marks, wide=wide, high=bottom + 38.0, title=finding, told_as=told_as, name=name)
    return to_text(picture)


def way_of(drawn: Movements, flow: Flow) -> Way:
    """Return in which way the accounts of *flow* went."""
    if flow.before is None:
        return "came"
    if flow.after is None:
        return "left"
    if flow.before == flow.after:
        return "stayed"
    before, after = drawn.ranks.get(flow.before), drawn.ranks.get(flow.after)
    if before is None or after is None or before == after:
        return "across"
    return "up" if after < before else "down"


def _sums(drawn: Movements, flows: Sequence[Flow]) -> dict[Way, int]:
    sums = dict.fromkeys(_WORDS, 0)
    for flow in flows:
        sums[way_of(drawn, flow)] += flow.accounts
    return {way: number for way, number in sums.items() if number}


def _finding(drawn: Movements, flows: Sequence[Flow]) -> str:
    sums = _sums(drawn, flows)
    moved = sum(sums.get(way, 0) for way in ("up", "down", "across"))
    if not moved:
        return "No account moved to another group"
    parts = [f"{count(sums[way])} {way}" for way in ("up", "down", "across") if way in sums]
    if set(sums) & {"up", "down"}:
        return f"{accounts(moved)} moved: {', '.join(parts)}"
    return f"{accounts(moved)} moved to another group"


def _under(drawn: Movements, flows: Sequence[Flow]) -> str:
    sums = _sums(drawn, flows)
    said = [f"from {drawn.before} to {drawn.after}"]
    said += [
        f"{count(sums[way])} {_WORDS[way]}" for way in ("stayed", "came", "left") if way in sums
    ]
    return " · ".join(said)


def _nodes(drawn: Movements, flows: Sequence[Flow], *, is_before: bool) -> dict[str | None, _Node]:
    """Return one side's groups in their order; who was or is not there comes last."""
    sums: dict[str | None, int] = {}
    for flow in flows:
        group = flow.before if is_before else flow.after
        sums[group] = sums.get(group, 0) + flow.accounts
    words = "not there yet" if is_before else "not there any more"
    order: list[str | None] = [*drawn.groups, *sorted(set(filter(None, sums)) - set(drawn.groups))]
    nodes = {
        group: _Node(drawn.groups.get(group or "", group or ""), sums[group])
        for group in order
        if group in sums
    }
    if None in sums:
        nodes[None] = _Node(words, sums[None])
    return nodes


def _unit(*sides: Mapping[str | None, _Node]) -> float:
    """Return how high one account is: both sides alike, so that bands keep their width."""
    most = max(sum(node.accounts for node in side.values()) for side in sides)
    return min(_BODY_HIGH / most, _LEAST)


def _stack(nodes: Mapping[str | None, _Node], top: float, unit: float) -> float:
    """Place *nodes* below each other; return how high all of them are."""
    y = top
    for node in nodes.values():
        node.top, node.high = y, max(node.accounts * unit, _LEAST)
        node.used = (node.high - node.accounts * unit) / 2
        y += node.high + _GAP
    return y - _GAP - top


def _in_order(drawn: Movements, flows: Sequence[Flow]) -> list[Flow]:
    """Return *flows* so that bands beside each other cross as little as they can."""
    order: dict[str | None, int] = {group: place for place, group in enumerate(drawn.groups)}
    last = len(order)
    return sorted(flows, key=lambda f: (order.get(f.before, last), order.get(f.after, last)))


def _band(
    drawn: Movements,
    flow: Flow,
    left: Mapping[str | None, _Node],
    right: Mapping[str | None, _Node],
    *,
    inner: tuple[float, float],
    hatched: str,
) -> Node:
    start, end = left[flow.before], right[flow.after]
    unit = _unit(left, right)
    thick = flow.accounts * unit
    y1, y2 = start.top + start.used, end.top + end.used
    start.used += thick
    end.used += thick
    drawn_thick = max(thick, _THIN)
    x1, x2 = inner
    middle = (x1 + x2) / 2
    way = way_of(drawn, flow)
    fill, stroke = _colours(hatched)[way]
    path = (
        f"M{x1:.1f} {y1:.2f}C{middle:.1f} {y1:.2f} {middle:.1f} {y2:.2f} {x2:.1f} {y2:.2f}"
        f"V{y2 + drawn_thick:.2f}C{middle:.1f} {y2 + drawn_thick:.2f} {middle:.1f}"
        f" {y1 + drawn_thick:.2f} {x1:.1f} {y1 + drawn_thick:.2f}Z"
    )
    mark = element(
        "path", d=path, fill=fill, stroke=stroke, stroke_width=0.8, class_=way,
        data_accounts=flow.accounts,
    )  # fmt: skip
    return told(mark, f"{plain(start.words)} to {plain(end.words)}: {count(flow.accounts)}")


def _colours(hatched: str) -> dict[Way, tuple[str, str]]:
    return {
        "stayed": (_STAYED, _STAYED),
        "up": (GAIN, GAIN),
        "down": (hatched, LOSS),
        "across": (_ACROSS, _ACROSS),
        "came": ("none", MUTED),
        "left": ("none", MUTED),
    }


def _side(
    nodes: Mapping[str | None, _Node], date: str, *, x: float, top: float, is_left: bool
) -> Iterator[Node]:
    text, anchor = (x - 8, "end") if is_left else (x + _NODE + 8, None)
    room = _SIDE - _NODE - 12
    yield label(shortened(date, room, SMALL), x=text, y=top - 14, size=SMALL, anchor=anchor,
                fill=MUTED)  # fmt: skip
    for node in nodes.values():
        yield element("rect", x=x, y=node.top, width=_NODE, height=node.high, fill=DARK)
        number = f"  {count(node.accounts)}"
        words = shortened(node.words, room - len(number) * 7.2, BODY)
        yield label(f"{words}{number}", x=text, y=node.top + node.high / 2 + 4.4, anchor=anchor)


def _legend(drawn: Movements, flows: Sequence[Flow], *, y: float, hatched: str) -> Iterator[Node]:
    colours = _colours(hatched)
    x = _SIDE - _NODE
    for way in _sums(drawn, flows):
        fill, stroke = colours[way]
        yield element("rect", x=x, y=y - 9, width=16, height=10, fill=fill, stroke=stroke)
        yield label(_WORDS[way], x=x + 22, y=y, size=SMALL, fill=MUTED)
        x += 36 + 7.4 * len(_WORDS[way])


def _told(drawn: Movements, flows: Sequence[Flow]) -> str:
    said = [f"{_finding(drawn, flows)}. {_under(drawn, flows)}."]
    for flow in sorted(flows, key=lambda flow: -flow.accounts):
        if flow.before == flow.after:
            continue
        before = "nowhere" if flow.before is None else drawn.groups.get(flow.before, flow.before)
        after = "nowhere" if flow.after is None else drawn.groups.get(flow.after, flow.after)
        said.append(f"{plain(before)} to {plain(after)}: {count(flow.accounts)}.")
    return " ".join(said)
