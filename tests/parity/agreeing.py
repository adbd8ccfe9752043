"""What every engine must agree with the evaluator on, whichever engine it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from service.rules import UNKNOWN, RuleSet, load_rule_set
from service.rules.attributes import Attribute, Fact
from service.rules.expression import ast
from service.rules.expression.ast import Kind
from service.rules.expression.evaluate import Mode
from service.rules.expression.sql import Translator
from service.rules.expression.sql_dialects import DIALECTS
from service.rules.expression.sql_pieces import Sql
from service.rules.ranges import six_places
from service.rules.sql import Selection
from service.rules.sql_text import Query
from service.rules.standalone import evaluate_expression, typed
from tests.parity.engines import Engine
from tests.parity.tables import KEY, Table, differences


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
    assert list(differences(selection, found, table.expected()[final]))[:3] == []
