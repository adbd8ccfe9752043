"""Checks on facts of known classes, as tables of what the evaluator says of every case."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice, product
from typing import Final

import z3

from service.rules.expression import ast, evaluate
from service.rules.expression.ast import Node
from service.rules.expression.derived import DerivedValues
from service.rules.expression.evaluate import Known
from service.rules.expression.solver_parts import FALSE, TRUE, Guesses, Three
from service.rules.solver.joint import Joint
from service.rules.solver.logic import all_of, any_of
from service.rules.solver.slots import Slot
from service.rules.truth import NO, YES, Truth

_MOST_CASES: Final = 4_096

Bands = Mapping[str, tuple[tuple[str, z3.BoolRef], ...]]
"""By grade, each band and whether the score is in it."""


@dataclass(frozen=True, slots=True)
class Tables:
    """Tells checks on one subject, as one rule set sees it."""

    joint: Joint
    place: int
    slots: Mapping[str, Slot]
    grades: Bands
    guesses: Guesses

    def cases(self, node: Node) -> "Cases | None":
        """Return all cases of *node*; None where they cannot be told one by one."""
        if any(isinstance(part, ast.Score) for part in ast.walk(node)):
            return None
        slots = [self.slots[name] for name in sorted(self.joint.reader.attributes(node))]
        grades = sorted({part.name for part in ast.walk(node) if isinstance(part, ast.Grade)})
        if any(_is_untold(slot, is_alone=len(slots) == 1 and not grades) for slot in slots):
            return None
        count = math.prod(len(slot.domain.sorts) + 1 for slot in slots)
        count *= math.prod(len(self.grades[name]) for name in grades)
        if count > _MOST_CASES:
            return None
        return Cases(slots, grades, [*map(self._ways, slots), *map(self._bands, grades)])

    def results(self, node: Node, cases: "Cases", key: object) -> list[Truth | None]:
        """Return the result of every case, worked out once for all that have the same *key*."""
        told = ("told", key, tuple(map(tuple, cases.ways)))
        if told not in self.guesses.told:
            self.guesses.told[told] = [
                self._result(node, cases, ways) for ways in product(*([*t] for t in cases.ways))
            ]
        return self.guesses.told[told]

    def _ways(self, slot: Slot) -> "dict[object, _Way]":
        """Return what can be known of *slot*: its classes, or nothing."""
        known = slot.known_to(self.place)
        found: dict[object, _Way] = {None: _Way(z3.Not(known), None, None)}
        for place, sort in enumerate(slot.domain.sorts):
            if sort.lets[self.place]:
                found[place] = _Way(None, slot, place)
        return found

    def _bands(self, name: str) -> "dict[object, _Way]":
        return {band: _Way(holds, None, None) for band, holds in self.grades[name]}

    def _result(self, node: Node, cases: "Cases", ways: tuple[object, ...]) -> Truth | None:
        """Return the evaluator's word on one case; None where a value is not known to us."""
        values = {}
        for slot, way in zip(cases.slots, ways, strict=False):
            if isinstance(way, int):
                value = slot.domain.sorts[way].value
                if value is None:
                    return None
                values[slot.domain.name] = value
        bands = zip(cases.grades, islice(ways, len(cases.slots), None), strict=True)
        derived = DerivedValues()
        known = Known(
            values=evaluate.reading(values, self.joint.attributes),
            attributes=self.joint.own[self.place],
            today=self.joint.today,
            is_open=False,
            derived=derived,
            formulas=self.joint.reader.formulas,
            grades={name: frozenset({str(band)}) for name, band in bands},
        )
        derived.known = known
        return evaluate.check(node, known)


@dataclass(frozen=True, slots=True)
class Cases:
    """What a check reads, and the ways in which each of it can be known."""

    slots: list[Slot]
    grades: list[str]
    ways: "list[dict[object, _Way]]"

    def spread(self, results: list[Truth | None], free: Three | None) -> Three:
        """Return the condition whose cases have *results*; *free* stands for None."""
        spread = _Spread(self.ways, results, free)
        return Three(spread.among(YES), spread.among(NO))


@dataclass(frozen=True, slots=True)
class _Way:
    """What can be known of one thing that a check reads: a condition, or a class of a slot."""

    holds: z3.BoolRef | None
    slot: Slot | None
    place: int | None


@dataclass(frozen=True, slots=True)
class _Spread:
    """A table of results, by the ways of each thing that is read."""

    tables: "list[dict[object, _Way]]"
    results: list[Truth | None]
    free: Three | None

    def among(self, wanted: Truth) -> z3.BoolRef:
        """Return where the table says *wanted*, what is free included as it comes out."""
        return self._below(0, tuple(self.results), wanted)

    def _below(self, depth: int, results: tuple[Truth | None, ...], wanted: Truth) -> z3.BoolRef:
        if wanted not in results and None not in results:
            return FALSE
        if all(result is wanted for result in results):
            return TRUE
        if depth == len(self.tables):
            if self.free is None:
                return FALSE
            return self.free.yes if wanted is YES else self.free.no
        ways = list(self.tables[depth].values())
        width = len(results) // len(ways)
        groups: dict[tuple[Truth | None, ...], list[_Way]] = {}
        for index, way in enumerate(ways):
            groups.setdefault(results[index * width : (index + 1) * width], []).append(way)
        parts = []
        for below, together in groups.items():
            inner = self._below(depth + 1, below, wanted)
            if not z3.is_false(inner):
                parts.append(all_of(_any_of(together), inner))
        return any_of(*parts)


def _any_of(ways: list[_Way]) -> z3.BoolRef:
    parts = [way.holds for way in ways if way.holds is not None]
    places = [way.place for way in ways if way.place is not None]
    slots = [way.slot for way in ways if way.slot is not None]
    if places:
        parts.append(all_of(slots[0].has, slots[0].among(places)))
    return any_of(*parts)


def _is_untold(slot: Slot, *, is_alone: bool) -> bool:
    """Whether the classes of *slot* do not say what a check makes of it."""
    domain = slot.domain
    return domain.is_measured and not (is_alone and domain.is_told)
