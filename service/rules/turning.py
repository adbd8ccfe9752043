"""Where one condition turns: the fewest facts on which a single value makes it yes or not."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import combinations, pairwise
from typing import Final

from service.rules.advising.found import DAY
from service.rules.attributes import Attribute, Fact
from service.rules.classes import AttributeClasses, classes_among
from service.rules.expression import ast, evaluate
from service.rules.expression.derived import DerivedValues
from service.rules.lattice import lattice_of, number_at, place_of, stretches
from service.rules.model import Model
from service.rules.ranges import LARGEST_EXACT, six_places
from service.rules.truth import NO, UNKNOWN, YES, Truth
from service.rules.uses import Probe, Reader, uses_of

__all__ = ["Edge", "Ground"]

_MOST_VALUES: Final = 24
_PLAIN: Final = (0.0, 1.0, 10.0)
_PLACES: Final = 6


@dataclass(frozen=True, slots=True)
class Edge:
    """Where one rule turns: *inside* it is yes, *outside* it is not.

    Attributes:
        rule: The id of a rule or a gate.
        attribute: The one attribute in which both differ.
        outside: None where it is missing there, which leaves the rule unknown.
        context: What else has to be known for the attribute to tell; mostly nothing.
    """

    rule: str
    attribute: str
    inside: Fact
    outside: Fact | None
    context: Mapping[str, Fact]

    @property
    def sides(self) -> tuple[tuple[Fact | None, Truth], tuple[Fact | None, Truth]]:
        """The value of each side, and what the rule says there."""
        return (self.inside, YES), (self.outside, UNKNOWN if self.outside is None else NO)

    def facts(self, value: Fact | None) -> Mapping[str, Fact]:
        """Return the facts of one side."""
        return self.context if value is None else {self.attribute: value, **self.context}


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two values of one attribute between which a condition may turn; *other* may be missing."""

    name: str
    one: Fact
    other: Fact | None

    @property
    def ends(self) -> set[Truth]:
        """What the condition comes to on both sides, where it turns."""
        return {YES, UNKNOWN if self.other is None else NO}


