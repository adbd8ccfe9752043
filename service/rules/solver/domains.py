"""What an attribute can be: the finite classes that the rules tell apart, or a number.

The classes and what every check says of them come from the evaluator itself, so that what a
double, a folded text, a regular expression or a day come to is never guessed. Where the classes
do not cover everything one stands for the rest, of which any check may say anything.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import Final, Literal

from service.rules.attributes import Attribute, Fact, admit
from service.rules.classes import candidates
from service.rules.lattice import Lattice, lattice_of, place_of, stretches
from service.rules.solver.days import moves_of
from service.rules.solver.joint import Joint, raw_name
from service.rules.uses import Probe, Use

_MOST_CLASSES: Final = 700


@dataclass(frozen=True, slots=True)
class Sort:
    """Values of one attribute that nothing asked tells apart.

    Attributes:
        value: One of them; None of the rest, of which none is known.
        lets: By rule set, whether its door lets them through; else they are missing there.
        first, last: The places of a number's or a day's on its lattice.
        like_it: Declared choices of the same class.
    """

    value: Fact | None
    lets: tuple[bool, ...]
    first: int = 0
    last: int = 0
    like_it: tuple[Fact, ...] = ()


@dataclass(frozen=True)
class Domain:
    """All that one attribute can be.

    *lattice* is that of a number or a day; *is_measured* says that something computes with
    it, so that its number matters beyond its class. Unless *is_told*, some check on it alone
    turns around where nobody knows, and the classes say nothing of that. *aged* is how a date
    is told of which only ages are asked, as of *today*.
    """

    attribute: Attribute
    sorts: tuple[Sort, ...]
    lattice: Lattice | None
    is_measured: bool
    is_told: bool = True
    aged: Literal["days", "months"] | None = None
    today: date = date.min

    @property
    def name(self) -> str:
        """The attribute's name in the joint."""
        return self.attribute.name

    @cached_property
    def has_rest(self) -> bool:
        """Whether one sort stands for values of which nothing is known."""
        return any(sort.value is None for sort in self.sorts)


def domain_of(joint: Joint, name: str) -> Domain:
    """Return the domain of the attribute *name* of *joint*."""
    attribute, use = joint.attributes[name], joint.uses[name]
    probe = Probe.of(joint.carrier, attribute, checks=use.checks, today=joint.today)
    if attribute.type in {"number", "date"}:
        return _ordered(joint, probe, use)
    if attribute.type == "flag":
        return Domain(attribute, _sorts(joint, name, (True, False)), None, is_measured=False)
    found, is_complete = candidates(probe, use, joint.reader)
    odd = _odd_values(joint, name)
    values = _told_apart((*found, *odd), probe, is_loose=use.is_loose, joint=joint)
    is_whole = is_complete and (not use.is_loose or attribute.type == "choice")
    values = values[:_MOST_CLASSES]
    sorts = _sorts(joint, name, values, choices=_choices(values, probe, use, joint))
    if not is_whole or len(values) == _MOST_CLASSES:
        lets = tuple(name in own for own in joint.own)
        sorts = (*sorts, Sort(None, lets))
    return Domain(attribute, sorts, None, is_measured=False)


def _odd_values(joint: Joint, name: str) -> tuple[str, ...]:
    """Return the texts that count as missing in one rule set but not in all."""
    blank = [own[name].missing_values for own in joint.own if name in own]
    everywhere = frozenset.intersection(*blank)
    return tuple(sorted(frozenset.union(*blank) - everywhere))


def _told_apart(
    values: Iterable[Fact], probe: Probe, *, is_loose: bool, joint: Joint
) -> tuple[Fact, ...]:
    if is_loose:
        return tuple(dict.fromkeys(values))
    first: dict[object, Fact] = {}
    for value in values:
        key = (probe.signature(value), _lets(joint, probe.attribute.name, value))
        first.setdefault(key, value)
    return tuple(first.values())


