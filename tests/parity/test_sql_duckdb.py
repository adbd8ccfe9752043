"""DuckDB's answer is the evaluator's where generated rule sets do not lead (see test_counted)."""

import json
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from service.rules import load_rule_set
from service.rules.attributes import admit
from service.rules.expression.functions import SAMPLE_FACTS, TREATY
from tests.parity.agreeing import Cells, assert_same, wide_rules
from tests.parity.engines import DuckDB
from tests.parity.tables import Table, expected_rows
from tests.rules.expressions import ATTRIBUTES
from tests.rules.strategies import documents
from tests.rules.test_treaty import sample_attributes

AT = datetime(2026, 3, 1, tzinfo=UTC)
FLEET = Path(__file__).resolve().parents[1] / "cases" / "fleet_leads.yaml"
PATTERNS = (
    "^a", "b$", "a.b", "(?s)a.b", "(?m)^b", "(?i)STRASSE", "(?i)ẞ", "(?i)i", r"\bb", "^$", "x*",
    r"\d+", r"\w", "[^a]", r"\s", "(?i)k", "x$", "z$", "a|", "[[:alpha:]]+ß", r"^\x{130}",
)  # fmt: skip
TEXTS = (
    "b\nb", "a\u2028b", "a\rb",
    "a", "ab", "a\nb", "b\n", "b", "straße", "STRASSE", "ß", "ẞ", "İ", "ı", "i", "K", "1", "١",
    "é", "a b", "a\u00a0b", "%", "_", "'", '"', "\\", "x" * 256, "x" * 256 + "z", "ü1",
)  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> DuckDB:
    """Return the embedded engine."""
    return DuckDB()


@pytest.mark.parametrize("final", [False, True])
def test_the_treatys_cases_hold(engine: DuckDB, *, final: bool) -> None:
    """Every operator satisfies its cases, open and closed."""
    expressions = [case.expression for row in TREATY.values() for case in row.cases]
    attributes = sample_attributes()
    facts = [admit(SAMPLE_FACTS, attributes).values, {}]
    cells = Cells(expressions, attributes, facts, AT.date())
    assert cells.disagreements(engine, final=final) == []


def test_patterns_match_alike(engine: DuckDB) -> None:
    """The engine's RE2 reads line ends, letter cases and the 256th character as ours does."""
    expressions = [f"t.matches({json.dumps(one, ensure_ascii=False)})" for one in PATTERNS]
    attributes = {"t": sample_attributes()["t"]}
    facts = [admit({"t": text}, attributes).values for text in TEXTS]
    cells = Cells(expressions, attributes, facts, AT.date())
    assert cells.disagreements(engine, final=False) == []


def test_where_nothing_is_missing_the_short_select_gives_the_same(engine: DuckDB) -> None:
    """What needs no ranges comes out as it does by ranges, in every column of every row."""
    seen: Counter[str] = Counter()

    @settings(
        max_examples=40,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(documents())
    def compare(document: dict[str, object]) -> None:
        table = Table.of(load_rule_set(document), AT.date(), leads=60, seed=1)
        by_ranges = table.select("duckdb", final=False)
        columns = table.columns(by_ranges)
        table.facts = [
            values
            for place, values in enumerate(table.facts)
            if all(cells[place] is not None for cells in columns.values())
        ]
        short = table.select("duckdb", final=False, complete=True)
        assert short.outputs == by_ranges.outputs
        assert repr(engine.run(table, short)) == repr(engine.run(table, by_ranges))
        seen["rows"] += len(table.facts)
        seen["shorter"] += len(short.sql) < len(by_ranges.sql)

    compare()
    assert seen["rows"] > 400
    assert seen["shorter"] > 30


@pytest.mark.parametrize("mode", ["sum", "first", "max"])
def test_five_hundred_rules_are_selected_alike(engine: DuckDB, mode: str) -> None:
    """Nothing nests deeper than the engine takes."""
    assert_same(engine, Table.of(wide_rules(500, mode), AT.date(), leads=40, seed=1))


def test_a_formula_reads_the_closed_value_of_the_largest_points(engine: DuckDB) -> None:
    """Closed, an unknown rule of a group taken by maximum is out, also beside points by formula."""
    rules = load_rule_set(
        {
            "rule_set": "largest",
            "attributes": {"name": {"type": "text"}, "country": {"type": "text"}},
            "scores": {
                "fit": {
                    "groups": [
                        {
                            "id": "all",
                            "mode": "max",
                            "rules": [
                                {"id": "lower", "when": "lower(name) == name", "points": 10},
                                {
                                    "id": "old",
                                    "when": 'country == "DE"',
                                    "points": 'age_days(date("2026-02-01"))',
                                    "bounds": [0, 20],
                                },
                            ],
                        }
                    ]
                },
                "total": {"floor": -50, "ceiling": 100, "formula": "50 - fit"},
            },
            "outcomes": [{"id": "rest", "verdict": "review"}],
        }
    )
    table = Table(rules, AT.date(), [{}, {"country": "FR"}, {"name": "a"}, {"country": "DE"}])
    assert [row["value_total"] for row in table.expected()[False]] == [50, 50, 40, 30]
    assert_same(engine, table)


def test_the_worked_example_gives_its_own_tests(engine: DuckDB) -> None:
    """The decision itself, where SQL says that it is settled."""
    rules = load_rule_set(FLEET.read_text())
    facts = [rules.admit(test.facts).values for test in rules.document.tests]
    table = Table(rules, date(2026, 1, 1), facts)
    for final in (False, True):
        selection = table.select("duckdb", final=final)
        rows = [
            dict(zip(selection.outputs, row[1:], strict=True))
            for row in engine.run(table, selection)
        ]
        at = datetime(2026, 1, 1, tzinfo=UTC)
        for test, row in zip(rules.document.tests, rows, strict=True):
            decision = rules.decide(test.facts, at=at, final=final)
            assert row["needs_exact"] or row["verdict"] == decision.verdict
            assert row["needs_exact"] or row["outcome"] == decision.outcome
            assert row["value_fit"] == decision.scores["fit"].value


def test_what_is_expected_of_sql_is_the_decision() -> None:
    """The rows that engines are held to are `decide`, wherever no exact pass was made."""
    rules = load_rule_set(FLEET.read_text())
    table = Table.of(rules, AT.date(), leads=400, seed=7)
    settled = 0
    for values in table.facts:
        rows = expected_rows(rules, values, today=AT.date(), by=rules.meaning)
        for final, row in zip((False, True), rows, strict=True):
            decision = rules.decide(rules.admit(_raw(values)), at=AT, final=final)
            assert row["needs_exact"] or not decision.exact
            if not decision.exact and not row["needs_exact"]:
                settled += 1
                assert row["verdict"] == decision.verdict
                assert row["outcome"] == decision.outcome
                assert row["certain"] == decision.certain
                assert row["outcome_certain"] == decision.outcome_certain
                missing = {one.attribute for one in decision.missing}
                assert set(str(row["missing"]).split(",")) - {""} == missing
    assert settled > 400


def _raw(values: object) -> dict[str, object]:
    assert isinstance(values, dict)
    return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}


def test_generated_leads_read_every_attribute() -> None:
    """The tables are not silently empty: each attribute is known in some lead."""
    rules = load_rule_set(
        {
            "rule_set": "all",
            "attributes": dict(ATTRIBUTES),
            "outcomes": [{"id": "rest", "verdict": "review"}],
        }
    )
    table = Table.of(rules, AT.date(), leads=100, seed=3)
    assert {name for values in table.facts for name in values} == set(ATTRIBUTES)
