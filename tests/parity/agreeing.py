"""What every engine must agree with the evaluator on, whichever engine it is."""

import os
import random
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from service.rules import UNKNOWN, RuleSet, load_rule_set
from service.rules.attributes import Attribute, Fact
from service.rules.expression import ast
from service.rules.expression.ast import Kind
from service.rules.expression.evaluate import Mode
from service.rules.expression.functions import TREATY
from service.rules.expression.sql import Translator
from service.rules.expression.sql_dialects import DIALECTS
from service.rules.expression.sql_pieces import Sql
from service.rules.ranges import six_places
from service.rules.sql import Selection
from service.rules.sql_text import Query
from service.rules.standalone import evaluate_expression, typed
from tests.parity.engines import Engine
from tests.parity.tables import KEY, Table, census, differences
from tests.rules.strategies import CLOCKS, documents

TIMES: Final = int(os.environ.get("GOODFIT_CAMPAIGN", "1"))
RULE_SETS: Final = 100
LEADS: Final = 350
_ROUNDS: Final = 4
NODES: Final = {
    ast.Constant, ast.Attribute, ast.Derived, ast.Score, ast.Grade, ast.Variable, ast.Not,
    ast.Logic, ast.AtLeast, ast.Has, ast.Choose, ast.Quantified, ast.Apply,
}  # fmt: skip
PARTS: Final = {"sum", "first", "max", "gate", "formula"}


def agree(engine: Engine, *, rule_sets: int = RULE_SETS, leads: int = LEADS) -> Counter[object]:
    """Compare generated rule sets on tables of leads, every column of every row.

    Returns how often each operator, node, group mode and answer occurred. Chance may leave
    one out, so a round more is made while something is.
    """
    seen: Counter[object] = Counter()
    for number in range(_ROUNDS):
        _compare_some(engine, seen, number=number, rule_sets=rule_sets, leads=leads)
        if not unseen(seen):
            break
    return seen


def _compare_some(
    engine: Engine, seen: Counter[object], *, number: int, rule_sets: int, leads: int
) -> None:

    @seed(number if TIMES == 1 else random.getrandbits(64))
    @settings(
        max_examples=rule_sets * TIMES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.data())
    def compare(data: st.DataObject) -> None:
        rules = load_rule_set(data.draw(documents(), label="rule set"))
        start, final = data.draw(st.integers(0, 2**32)), data.draw(st.booleans())
        table = Table.of(rules, data.draw(CLOCKS).date(), leads=leads, seed=start)
        names = [gate.id for gate in rules.model.gates] + [rule.id for rule in rules.model.rules]
        one = st.sampled_from(names).map(lambda name: (name,))
        suspended = data.draw(st.one_of(st.just(()), st.just(()), one))
        selection = table.select(engine.dialect, final=final, suspended=suspended)
        expected = table.expected(final=final, suspended=suspended)
        found = engine.run(table, selection)
        assert next(differences(selection, found, expected), None) is None
        seen.update(census(rules.model))
        seen["rows"] += len(expected)
        seen["cells"] += len(expected) * len(selection.outputs)
        for row in expected:
            seen[row["verdict"]] += 1
            seen["in doubt"] += not row["certain"]
            seen["missing"] += bool(row["missing"])

    compare()


def unseen(seen: Counter[object]) -> set[object]:
    """Return the operators, nodes and parts of rule sets that never occurred."""
    wanted: set[object] = {*TREATY, *NODES, *PARTS, "undecided", "in doubt", "missing"}
    return wanted - set(seen)


def tell(capsys: pytest.CaptureFixture[str], engine: Engine, seen: Counter[object]) -> None:
    """Print how much was compared, whatever the verbosity."""
    with capsys.disabled():
        rows, cells = seen["rows"], seen["cells"]
        sys.stdout.write(f"\n{engine.dialect}: {rows:,} rows alike, {cells:,} cells\n")


@dataclass(frozen=True)
class Cells:
    """Expressions as the columns of one SELECT, over leads."""

    expressions: Sequence[str]
    attributes: Mapping[str, Attribute]
    facts: list[Mapping[str, Fact]]
    today: date

    def disagreements(self, engine: Engine, *, final: bool) -> list[tuple[str, object, object]]:
        """Return each expression with SQL's value and the evaluator's, where they differ."""
        selection = self._selection(engine.dialect, final=final)
        rules = load_rule_set(NOTHING)
        found = engine.run(Table(rules, self.today, self.facts), selection)
        at = datetime(self.today.year, self.today.month, self.today.day, tzinfo=UTC)
        pairs: list[tuple[str, object, object]] = []
        for values, row in zip(self.facts, found, strict=True):
            raw = {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}
            for expression, value in zip(self.expressions, row[1:], strict=True):
                wanted = evaluate_expression(expression, self.attributes, raw, at=at, final=final)
                plain = None if wanted is UNKNOWN else wanted
                same = tuple(value) if isinstance(value, list) else value
                if final and wanted is False and value is None:
                    continue  # closed, a whole condition that is NULL counts as no
                if same != plain or isinstance(same, bool) != isinstance(plain, bool):
                    pairs.append((expression, value, plain))
        return pairs

    def _selection(self, dialect: str, *, final: bool) -> Selection:
        nodes = [typed(expression, self.attributes) for expression in self.expressions]
        formulas = {f"e{number}": node for number, node in enumerate(nodes)}
        spoken = DIALECTS[dialect]
        translator = Translator(spoken, self.today, self.attributes, formulas)
        translator.is_open = not final
        outputs = {name: _piece(translator, name, node) for name, node in formulas.items()}
        query = Query.of(translator, outputs, relation="leads", kept=[KEY])
        assert translator.refusals.found == []
        return Selection(dialect, spoken.was_executed, query.text(), query.inputs(), ())


def _piece(translator: Translator, name: str, node: ast.Node) -> Sql:
    if node.type.kind is Kind.TRUTH:
        return translator.whole(node).piece
    if node.type.kind is Kind.NUMBER:
        return translator.part(ast.Derived(name, node.type, node.span), Mode.PLAIN).low
    return translator.value(node)


NOTHING: Final[dict[str, object]] = {
    "rule_set": "nothing",
    "attributes": {"anything": {"type": "flag"}},
    "outcomes": [{"id": "rest", "verdict": "review"}],
}


def wide_rules(count: int, mode: str) -> RuleSet:
    """Return a rule set of *count* rules with two conditions each, in one group."""
    names = [f"number_{letter}" for letter in "abcdefghij"]
    rules = [
        {
            "id": f"rule_{place}",
            "when": " && ".join(
                f"{names[(place + step) % 10]} >= {(place * 7 + step * 13) % 100}"
                for step in range(2)
            ),
            "points": six_places(place % 9 - 3 + 0.1),
        }
        for place in range(count)
    ]
    return load_rule_set(
        {
            "rule_set": "wide",
            "attributes": {
                name: {"type": "number", "min": 0, "max": 100, "ask": name} for name in names
            },
            "scores": {"fit": {"groups": [{"id": "all", "mode": mode, "rules": rules}]}},
            "outcomes": [
                {"id": "good", "verdict": "qualify", "when": "fit >= 6"},
                {"id": "rest", "verdict": "disqualify"},
            ],
        }
    )


def assert_same(engine: Engine, table: Table, *, final: bool = False) -> None:
    """Compare one rule set on one table."""
    selection = table.select(engine.dialect, final=final)
    found = engine.run(table, selection)
    assert list(differences(selection, found, table.expected(final=final)))[:3] == []
