"""Facts just inside and just outside each threshold of each rule: tests nobody has to invent.

Every pair differs in one attribute alone, and was decided both ways before it is offered.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Final

from service.rules.advising.found import DAY
from service.rules.attributes import Fact, Facts
from service.rules.document import ExpectDocument, TestDocument
from service.rules.expression.tokens import shown
from service.rules.ranges import LARGEST_EXACT
from service.rules.ruleset import RuleSet
from service.rules.truth import Truth
from service.rules.turning import Edge, Ground

__all__ = ["Edge", "Edges", "boundary_tests", "edges_of"]

_TRIES: Final = 60_000
_TRIES_A_RULE: Final = 3_000
"""So often are conditions asked at most: enough for ten attributes, an end for hundreds."""
_LONGEST_SHOWN: Final = 60
_LONGEST_NAME: Final = 200
_AT: Final = datetime.combine(DAY, time(tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Edges:
    """Every edge that was found, in document order, and the rules for which none was."""

    found: tuple[Edge, ...]
    without: tuple[str, ...]


def edges_of(rules: RuleSet) -> Edges:
    """Return the edges of all gates and rules of *rules*, on the day that tests are decided on.

    A rule has none that reads no facts, is never yes, or always is; and where one would be
    found only by more tries than are made.
    """
    model = rules.model
    placed = [(gate.id, gate.condition.node) for gate in model.gates]
    placed += [(rule.id, rule.condition.node) for rule in model.rules]
    found: list[Edge] = []
    without: list[str] = []
    left = _TRIES
    for place, (name, node) in enumerate(placed):
        ground = Ground(model, name, node, most=min(left, _TRIES_A_RULE))
        own = [edge for edge in ground.edges() if _holds(rules, place, edge)]
        left -= ground.tried
        found += own
        if not own:
            without.append(name)
    return Edges(tuple(found), tuple(without))


def boundary_tests(
    edges: Iterable[Edge], *, beside: Iterable[TestDocument] = ()
) -> tuple[TestDocument, ...]:
    """Return a test for each side of each edge, for a document's `tests`; none twice.

    Nor one that says the same as a test that stands there already, *beside* them.
    """
    there = {_said(test) for test in beside}
    tests: dict[str, TestDocument] = {}
    for edge in edges:
        for value, result in edge.sides:
            test = TestDocument(
                name=_named(edge, value, result),
                facts=Facts(edge.facts(value)).to_json(),
                expect=ExpectDocument(rules={edge.rule: result.value}),
            )
            if _said(test) not in there:
                tests.setdefault(_said(test), test)
    return tuple(tests.values())


def _said(test: TestDocument) -> str:
    return repr((sorted(test.facts.items()), test.expect, test.final, test.at))


def _named(edge: Edge, value: Fact | None, result: Truth) -> str:
    says = "missing" if value is None else _short(value)
    beside = ", ".join(f"{name} {_short(one)}" for name, one in edge.context.items())
    name = f"{edge.rule} is {result.value}: {edge.attribute} {says}"
    return (f"{name}, {beside}" if beside else name)[:_LONGEST_NAME]


def _short(value: Fact) -> str:
    text = shown(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}..."


def _holds(rules: RuleSet, place: int, edge: Edge) -> bool:
    """Return whether the whole rule set, from the door on, turns the rule at *place* there.

    Not where a number would be too large to stand in a document.
    """
    for value, result in edge.sides:
        if isinstance(value, float) and abs(value) >= LARGEST_EXACT:
            return False
        raw = Facts(edge.facts(value)).to_json()
        decision = rules.decide(raw, at=_AT, final=True, with_missing=False)
        results = (*decision.trace.open.gates, *decision.trace.open.rules)
        if results[place] is not result or decision.facts.problems:
            return False
    return True
