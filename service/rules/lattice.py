"""All values a number or a date can have, in order and counted, and where checks change on them."""

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from service.rules.attributes import Attribute
from service.rules.expression import ast, evaluate
from service.rules.expression.ast import Constant, Kind, Node
from service.rules.ranges import LARGEST_EXACT, six_places
from service.rules.truth import YES, Truth
from service.rules.uses import Probe, Reader

_STEPS_PER_ONE: Final = 10**6
_FINE_UP_TO: Final = 10**9
_LAST_FINE: Final = _FINE_UP_TO * _STEPS_PER_ONE
_LONGEST_LIST: Final = 200
_MONOTONE: Final = frozenset(
    {"+", "-", "*", "/", "negate", "min", "max", "clamp", "round", "age_days", "age_months"}
)
"""Rows that never turn around while one argument grows and the others stay, rounding included."""


@dataclass(frozen=True, slots=True)
class Lattice:
    """The values from place *first* to place *last* of a number or date attribute."""

    first: int
    last: int
    at: Callable[[int], float | date]


def lattice_of(attribute: Attribute) -> Lattice:
    """Return every value the door lets through for *attribute*, a number or a date."""
    if attribute.type == "date":
        return Lattice(date.min.toordinal(), date.max.toordinal(), date.fromordinal)
    low = -LARGEST_EXACT if attribute.minimum is None else max(attribute.minimum, -LARGEST_EXACT)
    high = LARGEST_EXACT if attribute.maximum is None else min(attribute.maximum, LARGEST_EXACT)
    first, last = place_of(low), place_of(high)
    first += number_at(first) < low
    last -= number_at(last) > high
    return Lattice(first, last, number_at)


def place_of(number: float) -> int:
    """Return the place of *number*, rounded to six places, among all numbers of facts."""
    x = six_places(number)
    if abs(x) <= _FINE_UP_TO:
        return math.floor(x * _STEPS_PER_ONE + 0.5)
    return int(math.copysign(1, x)) * (_LAST_FINE + _bits(abs(x)) - _bits(float(_FINE_UP_TO)))


def number_at(place: int) -> float:
    """Return the number at *place*: millionths up to 1e9, every double beyond."""
    if abs(place) <= _LAST_FINE:
        return place / _STEPS_PER_ONE
    bits = abs(place) - _LAST_FINE + _bits(float(_FINE_UP_TO))
    (x,) = struct.unpack("<d", struct.pack("<q", bits))
    return math.copysign(x, place)


def _bits(x: float) -> int:
    (bits,) = struct.unpack("<q", struct.pack("<d", x))
    return int(bits)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring values, from place *first* to *last*, and what each check says of them."""

    first: int
    last: int
    answers: tuple[Truth, ...]


def stretches(probe: Probe, lattice: Lattice, reader: Reader) -> tuple[list[Stretch], bool]:
    """Return *lattice* in stretches on which no check of *probe* changes, in order.

    The flag says whether that holds for every check. One that may turn around (a product of
    the attribute with itself, `abs`) or asks a very long list is not cut at: it makes the
    flag false, and its answer is that of the stretch's first value.
    """
    found = [cuts_of(check, probe, lattice, reader) for check in probe.checks]
    cuts = {cut for own in found for cut in own or () if lattice.first < cut <= lattice.last}
    starts = [lattice.first, *sorted(cuts)]
    columns = [
        _answers(probe.asking(check), starts, own, lattice)
        for check, own in zip(probe.checks, found, strict=True)
    ]
    rows = zip(*columns, strict=True) if columns else iter([() for _ in starts])
    ends = [start - 1 for start in starts[1:]] + [lattice.last]
    placed = zip(starts, ends, rows, strict=True)
    joined: list[Stretch] = []
    for first, last, answers in placed:
        if joined and joined[-1].answers == answers:
            joined[-1] = Stretch(joined[-1].first, last, answers)
        else:
            joined.append(Stretch(first, last, answers))
    return joined, None not in found


def _answers(
    probe: Probe, starts: list[int], cuts: set[int] | None, lattice: Lattice
) -> list[Truth]:
    """Return the one check's result at each of *starts*, asked again only at its own *cuts*."""
    answers: list[Truth] = []
    for start in starts:
        if not answers or cuts is None or start in cuts:
            answers.append(probe.signature(lattice.at(start))[0])
        else:
            answers.append(answers[-1])
    return answers


