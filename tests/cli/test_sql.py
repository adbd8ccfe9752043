"""`goodfit sql` prints a SELECT that runs, with what it needs said above it."""

import json
from pathlib import Path

import duckdb
import pytest

from tests.cli.conftest import Goodfit

AT = ("--at", "2026-03-01T00:00:00Z")
LEADS = """
CREATE TABLE leads AS SELECT * FROM (VALUES
  (1, 'a@fleet.example', 300.0, 'DE', 'vp', []::TEXT[], false, 2.0, 'fleet.example'),
  (2, NULL, NULL, 'DE', NULL, NULL, NULL, NULL, NULL)
) AS t(lead_id, email, vehicles, country, seniority, tools, has_budget, email_clicks,
       registrable_domain__email)
"""


def test_the_printed_statement_runs(goodfit: Goodfit, fleet: Path) -> None:
    """As it comes from standard output, comments included."""
    result = goodfit("sql", fleet, "--dialect", "duckdb", "--keep", "lead_id", *AT)
    assert result.exit_code == 0
    connection = duckdb.connect()
    connection.execute(LEADS)
    cursor = connection.execute(result.stdout)
    names = [column[0] for column in cursor.description]
    rows = {row[0]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}
    assert (rows[1]["verdict"], rows[1]["outcome"], rows[1]["certain"]) == (
        "qualify", "tier_a", True,
    )  # fmt: skip
    assert (rows[1]["value_fit"], rows[1]["value_total"]) == (65.0, 62.0)
    assert rows[1]["rules_yes"] == "large,medium,home,decider,clicks"
    assert (rows[2]["verdict"], rows[2]["needs_exact"]) == ("undecided", True)
    assert (rows[2]["low_fit"], rows[2]["high_fit"]) == (0.0, 80.0)
    assert rows[2]["missing"].split(",")[:2] == ["email", "vehicles"]


def test_with_final_no_row_is_left_undecided(goodfit: Goodfit, fleet: Path) -> None:
    """As files are decided: nobody is left to ask."""
    text = goodfit("sql", fleet, "--dialect", "duckdb", "--final", *AT).stdout
    connection = duckdb.connect()
    connection.execute(LEADS)
    found = {(row[0], row[2]) for row in connection.execute(text).fetchall()}
    assert found == {("disqualify", False), ("qualify", True)}


def test_the_columns_it_needs_stand_above_it(goodfit: Goodfit, fleet: Path) -> None:
    """Attributes with their types, and what Goodfit computes of them."""
    head = goodfit("sql", fleet, "--dialect", "postgres").stdout.partition("SELECT")[0]
    assert "--   vehicles DOUBLE PRECISION\n" in head
    assert "--   registrable_domain__email TEXT  computed by Goodfit: " in head
    assert "NOT EXECUTED" not in head


@pytest.mark.parametrize("dialect", ["snowflake", "trino"])
def test_a_dialect_nobody_here_has_run_is_marked(
    goodfit: Goodfit, fleet: Path, dialect: str
) -> None:
    """In a comment of the text, and in a member of the JSON."""
    assert "-- NOT EXECUTED" in goodfit("sql", fleet, "--dialect", dialect).stdout
    found = json.loads(goodfit("sql", fleet, "--dialect", dialect, "--json").stdout)
    assert found["executed"] is False


def test_everything_is_json_too(goodfit: Goodfit, fleet: Path) -> None:
    """Inputs with their attributes, outputs in order, and the text without comments."""
    found = json.loads(goodfit("sql", fleet, "--dialect", "duckdb", *AT, "--json").stdout)
    assert (found["rule_set"], found["executed"], found["today"]) == (
        "fleet_leads", True, "2026-03-01",
    )  # fmt: skip
    assert found["sql"].startswith("SELECT")
    assert found["outputs"][:3] == ["verdict", "outcome", "certain"]
    (prepared,) = [one for one in found["inputs"] if one["prepared"]]
    assert prepared["attribute"] == "email"


def test_a_refusal_names_everything_and_answers_no(goodfit: Goodfit, fleet: Path) -> None:
    """Nothing is written where a part would mean something else."""
    result = goodfit("sql", fleet, "--dialect", "bigquery")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "`list tools`: bigquery stores a missing list as an empty one" in result.stderr
    found = goodfit("sql", fleet, "--dialect", "bigquery", "--json")
    assert found.exit_code == 1
    assert json.loads(found.stdout)["refusals"][0]["construct"] == "list tools"


@pytest.mark.parametrize(
    "arguments", [(), ("--dialect", "oracle"), ("--dialect", "duckdb", "--at", "x")]
)
def test_a_call_that_makes_no_sense_is_told_so(
    goodfit: Goodfit, fleet: Path, arguments: tuple[str, ...]
) -> None:
    """No dialect, an unknown one, a clock that is none."""
    assert goodfit("sql", fleet, *arguments).exit_code == 2


def test_a_pattern_cannot_leave_its_comment(goodfit: Goodfit, tmp_path: Path) -> None:
    """A line end in a rule does not begin a line of SQL."""
    file = tmp_path / "rules.json"
    when = 'name.matches("a\\nDROP TABLE leads")'
    document = {
        "rule_set": "small",
        "attributes": {"name": {"type": "text"}},
        "gates": [{"id": "only", "when": when, "then": "rest"}],
        "outcomes": [{"id": "rest", "verdict": "review"}],
    }
    file.write_text(json.dumps(document))
    text = goodfit("sql", file, "--dialect", "postgres", "--from", "leads").stdout
    assert "DROP TABLE" in text
    assert not any(line.startswith("DROP") for line in text.splitlines())
