"""The classes of each attribute: values that a rule set cannot tell apart share one.

Asking what to ask next, the exact pass and the warnings about drafts all try one value of
each class instead of every value there is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Final, assert_never

from service.rules.attributes import Attribute, Fact
from service.rules.expression.ast import Node
from service.rules.lattice import Lattice, Stretch, lattice_of, plainest, stretches
from service.rules.list_classes import list_candidates
from service.rules.model import Model
from service.rules.text_classes import TextChecks, TextDoor, witnesses
from service.rules.truth import Truth
from service.rules.uses import Probe, Reader, Use, expressions, uses_of

_DAYS_KEPT: Final = 8


@dataclass(frozen=True, slots=True)
class AttributeClasses:
    """One value of each class, numbers and dates ascending, the rest in document order.

    Attributes:
        values: Never empty; the door lets each of them through unchanged.
        finite: Whether every value the attribute can have is in the class of one of
            *values*: no rule, outcome, score or question can tell the two apart. False
            where it is read outside of checks of its own (beside another attribute, in
            points); the values are then a sample with the constants and both ends.
    """

    values: tuple[Fact, ...]
    finite: bool


@dataclass(frozen=True, eq=False)
class ClassPlan:
    """The classes of one rule set: worked out once, but for those that the day moves.

    Not slotted: it keeps what it found, which the model alone (and the day) decides.
    """

    model: Model

    @classmethod
    def of(cls, model: Model) -> "ClassPlan":
        """Return the plan of *model*; nothing is worked out before it is asked for."""
        return cls(model)

    def classes(self, today: date) -> Mapping[str, AttributeClasses]:
        """Return the classes of every attribute on the UTC day *today*, in the model's order."""
        settled = self._settled
        if len(settled) == len(self.model.attributes):
            return settled
        found = self._days.get(today)
        if found is None:
            if len(self._days) >= _DAYS_KEPT:
                self._days.clear()
            found = MappingProxyType(
                {
                    name: settled.get(name) or self._classes(attribute, today)
                    for name, attribute in self.model.attributes.items()
                }
            )
            self._days[today] = found
        return found

    @cached_property
    def _days(self) -> dict[date, Mapping[str, AttributeClasses]]:
        return {}

    @cached_property
    def _uses(self) -> Mapping[str, Use]:
        return uses_of(self.model, expressions(self.model))

    @cached_property
    def _settled(self) -> Mapping[str, AttributeClasses]:
        found = {
            name: self._classes(attribute, date.min)
            for name, attribute in self.model.attributes.items()
            if not self._moves(attribute)
        }
        return MappingProxyType(found)

    def _moves(self, attribute: Attribute) -> bool:
        """Whether the attribute's classes depend on the day."""
        return attribute.type == "date" or _reads_age(self.model, self._uses[attribute.name])

    def _classes(self, attribute: Attribute, today: date) -> AttributeClasses:
        return _classes(self.model, attribute, self._uses[attribute.name], today)


def classes_of(model: Model, *, today: date) -> Mapping[str, AttributeClasses]:
    """Return the classes of every attribute of *model*; keep a `ClassPlan` to ask again."""
    return ClassPlan.of(model).classes(today)


def classes_among(
    model: Model, nodes: Iterable[Node], *, today: date
) -> Mapping[str, AttributeClasses]:
    """Return the classes that *nodes* alone tell apart, of the attributes that they read."""
    uses = uses_of(model, nodes)
    return {
        name: _classes(model, model.attributes[name], use, today)
        for name, use in uses.items()
        if not use.is_none
    }


def _classes(model: Model, attribute: Attribute, use: Use, today: date) -> AttributeClasses:
    probe = Probe.of(model, attribute, checks=use.checks, today=today)
    values, is_complete = candidates(probe, use, Reader.of(model))
    if use.is_loose:
        every = attribute.type == "flag" or (attribute.type == "choice" and not attribute.other)
        return AttributeClasses(tuple(dict.fromkeys(values)), every)
    if attribute.type in {"number", "date"}:
        return AttributeClasses(values, is_complete)
    return AttributeClasses(_told_apart(values, probe), is_complete)


