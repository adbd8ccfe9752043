"""One comparison after the other, counted: who was compared, over which rules, on which values.

A **comparison** is one lead's whole answer by one other form (the compiled one, or the SELECT in
an engine) held against the reference evaluator's: verdict, outcome, both certainties, whether an
exact pass is wanted, each score with its low and high, the ids of the rules that were yes and the
missing attributes; every value and its type. No rule set counts the same facts twice. A lead
counts twice for each engine, asked with `final` and without, which are two SELECTs; and once for
the compiled form, whose one trace serves both.

Rule set number *n* is always the same one, so whatever is found can be looked at again.
"""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from service.rules import load_rule_set
from service.rules.expression import ast
from service.rules.expression.functions import TREATY
from service.rules.model import Model
from service.rules.uses import expressions as trees_of
from tests.parity.edges import EDGES
from tests.parity.engines import Engine
from tests.parity.tables import Row, Table, differences
from tests.rules.strategies import CLOCKS, documents

T = TypeVar("T")

COMPILED: Final = "compiled"
_DEPTHS: Final = (0, 1, 2)
_FEWEST, _MOST = 40, 4_000
_NODES: Final = frozenset(
    node.__name__
    for node in (
        ast.Constant, ast.Attribute, ast.Derived, ast.Score, ast.Grade, ast.Variable, ast.Not,
        ast.Logic, ast.AtLeast, ast.Has, ast.Choose, ast.Quantified, ast.Apply,
    )
)  # fmt: skip
_PARTS: Final = frozenset(
    {"sum", "first", "max", "cap", "floor", "score by formula", "points by formula", "grade",
     "gate", "only by gate", "missing: ask", "missing: assume_no", "final", "open", "suspended"}
)  # fmt: skip
_ANSWERS: Final = frozenset(
    {"qualify", "review", "disqualify", "undecided", "not certain", "missing", "range"}
)


class Different(AssertionError):
    """Two forms of one rule set gave different answers; the message says where to look."""


