"""A rule set as SQL: what is refused is named, and text stays text in every dialect."""

import subprocess
import sys
from datetime import date

import pytest
import sqlglot
from sqlglot import exp

from service.rules import RuleSet, load_rule_set
from service.rules.expression.sql_dialects import DIALECTS
from service.rules.sql import Selection, Untranslatable, select

TODAY = date(2026, 3, 1)
EXECUTED = {"duckdb", "postgres", "spark"}
HOSTILE = (
    "it's", 'say "x"', "back\\slash", "\\", "\\'", "a\nb", "'; DROP TABLE leads; --", "%_", "$$",
    "${x}", "{{x}}", "/* x */", "`tick`", "ß\u00a0İ", "line\u2028two", "\t",
)  # fmt: skip


def rules_of(when: str, **more: object) -> RuleSet:
    """Return a rule set with one rule."""
    document: dict[str, object] = {
        "rule_set": "small",
        "attributes": {
            "name": {"type": "text", "ask": "Name?"},
            "mail": {"type": "text", "fold": True},
            "staff": {"type": "number", "min": 0},
            "tools": {"type": "list"},
            "since": {"type": "date"},
        },
        "scores": {
            "fit": {"groups": [{"id": "all", "rules": [{"id": "only", "when": when, "points": 5}]}]}
        },
        "outcomes": [
            {"id": "good", "verdict": "qualify", "when": "fit >= 5"},
            {"id": "rest", "verdict": "review"},
        ],
        **more,
    }
    return load_rule_set(document)


def written(rules: RuleSet, dialect: str, relation: str = "leads", *keep: str) -> Selection:
    """Return *rules* as SQL of *dialect*."""
    return select(rules.model, dialect=dialect, relation=relation, today=TODAY, kept=keep)


def refused(rules: RuleSet, dialect: str, relation: str = "leads", *keep: str) -> list[str]:
    """Return the constructs that are refused."""
    with pytest.raises(Untranslatable) as refusal:
        written(rules, dialect, relation, *keep)
    assert all(one.why and one.instead for one in refusal.value.refusals)
    return [one.construct for one in refusal.value.refusals]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_stays_that_text(dialect: str, text: str) -> None:
    """However it is quoted, the dialect's own reader finds the same text again."""
    selection = written(rules_of(f"name == {text_literal(text)}"), dialect)
    tree = sqlglot.parse_one(selection.sql, dialect=dialect)
    literals = {one.this for one in tree.find_all(exp.Literal) if one.is_string}
    assert text in literals


def text_literal(text: str) -> str:
    """Return *text* as an expression writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'.replace("\t", "\\t")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_text_is_one_select_that_the_dialect_reads(dialect: str) -> None:
    """Also of the dialects that nobody here has run."""
    condition = 'staff / 3 > 0.1 || name.startsWith("a") || age_months(since) > 2'
    selection = written(rules_of(condition), dialect, "leads", "lead_id")
    (tree,) = sqlglot.parse(selection.sql, dialect=dialect)
    assert isinstance(tree, exp.Select)
    given = [one.alias_or_name.lower() for one in tree.selects]
    assert given == ["lead_id", *selection.outputs]


def test_only_dialects_that_our_tests_run_count_as_executed() -> None:
    """Whoever reads the SQL is told what nobody has tried."""
    assert {name for name, one in DIALECTS.items() if one.was_executed} == EXECUTED


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_an_engine_would_compute_differently_is_an_input(dialect: str) -> None:
    """Case, folding and domains are ours, worked out once per distinct value."""
    rules = rules_of('lower(name) == "i" || domain(mail) == "a.b" || mail == "x"')
    inputs = {one.name.lower(): one for one in written(rules, dialect).inputs}
    assert set(inputs) == {"name", "mail", "lower__name", "domain__mail", "fold__mail"}
    values = {"name": "\u0130", "mail": "Ann@SHOP.Example"}
    assert inputs["lower__name"].of(values) == "i\u0307"
    assert inputs["domain__mail"].of(values) == "shop.example"
    assert inputs["fold__mail"].of(values) == "ann@shop.example"
    assert inputs["fold__mail"].of({}) is None


def test_patterns_are_an_input_where_there_is_no_re2() -> None:
    """Postgres reads `.`, `$` and letter case its own way."""
    rules = rules_of('name.matches("^a")')
    (given,) = [one for one in written(rules, "postgres").inputs if one.prepared is not None]
    assert (given.type, given.holds) == ("BOOLEAN", 'name.matches("^a")')
    assert given.of({"name": "ab"}) is True
    assert [one.prepared for one in written(rules, "duckdb").inputs] == [None]


def test_a_function_of_a_lists_items_is_a_list_beside_it() -> None:
    """Item by item, in order."""
    rules = rules_of('tools.exists(t, domain(t) == "a.b")')
    (beside,) = [one for one in written(rules, "duckdb").inputs if one.prepared is not None]
    assert beside.of({"tools": ("x@A.b", "")}) == ("a.b", "")


@pytest.mark.parametrize(
    ("dialect", "when", "construct"),
    [
        ("bigquery", '"sap" in tools', "list tools"),
        ("bigquery", 'tools.exists(t, t == "sap")', "exists"),
        ("snowflake", 'tools.all(t, t == "sap")', "all"),
        ("trino", 'tools.exists(t, domain(t) == "a.b")', "exists"),
    ],
)
def test_what_cannot_mean_the_same_is_refused_by_name(
    dialect: str, when: str, construct: str
) -> None:
    """With the rule it stands in; nothing is approximated."""
    assert construct in refused(rules_of(when), dialect)


@pytest.mark.parametrize("relation", ["", "leads; DROP TABLE leads", "(", "a b c", "leads --"])
def test_a_relation_that_is_no_tables_name_is_refused(relation: str) -> None:
    """It comes from a command line, and ends up in a statement."""
    assert refused(rules_of("staff > 1"), "duckdb", relation) == [f"relation {relation}"]


def test_a_relation_may_have_a_schema_and_quotes() -> None:
    """It is written as the dialect writes it."""
    text = written(rules_of("staff > 1"), "postgres", 'crm."Leads"').sql
    assert 'FROM crm."Leads"' in text


@pytest.mark.parametrize("name", ["verdict", "low_fit", "_c1"])
def test_a_kept_column_may_not_hide_one_of_ours(name: str) -> None:
    """Two columns of one name would be read wrongly by somebody."""
    assert refused(rules_of("staff > 1"), "duckdb", "leads", name) == [f"column {name}"]


def test_names_that_postgres_would_cut_are_refused() -> None:
    """It tells names apart by their first characters and says nothing."""
    long = "a" * 64
    rules = rules_of(f"{long} > 1", attributes={long: {"type": "number"}})
    assert refused(rules, "postgres") == [f"name {long}"]
    assert written(rules, "duckdb").inputs[0].name == long


def test_the_api_starts_without_the_libraries_of_sql() -> None:
    """Whoever only decides does not wait for a translator or an engine to load."""
    code = "import sys, service.app; print({'sqlglot', 'duckdb', 'z3'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_the_same_rules_give_the_same_text() -> None:
    """A text can be committed, compared and cached."""
    rules = rules_of('staff > 1 && name != "a" && tools.size() > 2')
    assert written(rules, "duckdb").sql == written(rules, "duckdb").sql