def _choices(
    values: tuple[Fact, ...], probe: Probe, use: Use, joint: Joint
) -> Mapping[Fact, tuple[Fact, ...]]:
    """Return by value the declared choices that nothing tells from it."""
    if use.is_loose or probe.attribute.type != "choice":
        return {}

    def seen(value: Fact) -> object:
        return probe.signature(value), _lets(joint, probe.attribute.name, value)

    by_class = {seen(value): value for value in values}
    found: dict[Fact, tuple[Fact, ...]] = {}
    for choice in probe.attribute.choices:
        value = by_class.get(seen(choice), choice)
        if value != choice:
            found[value] = (*found.get(value, ()), choice)
    return found


def _lets(joint: Joint, name: str, value: Fact) -> tuple[bool, ...]:
    """Return by rule set whether *value* comes through its door."""
    raw = value.isoformat() if isinstance(value, date) else value
    return tuple(
        name in own and name in admit({name: raw}, {name: own[name]}).values for own in joint.own
    )


def _sorts(
    joint: Joint,
    name: str,
    values: Iterable[Fact],
    choices: Mapping[Fact, tuple[Fact, ...]] = MappingProxyType({}),
) -> tuple[Sort, ...]:
    found = [
        Sort(value, _lets(joint, name, value), like_it=choices.get(value, ())) for value in values
    ]
    return tuple(sort for sort in found if any(sort.lets))


def _ordered(joint: Joint, probe: Probe, use: Use) -> Domain:
    attribute = probe.attribute
    lattice = lattice_of(attribute)
    found, is_complete = stretches(probe, lattice, joint.reader)
    starts = [stretch.first for stretch in found] if is_complete else [lattice.first]
    starts += [cut for cut in _door_cuts(joint, attribute) if lattice.first < cut <= lattice.last]
    starts = sorted(set(starts))
    ends = [start - 1 for start in starts[1:]] + [lattice.last]
    sorts = tuple(
        Sort(lattice.at(first), _lets(joint, attribute.name, lattice.at(first)), first, last)
        for first, last in zip(starts, ends, strict=True)
    )
    is_measured = use.is_loose or not is_complete
    moves = moves_of(joint, attribute.name) if attribute.type == "date" else None
    aged: Literal["days", "months"] | None = None
    if moves is not None and len(moves) == 1:
        (only,) = moves
        aged = None if only == "fixed" else only
    return Domain(attribute, sorts, lattice, is_measured, is_complete, aged, joint.today)


def _door_cuts(joint: Joint, attribute: Attribute) -> Iterator[int]:
    """Yield the places where one rule set's own limits begin and end."""
    for own in joint.own:
        declared = own.get(attribute.name)
        if declared is not None and attribute.type == "number":
            if declared.minimum is not None:
                first = place_of(declared.minimum)
                yield first + (lattice_of(attribute).at(first) < declared.minimum)  # type: ignore[operator]
            if declared.maximum is not None:
                last = place_of(declared.maximum)
                yield last + (lattice_of(attribute).at(last) <= declared.maximum)  # type: ignore[operator]


def places_of(joint: Joint, domain: Domain, value: Fact) -> list[int]:
    """Return the classes that *value* may be of: one, or the rest where it is of none known."""
    if domain.lattice is not None:
        place = value.toordinal() if isinstance(value, date) else place_of(float(value))  # type: ignore[arg-type]
        return [i for i, sort in enumerate(domain.sorts) if sort.first <= place <= sort.last]
    same = [i for i, sort in enumerate(domain.sorts) if sort.value == value]
    if same or domain.has_rest:
        return same or [len(domain.sorts) - 1]
    checks = joint.uses[domain.name].checks
    probe = Probe.of(joint.carrier, domain.attribute, checks=checks, today=joint.today)
    wanted = (probe.signature(value), _lets(joint, domain.name, value))
    return [
        i
        for i, sort in enumerate(domain.sorts)
        if sort.value is not None
        and (probe.signature(sort.value), _lets(joint, domain.name, sort.value)) == wanted
    ]


def fact_key(domain: Domain) -> str:
    """Return the key of the domain's attribute in raw facts."""
    return raw_name(domain.name)
