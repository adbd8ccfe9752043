"""The exact pass: which answers can still matter, by trying all kinds of them.

Ranges over-estimate: two rules that share an attribute are treated as if they did not. Where
few kinds of answers are left, all combinations are tried, depth first, as a reduced decision
diagram over the missing attributes in document order; an attribute matters exactly where it
keeps a node.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from service.rules.attributes import Fact
from service.rules.classes import AttributeClasses
from service.rules.model import Condition, Group
from service.rules.questions import Evaluate, possible_outcomes, undecided_reads
from service.rules.ranges import six_places
from service.rules.reads import Reads
from service.rules.trace import Outline
from service.rules.truth import UNKNOWN, YES, Truth

EVALUATION_LIMIT: Final = 512
_EXACT_BELOW: Final = 1e6

Change = Literal["verdict", "outcome"]
_Diagram = int
"""A leaf is an outcome's place (0 or more); a node is -1 - its place in the table of nodes."""


@dataclass(frozen=True, slots=True)
class ExactResult:
    """What is possible once every combination of answers was tried."""

    outcomes: tuple[int, ...]
    changes: Mapping[str, Change]


class _TooMany(Exception):
    """The pass would need more evaluations than it may have, or an answer's kinds are endless."""


def exact_pass(
    reads: Reads,
    values: Mapping[str, Fact],
    *,
    outline: Outline,
    classes: Mapping[str, AttributeClasses],
    evaluate: Evaluate,
) -> ExactResult | None:
    """Return what the missing attributes can do exactly, or None where that cannot be told.

    *outline* is the evaluation of *values* themselves. At most 512 further evaluations are
    made; a state of knowledge seen before is not evaluated below again.
    """
    names = tuple(undecided_reads(reads, outline, values))
    if not all(classes[name].finite for name in names):
        return None
    walk = _Pass(reads, names, classes, evaluate)
    try:
        top = walk.visit(0, dict(values), outline)
    except _TooMany:
        return None
    return walk.result(top)


class _Pass:
    """One depth-first walk with its table of nodes and its memory of states."""

    def __init__(
        self,
        reads: Reads,
        names: tuple[str, ...],
        classes: Mapping[str, AttributeClasses],
        evaluate: Evaluate,
    ) -> None:
        self._reads = reads
        self._model = reads.model
        self._names = names
        self._classes = classes
        self._evaluate = evaluate
        self._left = EVALUATION_LIMIT
        self._memory: dict[object, _Diagram] = {}
        self._places: dict[tuple[int, tuple[_Diagram, ...]], _Diagram] = {}
        self._nodes: list[tuple[int, tuple[_Diagram, ...]]] = []

    def visit(self, depth: int, values: dict[str, Fact], outline: Outline) -> _Diagram:
        possible = possible_outcomes(self._model, outline)
        if len(possible) == 1:
            return possible[0]
        wanted = undecided_reads(self._reads, outline, values)
        while depth < len(self._names) and self._names[depth] not in wanted:
            depth += 1
        if depth == len(self._names):
            raise _TooMany
        state = (depth, state_of(self._reads, outline, values))
        known = self._memory.get(state)
        if known is None:
            known = self._memory[state] = self._node(depth, values)
        return known

    def _node(self, depth: int, values: dict[str, Fact]) -> _Diagram:
        name = self._names[depth]
        below: list[_Diagram] = []
        for value in self._classes[name].values:
            if self._left == 0:
                raise _TooMany
            self._left -= 1
            more = {**values, name: value}
            below.append(self.visit(depth + 1, more, self._evaluate(more)))
        return self._intern(depth, tuple(below))

    def _intern(self, depth: int, below: tuple[_Diagram, ...]) -> _Diagram:
        if all(part == below[0] for part in below):
            return below[0]
        key = (depth, below)
        if key not in self._places:
            self._nodes.append(key)
            self._places[key] = -len(self._nodes)
        return self._places[key]

    def result(self, top: _Diagram) -> ExactResult:
        outcomes, depths = self._reach(top)
        verdict_depths = self._reach(self._by_verdict(top))[1]
        changes: dict[str, Change] = {
            self._names[depth]: "verdict" if depth in verdict_depths else "outcome"
            for depth in sorted(depths)
        }
        return ExactResult(tuple(sorted(outcomes)), changes)

    def _reach(self, top: _Diagram) -> tuple[set[int], set[int]]:
        """Return the leaves and the depths of the nodes below *top*."""
        outcomes: set[int] = set()
        depths: set[int] = set()
        waiting, seen = [top], {top}
        while waiting:
            current = waiting.pop()
            if current >= 0:
                outcomes.add(current)
                continue
            depth, below = self._nodes[-1 - current]
            depths.add(depth)
            waiting.extend(set(below) - seen)
            seen.update(below)
        return outcomes, depths

    def _by_verdict(self, top: _Diagram) -> _Diagram:
        """Return the diagram with each outcome replaced by the first one of its verdict."""
        first: dict[str, int] = {}
        for place, outcome in enumerate(self._model.outcomes):
            first.setdefault(outcome.verdict, place)
        done: dict[_Diagram, _Diagram] = {}

        def rewrite(current: _Diagram) -> _Diagram:
            if current >= 0:
                return first[self._model.outcomes[current].verdict]
            if current not in done:
                depth, below = self._nodes[-1 - current]
                done[current] = self._intern(depth, tuple(rewrite(part) for part in below))
            return done[current]

        return rewrite(top)


def state_of(reads: Reads, outline: Outline, values: Mapping[str, Fact]) -> object:
    """Return what is equal only where the same future is left.

    Then the same further answers lead to the same outcomes.

    A state is what is left of each gate, group and outcome: of a decided one its result, of
    a sum of decided rules only the sum, of an undecided one its checks. Where an undecided
    check or a formula mixes what is known with what is not, the known values belong to it.
    """
    model = reads.model
    mixed = set(reads.in_formulas)
    for result, names in zip(outline.checks, reads.checks, strict=True):
        if result is UNKNOWN:
            mixed |= names
    return (
        tuple(_left_of(g.condition, outline.gates[i], outline) for i, g in enumerate(model.gates)),
        tuple(_left_of_group(g, outline) for score in model.scores for g in score.groups),
        tuple(
            _left_of(outcome.condition, outline.outcomes[place], outline)
            for place, outcome in enumerate(model.outcomes)
        ),
        tuple((name, values[name]) for name in sorted(mixed) if name in values),
    )


def _left_of(condition: Condition | None, result: Truth, outline: Outline) -> object:
    if condition is None or result is not UNKNOWN:
        return result
    first = condition.first_check
    return outline.checks[first : first + len(condition.checks)]


def _left_of_group(group: Group, outline: Outline) -> object:
    sure: list[tuple[float, float]] = []
    unsure: list[object] = []
    for place, rule in enumerate(group.rules, group.first_rule):
        result = outline.rules[place]
        if result is YES:
            sure.append(outline.points[place])
            if group.mode == "first":
                break
        if result is UNKNOWN:
            checks = _left_of(rule.condition, result, outline)
            unsure.append((place, checks, outline.points[place]))
    if group.mode == "sum" and all(_is_exact(points) for points in sure):
        return six_places(sum(low for low, _ in sure)), tuple(unsure)
    return tuple(sure), tuple(unsure)


def _is_exact(points: tuple[float, float]) -> bool:
    """Whether sums of such points are the same after rounding in whatever order they are made."""
    low, high = points
    return low == high and six_places(low) == low and abs(low) < _EXACT_BELOW
