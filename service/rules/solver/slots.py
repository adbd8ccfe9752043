"""Attributes as variables of the solver: known or not, and of which class.

The class is counted from below: `at_least[k]` says that it is the k-th or a later one. Of an
attribute that is computed with, the number itself is the variable and those follow from it.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Final

import z3

from service.rules.attributes import Fact
from service.rules.ranges import six_places
from service.rules.solver.domains import Domain, places_of
from service.rules.solver.joint import Joint
from service.rules.solver.logic import all_of, any_of

_EXACT_BELOW: Final = 1e9
_MILLION: Final = 10**6


@dataclass(frozen=True, slots=True)
class Slot:
    """One attribute of one subject.

    Attributes:
        key: Tells the variable from that of the same attribute of another subject.
        has: Whether it is known.
        at_least: By class, whether it is that one or a later one; true for the first.
        number: The number or the day's ordinal, where something computes with it.
    """

    key: str
    domain: Domain
    has: z3.BoolRef
    at_least: tuple[z3.BoolRef, ...]
    number: z3.ArithRef | None

    def among(self, places: Collection[int]) -> z3.BoolRef:
        """Return whether the class is one of *places*, whether or not it is known."""
        count = len(self.at_least)
        if len(places) == count:
            return z3.BoolVal(True)  # noqa: FBT003 - z3's own constant
        runs: list[z3.BoolRef] = []
        ordered = sorted(places)
        for place, end in _runs(ordered):
            parts = [self.at_least[place]] if place else []
            if end + 1 < count:
                parts.append(z3.Not(self.at_least[end + 1]))
            runs.append(all_of(*parts))
        return any_of(*runs)

    def known_to(self, model: int) -> z3.BoolRef:
        """Return whether it is known once it went through the door of rule set *model*."""
        lets = [place for place, sort in enumerate(self.domain.sorts) if sort.lets[model]]
        return all_of(self.has, self.among(lets))

    def holds(self, value: Fact, joint: Joint) -> z3.BoolRef:
        """Return whether the value is *value*, or one that nothing asked tells from it."""
        if self.number is not None:
            return self.number == exact(value)
        return self.among(places_of(joint, self.domain, value))


def _runs(places: list[int]) -> Iterator[tuple[int, int]]:
    start = 0
    for index in range(1, len(places) + 1):
        if index == len(places) or places[index] != places[index - 1] + 1:
            yield places[start], places[index - 1]
            start = index


def slots_of(
    domains: Mapping[str, Domain], *, suffix: str = ""
) -> tuple[dict[str, Slot], list[z3.BoolRef]]:
    """Return a slot for each of *domains* and what always holds of them."""
    slots: dict[str, Slot] = {}
    laws: list[z3.BoolRef] = []
    for name, domain in domains.items():
        slot, own = _slot(name + suffix, domain)
        slots[name] = slot
        laws += own
    return slots, laws


def _slot(key: str, domain: Domain) -> tuple[Slot, list[z3.BoolRef]]:
    has = z3.Bool(f"has {key}")
    laws: list[z3.BoolRef] = []
    count = len(domain.sorts)
    first = z3.BoolVal(True)  # noqa: FBT003 - z3's own constant
    if domain.is_measured and domain.lattice is not None:
        number = z3.Int(key) if domain.attribute.type == "date" else z3.Real(key)
        low, high = domain.lattice.at(domain.lattice.first), domain.lattice.at(domain.lattice.last)
        laws += [number >= exact(low), number <= exact(high)]
        starts = [domain.lattice.at(sort.first) for sort in domain.sorts[1:]]
        at_least = (first, *(number >= exact(start) for start in starts))
        return Slot(key, domain, has, at_least, number), laws
    at_least = (first, *(z3.Bool(f"{key} from {place}") for place in range(1, count)))
    laws += [z3.Implies(later, earlier) for earlier, later in pairwise(at_least[1:])]
    return Slot(key, domain, has, at_least, None), laws


def exact(value: object) -> z3.ArithRef:
    """Return a number as facts and constants are compared, or a day's ordinal, exactly.

    A double under 1e9 stands for the decimal of six places that it is nearest to: two such
    compare as their decimals do.
    """
    if isinstance(value, date):
        return z3.IntVal(value.toordinal())
    if not isinstance(value, float):
        msg = f"not a number: {value!r}"
        raise TypeError(msg)
    part = fraction(value)
    return z3.RatVal(part.numerator, part.denominator)


def fraction(value: float) -> Fraction:
    """Return the exact number that *value* stands for once it is rounded to six places."""
    rounded = six_places(value)
    if abs(rounded) < _EXACT_BELOW:
        return Fraction(round(rounded * _MILLION), _MILLION)
    return Fraction(rounded)