@dataclass
class Ground:
    """The condition of one rule, and how often it may be asked and was."""

    model: Model
    rule: str
    node: ast.Node
    most: int
    tried: int = 0

    @cached_property
    def _reader(self) -> Reader:
        return Reader.of(self.model)

    @cached_property
    def _classes(self) -> Mapping[str, AttributeClasses]:
        return classes_among(self.model, [self.node], today=DAY)

    @cached_property
    def _values(self) -> Mapping[str, tuple[Fact, ...]]:
        """The values of each attribute that are worth trying, as far as tests can name them."""
        return {
            name: _writable(self.model.attributes[name], found)
            for name, found in self._classes.items()
        }

    @cached_property
    def _asks_presence(self) -> bool:
        parts = [self.node, *(self._reader.formulas[n] for n in self._reader.derived(self.node))]
        return any(isinstance(part, ast.Has) for tree in parts for part in ast.walk(tree))

    def edges(self) -> Iterator[Edge]:
        """Yield an edge for each threshold that some facts make tell."""
        for name in self._classes:
            seen: set[Fact | None] = set()
            for pair in self._pairs(name):
                edge = None if {pair.one, pair.other} <= seen else self._edge(pair)
                if edge is not None and not {edge.inside, edge.outside} <= seen:
                    seen |= {edge.inside, edge.outside}
                    yield edge

    def _pairs(self, name: str) -> Iterator[_Pair]:
        attribute = self.model.attributes[name]
        values = self._values[name]
        if attribute.type in {"number", "date"}:
            checks = uses_of(self.model, [self.node])[name].checks
            probe = Probe.of(self.model, attribute, checks=checks, today=DAY)
            lattice = lattice_of(attribute)
            found, _ = stretches(probe, lattice, self._reader)
            for before, after in pairwise(found):
                yield _Pair(name, lattice.at(before.last), lattice.at(after.first))
            yield from (_Pair(name, *two) for two in sorted(pairwise(values), key=_far))
        else:
            yield from (_Pair(name, *two) for two in combinations(values, 2))
        if self._asks_presence:
            yield from (_Pair(name, value, None) for value in values[:1])

    def _edge(self, pair: _Pair) -> Edge | None:
        context = self._context(pair)
        if context is None:
            return None
        one, other = self._nearest(pair, context)
        if other is None or self._truth({**context, pair.name: one}) is YES:
            return Edge(self.rule, pair.name, one, other, context)
        return Edge(self.rule, pair.name, other, one, context)

    def _context(self, pair: _Pair) -> dict[str, Fact] | None:
        """Return the fewest further facts found with which the condition turns."""
        names = [name for name in self._classes if name != pair.name]
        found = self._deepen(names, {}, pair)
        if found is None:
            return None
        for name in list(found):
            rest = {key: value for key, value in found.items() if key != name}
            if self._turns(rest, pair) == pair.ends:
                found = rest
        return found

    def _deepen(
        self, names: Sequence[str], context: dict[str, Fact], pair: _Pair
    ) -> dict[str, Fact] | None:
        results = self._turns(context, pair)
        if results == pair.ends:
            return context
        is_settled = UNKNOWN not in results and not self._asks_presence
        if is_settled or not names or self.tried >= self.most:
            return None
        name, *rest = names
        for value in sorted(self._values[name], key=_size):
            found = self._deepen(rest, {**context, name: value}, pair)
            if found is not None:
                return found
        return self._deepen(rest, context, pair)

    def _turns(self, context: Mapping[str, Fact], pair: _Pair) -> set[Truth]:
        one = self._truth({**context, pair.name: pair.one})
        if pair.other is None:
            return {one, self._truth(context)} if one is YES else {one}
        return {one, self._truth({**context, pair.name: pair.other})}

    def _truth(self, facts: Mapping[str, Fact]) -> Truth:
        """Return what the condition comes to where more answers may come."""
        self.tried += 1
        derived = DerivedValues()
        derived.known = evaluate.Known(
            values=evaluate.reading(facts, self.model.attributes),
            attributes=self.model.attributes,
            today=DAY,
            is_open=True,
            derived=derived,
            formulas=self._reader.formulas,
        )
        return evaluate.truth(self.node, derived.known)

    def _nearest(self, pair: _Pair, context: Mapping[str, Fact]) -> tuple[Fact, Fact | None]:
        """Return neighbours of the pair between which the condition turns.

        Numbers stand on the steps in which the condition counts, where it turns the same
        there: 19 and 20, not 19.999999.
        """
        one, other = pair.one, pair.other

        def truth(value: Fact) -> Truth:
            return self._truth({**context, pair.name: value})

        if isinstance(one, float) and isinstance(other, float):
            low, high = _bisected(place_of(one), place_of(other), lambda p: truth(number_at(p)))
            return self._counted(pair.name, number_at(low), number_at(high), truth)
        if isinstance(one, date) and isinstance(other, date):
            days = (one.toordinal(), other.toordinal())
            low, high = _bisected(*days, lambda p: truth(date.fromordinal(p)))
            return date.fromordinal(low), date.fromordinal(high)
        return one, other

    def _counted(
        self, name: str, low: float, high: float, truth: Callable[[Fact], Truth]
    ) -> tuple[float, float]:
        step, attribute = self._step(name), self.model.attributes[name]
        down = six_places(math.floor(low / step) * step)
        up = six_places(math.ceil(high / step) * step)
        if _admits(attribute, down) and truth(down) is truth(low):
            low = down
        if _admits(attribute, up) and truth(up) is truth(high):
            high = up
        return low, high

    def _step(self, name: str) -> float:
        """Return 1 where the rule's numbers are whole, else the last place of the finest."""
        uses = uses_of(self.model, [self.node])[name]
        parts = (part for check in uses.checks for part in ast.walk(check))
        constants = [part.value for part in parts if isinstance(part, ast.Constant)]
        flat: list[object] = []
        for value in (*constants, *uses.beside):
            flat += value if isinstance(value, tuple) else (value,)
        numbers = [one for one in flat if isinstance(one, float)]
        places = (n for n in range(_PLACES) if all(round(one, n) == one for one in numbers))
        return 10.0 ** -next(places, _PLACES)


def _writable(attribute: Attribute, found: AttributeClasses) -> tuple[Fact, ...]:
    """Return values to try: one of each class, and plain numbers where there are no classes."""
    values = set(found.values)
    if attribute.type == "number" and not found.finite:
        values |= {one for one in _PLAIN if _admits(attribute, one)}
    if attribute.type != "number":
        return found.values[:_MOST_VALUES]
    numbers = sorted(one for one in values if isinstance(one, float) and abs(one) < LARGEST_EXACT)
    return tuple(numbers)[:_MOST_VALUES]


def _size(value: Fact) -> float:
    """Order values by how plain they are: numbers near 0 first, all others as they stood."""
    return abs(value) if isinstance(value, float) else 0.0


def _far(pair: tuple[Fact, Fact]) -> float:
    return _size(pair[0]) + _size(pair[1])


def _bisected(low: int, high: int, truth: Callable[[int], Truth]) -> tuple[int, int]:
    """Return two neighbouring places from *low* to *high* between which *truth* turns."""
    if low > high:
        low, high = high, low
    before = truth(low)
    while high - low > 1:
        middle = (low + high) // 2
        if truth(middle) is before:
            low = middle
        else:
            high = middle
    return low, high


def _admits(attribute: Attribute, value: float) -> bool:
    low, high = attribute.minimum, attribute.maximum
    return (low is None or value >= low) and (high is None or value <= high)
