"""Every account of two real files is scored by `goodfit score`, and the counts are checked."""

import csv
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from service.cli import app
from tests.real_data.shared import HERE, shared_file

Rows = list[dict[str, str]]


@dataclass(frozen=True)
class Scored:
    """A scored file: what went in, what came out, and the summary in between."""

    given: Rows
    rows: Rows
    summary: dict[str, Any]
    problems: Path


def _score(folder: Path, source: Path, name: str, *, mapped: bool = True) -> Scored:
    out = folder / f"{name}.csv"
    options = ["--map", str(HERE / f"{name}.map.yaml")] if mapped else []
    arguments = ["score", str(HERE / f"{name}.yaml"), str(source), "-o", str(out), "--json"]
    result = CliRunner().invoke(app, [*arguments, *options])
    assert result.exit_code == 0, result.output
    return Scored(
        _rows(source), _rows(out), json.loads(result.stdout), folder / f"{name}.problems.csv"
    )


def _rows(file: Path) -> Rows:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


@pytest.fixture(scope="module")
def maven(tmp_path_factory: pytest.TempPathFactory) -> Scored:
    """Return the 85 accounts of the hardware seller, scored."""
    source = shared_file("maven_crm", "accounts.csv")
    return _score(tmp_path_factory.mktemp("maven"), source, "maven_accounts")


@pytest.fixture(scope="module")
def telco(tmp_path_factory: pytest.TempPathFactory) -> Scored:
    """Return the 7,043 customers of the telephone company, scored."""
    source = shared_file("ibm_telco", "telco_churn.csv")
    return _score(tmp_path_factory.mktemp("telco"), source, "telco_customers")


def test_every_maven_account_is_answered(maven: Scored) -> None:
    """Eighty-five rows in, eighty-five verdicts out, in the same order."""
    assert len(maven.rows) == maven.summary["rows"] == 85
    assert [row["account"] for row in maven.rows] == [row["account"] for row in maven.given]
    assert {row["verdict"] for row in maven.rows} == {"qualify", "review", "disqualify"}
    assert maven.summary["lines_not_read"] == 0


def test_maven_verdicts_are_those_of_a_second_computation(maven: Scored) -> None:
    """The same policy in plain Python gives each account the same points and outcome."""
    wanted = [_maven_by_hand(row) for row in maven.given]
    assert [(int(row["fit"]), row["outcome"]) for row in maven.rows] == wanted
    assert Counter(outcome for _, outcome in wanted) == {
        "named": 52,
        "pooled": 24,
        "self_serve": 9,
    }


def test_a_misspelt_sector_is_mended_by_the_map(maven: Scored) -> None:
    """`technolgy` stands in twelve rows; with the map all of them are read."""
    assert sum(row["sector"] == "technolgy" for row in maven.given) == 12
    assert maven.summary["unreadable_values"] == 0
    assert not maven.problems.exists()


def test_without_the_map_a_misspelt_sector_is_listed_by_line(maven: Scored, tmp_path: Path) -> None:
    """Nothing is guessed: twelve values count as missing, with line, column and value."""
    source = shared_file("maven_crm", "accounts.csv")
    bare = _score(tmp_path, source, "maven_accounts", mapped=False)
    (group,) = bare.summary["unreadable"]
    assert (group["column"], group["value"], group["cells"]) == ("sector", "technolgy", 12)
    lines = [n for n, row in enumerate(maven.given, start=2) if row["sector"] == "technolgy"]
    assert [int(row["line"]) for row in _rows(bare.problems)] == lines
    assert bare.summary["columns"]["absent"] == ["country", "founded"]


def test_revenue_in_millions_is_read_in_dollars(maven: Scored) -> None:
    """Left as it stands, hardly anybody would earn enough to be named."""
    acme = next(row for row in maven.rows if row["account"] == "Acme Corporation")
    assert "1,100,040,000 USD" in acme["summary"]