def cuts_of(check: Node, probe: Probe, lattice: Lattice, reader: Reader) -> set[int] | None:
    """Return the places where *check* may change its result, or None where that is open."""
    if not (isinstance(check, ast.Apply) and check.operator in evaluate.COMPARE):
        return None
    sides = [part for part in check.arguments if reader.attributes(part)]
    others = [part for part in check.arguments if not reader.attributes(part)]
    if len(sides) != 1 or not _is_monotone(sides[0], reader):
        return None
    cuts: set[int] = set()
    if any(isinstance(o, Constant) and _length(o) > _LONGEST_LIST for o in others):
        return None
    for other in others:
        for constant in _single(other):
            cuts |= _crossing(sides[0], constant, probe, lattice)
    return cuts


def _length(constant: Constant) -> int:
    return len(constant.value) if isinstance(constant.value, tuple) else 1


def _single(node: Node) -> Iterator[Node]:
    """Yield *node*, or the numbers of a constant list one by one."""
    if isinstance(node, Constant) and isinstance(node.value, tuple):
        for value in node.value:
            if isinstance(value, float):
                yield Constant(value, ast.NUMBER, node.span)
    else:
        yield node


def _is_monotone(node: Node, reader: Reader) -> bool:
    match node:
        case ast.Attribute():
            return True
        case ast.Derived(name=name):
            return _is_monotone(reader.formulas[name], reader)
        case ast.Apply(operator=operator, arguments=parts):
            moving = [part for part in parts if reader.attributes(part)]
            turns = operator == "ratio" and bool(reader.attributes(parts[1]))
            allowed = operator in _MONOTONE or (operator == "ratio" and not turns)
            return allowed and len(moving) == 1 and _is_monotone(moving[0], reader)
        case _:
            return False


def _crossing(side: Node, constant: Node, probe: Probe, lattice: Lattice) -> set[int]:
    """Return where *side* first reaches and first passes *constant* (or the other way round)."""
    bare = isinstance(side, ast.Attribute) and isinstance(constant, Constant)
    if bare and isinstance(constant, Constant) and isinstance(constant.value, float):
        place = place_of(constant.value)
        return {place, place + 1}
    if bare and isinstance(constant, Constant) and isinstance(constant.value, date):
        place = constant.value.toordinal()
        return {place, place + 1}
    if side.type.kind not in {Kind.NUMBER, Kind.DATE}:
        return set()
    changes = [_first_change(o, side, constant, probe, lattice) for o in ("<", "<=")]
    return {change for change in changes if change is not None}


def _first_change(
    operator: str, side: Node, constant: Node, probe: Probe, lattice: Lattice
) -> int | None:
    """Return the only place at which `side operator constant` changes, by bisection."""
    asked = probe.asking(ast.Apply(operator, (side, constant), ast.TRUTH, side.span))

    def holds(place: int) -> bool:
        return asked.signature(lattice.at(place))[0] is YES

    low, high = lattice.first, lattice.last
    before = holds(low)
    if holds(high) == before:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle) == before:
            low = middle
        else:
            high = middle
    return high


def plainest(low: float, high: float) -> float:
    """Return the number with the fewest places from *low* to *high*, of those the nearest 0."""
    if low <= 0 <= high:
        return 0.0
    if high < 0:
        return -plainest(-high, -low)
    for places in range(6):
        scale = float(f"1e{places}")
        number = math.ceil(low * scale) / scale
        if low <= number <= high and six_places(number) == number:
            return number
    return low