def _reads_age(model: Model, use: Use) -> bool:
    reader = Reader.of(model)
    return any(reader.reads_clock(check) for check in use.checks)


def _told_apart(values: Iterable[Fact], probe: Probe) -> tuple[Fact, ...]:
    """Return the first value of each signature."""
    first: dict[tuple[Truth, ...], Fact] = {}
    for value in values:
        first.setdefault(probe.signature(value), value)
    return tuple(first.values())


def candidates(probe: Probe, use: Use, reader: Reader) -> tuple[tuple[Fact, ...], bool]:
    """Return values to choose from, in order, and whether they cover the whole attribute."""
    attribute = probe.attribute
    match attribute.type:
        case "flag":
            return (True, False), True
        case "choice":
            return tuple(c for c in _choices(attribute) if probe.admits(c)), True
        case "number" | "date":
            return _ordered(probe, use, reader)
        case "text":
            return _texts(probe, use, reader)
        case "list":
            return _lists(probe, use, reader)
        case unknown:
            assert_never(unknown)


def _choices(attribute: Attribute) -> tuple[str, ...]:
    if not attribute.other:
        return attribute.choices
    other = "other"
    while other in attribute.choices or other in attribute.missing_values:
        other = f"an{other}"
    return (*attribute.choices, other)


def _ordered(probe: Probe, use: Use, reader: Reader) -> tuple[tuple[Fact, ...], bool]:
    lattice = lattice_of(probe.attribute)
    found, is_complete = stretches(probe, lattice, reader)
    if not use.is_loose:
        found = list({stretch.answers: stretch for stretch in reversed(found)}.values())
    values = {_representative(stretch, lattice, probe.today) for stretch in found}
    if use.is_loose:
        values.update(_sample(use, lattice, probe))
    return tuple(sorted(values, key=_place)), is_complete


def _place(value: Fact) -> float:
    if isinstance(value, date):
        return float(value.toordinal())
    return value if isinstance(value, float) else 0.0


def _representative(stretch: Stretch, lattice: Lattice, today: date) -> Fact:
    first, last = lattice.at(stretch.first), lattice.at(stretch.last)
    if isinstance(first, date) or isinstance(last, date):
        return lattice.at(min(max(today.toordinal(), stretch.first), stretch.last))
    return plainest(first, last)


def _sample(use: Use, lattice: Lattice, probe: Probe) -> list[Fact]:
    """Return both ends, and what stands beside the attribute and its neighbours."""
    if probe.attribute.type == "date":
        days = (value for value in use.beside if isinstance(value, date))
        return [*days, probe.today, probe.today - timedelta(days=365)]
    numbers = [float(x) for x in use.beside if isinstance(x, float)]
    near = [x + step for x in numbers for step in (-1.0, 0.0, 1.0)]
    ends = [lattice.at(lattice.first), lattice.at(lattice.last)]
    return [x for x in (*near, *ends) if isinstance(x, float) and probe.admits(x)]


def _texts(probe: Probe, use: Use, reader: Reader) -> tuple[tuple[Fact, ...], bool]:
    checks = TextChecks()
    for check in probe.checks:
        checks.read(check, reader)
    checks.mentioned.extend(value for value in use.beside if isinstance(value, str))
    door = TextDoor(fold=probe.attribute.fold, admits=probe.admits)
    found = witnesses(checks, door)
    return found.texts or ("something else",), found.is_complete


def _lists(probe: Probe, use: Use, reader: Reader) -> tuple[tuple[Fact, ...], bool]:
    lists, is_complete = list_candidates(probe, reader)
    beside = [(value,) for value in use.beside if isinstance(value, str)]
    return (*lists, *beside), is_complete