def test_every_telco_customer_is_answered(telco: Scored) -> None:
    """Seven thousand and forty-three rows, all with a verdict."""
    assert len(telco.rows) == telco.summary["rows"] == 7_043
    assert [row["customerID"] for row in telco.rows] == [r["customerID"] for r in telco.given]
    assert telco.summary["unreadable_values"] == telco.summary["lines_not_read"] == 0


def test_telco_verdicts_are_those_of_a_second_computation(telco: Scored) -> None:
    """The same policy in plain Python gives each customer the same scores and outcome."""
    wanted = [_telco_by_hand(row) for row in telco.given]
    found = [(int(row["loyalty"]), int(row["worth"]), row["outcome"]) for row in telco.rows]
    assert found == wanted
    counted = {
        name: count
        for verdict in telco.summary["verdicts"].values()
        for name, count in verdict["outcomes"].items()
    }
    assert counted == {"keep": 2_857, "win_over": 1_171, "fit_plan": 3_015}


def test_a_blank_amount_is_unknown_and_not_nothing(telco: Scored) -> None:
    """Eleven customers were never charged: their worth is a range, and one verdict is open."""
    pairs = list(zip(telco.given, telco.rows, strict=True))
    blank = [row for given, row in pairs if not given["TotalCharges"].strip()]
    assert len(blank) == 11
    assert all(int(row["worth_high"]) - int(row["worth_low"]) == 40 for row in blank)
    known = [row for given, row in pairs if given["TotalCharges"].strip()]
    assert all(row["worth_low"] == row["worth_high"] for row in known)
    assert telco.summary["uncertain"] == 1
    assert telco.summary["missing"] == [{"attribute": "charged", "rows": 1}]
    assert sum(row["certain"] == "false" for row in blank) == 1


def test_the_scores_separate_those_who_left(telco: Scored) -> None:
    """The rule set never saw who left; those it would keep left six times less often."""
    left = {
        outcome: sum(r["Churn"] == "Yes" for r in rows) / len(rows)
        for outcome in ("keep", "win_over", "fit_plan")
        if (rows := [row for row in telco.rows if row["outcome"] == outcome])
    }
    assert left["keep"] < 0.07
    assert min(left["win_over"], left["fit_plan"]) > 0.39


def _maven_by_hand(row: dict[str, str]) -> tuple[int, str]:
    revenue, people = float(row["revenue"]), int(row["employees"])
    fit = 50 if revenue >= 3_000 else 40 if revenue >= 1_000 else 20 if revenue >= 250 else 0
    fit += 20 if people >= 5_000 else 10 if people >= 500 else 0
    fit += 20 * (row["sector"] in {"technolgy", "medical", "telecommunications"})
    fit += 10 * (row["office_location"] == "United States")
    fit += 5 * (int(row["year_established"]) < 1990)
    fit = min(fit, 100)
    if revenue < 10 and people < 50:
        return fit, "self_serve"
    return fit, "named" if fit >= 60 else "pooled" if fit >= 30 else "self_serve"


def _telco_by_hand(row: dict[str, str]) -> tuple[int, int, str]:
    months, supported = int(row["tenure"]), row["TechSupport"] == "Yes"
    loyalty = {"Two year": 50, "One year": 30, "Month-to-month": 0}[row["Contract"]]
    loyalty += 30 if months >= 36 else 15 if months >= 12 else 0
    loyalty += 10 * row["PaymentMethod"].endswith("(automatic)") + 10 * supported
    loyalty -= 15 * (row["InternetService"] == "Fiber optic" and not supported)
    loyalty = max(0, min(loyalty, 100))
    charged = float(row["TotalCharges"].strip() or 0)
    worth = 40 if charged >= 4_000 else 20 if charged >= 1_000 else 0
    worth += 20 * (float(row["MonthlyCharges"]) >= 80)
    return loyalty, worth, "keep" if loyalty >= 50 else "win_over" if worth >= 40 else "fit_plan"