@dataclass
class Count:
    """What was compared so far.

    Attributes:
        comparisons: By the form that was held against the reference.
        operators: Comparisons over rule sets that use each operator and kind of node.
        parts: The same by group mode, limit, way of asking and so on.
        edges: Values compared, by the edge they stand on.
        answers: Comparisons by what the reference answered.
    """

    rule_sets: int = 0
    leads: int = 0
    cells: int = 0
    comparisons: Counter[str] = field(default_factory=Counter)
    operators: Counter[str] = field(default_factory=Counter)
    parts: Counter[str] = field(default_factory=Counter)
    edges: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """All comparisons."""
        return self.comparisons.total()

    def add(self, other: "Count") -> None:
        """Count *other* too."""
        for member in fields(self):
            setattr(self, member.name, getattr(self, member.name) + getattr(other, member.name))

    def never(self) -> list[str]:
        """Return what never occurred of all that must."""
        wanted = (
            (self.operators, {*TREATY, *_NODES}),
            (self.parts, _PARTS),
            (self.edges, EDGES),
            (self.answers, _ANSWERS),
        )
        return [name for seen, names in wanted for name in sorted(names - set(seen))]

    def to_json(self) -> dict[str, object]:
        """Return all counts, the largest first."""
        return {
            member.name: dict(value.most_common()) if isinstance(value, Counter) else value
            for member in fields(self)
            for value in [getattr(self, member.name)]
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Count":
        """Return the count that `to_json` wrote."""
        count = cls()
        for name, value in found.items():
            setattr(count, name, Counter(value) if isinstance(value, dict) else value)
        return count


@dataclass(frozen=True)
class Question:
    """One rule set on one table of leads, and how it is asked."""

    number: int
    table: Table
    suspended: tuple[str, ...]

    @classmethod
    def of(cls, number: int, *, work: int) -> "Question":
        """Return question *number*; *work* is how many nodes of its rules to evaluate in all.

        So rules that hold much are asked about fewer leads, and none takes all the time.
        """
        chance = random.Random(number)
        depth = chance.choice(_DEPTHS)
        document, clock = drawn(st.tuples(documents(depth=depth), CLOCKS), number=number)
        rules = load_rule_set(document)
        leads = min(max(work // len(list(_nodes(rules.model))), _FEWEST), _MOST)
        names = [gate.id for gate in rules.model.gates] + [rule.id for rule in rules.model.rules]
        names += [outcome.suspended_as for outcome in rules.model.outcomes]
        suspended = (chance.choice(names),) if chance.random() < 0.25 else ()
        table = Table.of(rules, clock.date(), leads=leads, seed=number)
        return cls(number, table, suspended)

    def compare(self, *engines: Engine) -> Count:
        """Hold the compiled form and *engines* against the reference.

        Raises:
            Different: At the first value that is not the reference's.
        """
        expected = self.table.expected(suspended=self.suspended)
        self._compare_compiled(expected)
        for engine in engines:
            for final, rows in expected.items():
                selection = self.table.select(engine.dialect, final=final, suspended=self.suspended)
                found = engine.run(self.table, selection)
                for lead, column, value, wanted in differences(selection, found, rows):
                    words = f"{column}: {value!r}, {wanted!r}"
                    raise self._different(engine.dialect, lead, words, final=final)
        return self._count([engine.dialect for engine in engines], expected)

    def _compare_compiled(self, expected: Mapping[bool, Sequence[Row]]) -> None:
        by = self.table.rules.meaning
        found = self.table.expected(suspended=self.suspended, by=by)
        for final, rows in expected.items():
            for lead, (row, wanted) in enumerate(zip(found[final], rows, strict=True)):
                if repr(row) != repr(wanted):
                    raise self._different(COMPILED, lead, f"{row}, {wanted}", final=final)

    def _different(self, form: str, lead: int, words: str, *, final: bool) -> Different:
        facts = dict(self.table.facts[lead])
        return Different(
            f"rule set {self.number}, lead {lead}, final={final}, "
            f"suspended={self.suspended}, {self.table.today}: {form} gives {words} on {facts}"
        )

    def _count(self, engines: Sequence[str], expected: Mapping[bool, Sequence[Row]]) -> Count:
        model, leads = self.table.rules.model, len(self.table.facts)
        each = 1 + 2 * len(engines)
        compared = leads * each
        parts = set(_parts(model)) | ({"suspended"} if self.suspended else set())
        ways = {"final" if final else "open": leads * len(engines) for final in expected}
        answers: Counter[str] = Counter()
        for rows in expected.values():
            for row in rows:
                answers.update(_kinds(row))
        return Count(
            rule_sets=1,
            leads=leads,
            cells=compared * len(expected[True][0]),
            comparisons=Counter({COMPILED: leads, **dict.fromkeys(engines, 2 * leads)}),
            operators=Counter(dict.fromkeys(_operators(model), compared)),
            parts=Counter({**dict.fromkeys(parts, compared), **ways}),
            edges=Counter({edge: n * each for edge, n in self.table.edges.items()}),
            answers=Counter({kind: n * len(engines) for kind, n in answers.items()}),
        )


def drawn(strategy: st.SearchStrategy[T], *, number: int) -> T:
    """Return example *number* of *strategy*, the same one every time.

    Hypothesis begins with the simplest example and goes on with random ones; this is the
    first of those.
    """
    found: list[T] = []

    @seed(number)
    @settings(
        max_examples=2,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def keep(example: T) -> None:
        found.append(example)

    keep()
    return found[-1]


def _nodes(model: Model) -> Iterator[ast.Node]:
    trees = [*trees_of(model), *(derived.node for derived in model.derived)]
    return (node for tree in trees for node in ast.walk(tree))


def _operators(model: Model) -> Iterator[str]:
    for node in _nodes(model):
        yield type(node).__name__
        if isinstance(node, ast.Apply):
            yield node.operator


def _parts(model: Model) -> Iterator[str]:
    yield f"missing: {model.missing}"
    yield from ("grade" for _ in model.grades)
    yield from ("gate" for _ in model.gates)
    yield from ("only by gate" for outcome in model.outcomes if outcome.only_by_gate)
    yield from ("points by formula" for rule in model.rules if rule.points.formula is not None)
    for score in model.scores:
        if score.formula is not None:
            yield "score by formula"
        yield from (group.mode for group in score.groups)
        lows = [score.floor, *(group.floor for group in score.groups)]
        highs = [score.ceiling, *(group.cap for group in score.groups)]
        yield from ("floor" for low in lows if low is not None)
        yield from ("cap" for high in highs if high is not None)


def _kinds(row: Row) -> Iterator[str]:
    """Yield what kinds of answer *row* holds."""
    yield str(row["verdict"])
    if not row["certain"]:
        yield "not certain"
    if row["missing"]:
        yield "missing"
    spans = [name.removeprefix("low_") for name in row if name.startswith("low_")]
    if any(row[f"low_{name}"] != row[f"high_{name}"] for name in spans):
        yield "range"
