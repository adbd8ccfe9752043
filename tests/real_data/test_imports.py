"""Two real companies' customers and deals, brought to a server by `goodfit import`."""

import csv
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio.to_thread
import psycopg
import pytest
from typer.testing import CliRunner, Result

from service.cli import app
from service.storage import libpq_url
from tests.journeys.listening import listening
from tests.real_data.shared import HERE, shared_file
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio
Import = Callable[..., Awaitable[dict[str, Any]]]
DEAL = {
    "title": "A deal",
    "quantities": {
        "amount": {"type": "money", "required": True},
        "product": {"type": "text"},
        "seller": {"type": "text"},
    },
}
OPEN = {"title": "An open deal", "quantities": {"product": {"type": "text"}}}


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


@pytest.fixture
async def served(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    """Return a running server whose key the command line has."""
    async with serving(database_url) as served, listening(served.app) as (host, port):
        monkeypatch.setenv("GOODFIT_KEY", served.admin_key)
        monkeypatch.setenv("GOODFIT_SERVER", f"http://{host}:{port}")
        yield served


@pytest.fixture
def bring(tmp_path: Path, served: Served) -> Import:
    """Return a function that imports a file by a map and returns what the command says."""
    del served

    async def run(what: str, file: Path, name: str, *options: str, ends: int = 0) -> dict[str, Any]:
        report = tmp_path / "report.csv"
        chosen = ["--map", str(HERE / f"{name}.map.yaml"), "--report", str(report), "--json"]
        arguments = ["import", what, str(file), *chosen, "--source", "crm", *options]

        def call() -> Result:
            return CliRunner().invoke(app, arguments)

        result = await anyio.to_thread.run_sync(call)
        assert result.exit_code == ends, result.output
        # The server in this process writes its log to the same output.
        printed = result.stdout[result.stdout.index("{\n") :]
        told: dict[str, Any] = json.JSONDecoder().raw_decode(printed)[0]
        assert (told["report"] is not None) == (ends == 1)
        told["reported"] = _rows(report) if told["report"] else []
        return told

    return run


def ask(url: str, query: str) -> list[Any]:
    """Return what the database answers."""
    with psycopg.connect(libpq_url(url)) as connection:
        return connection.execute(query.encode()).fetchall()


def added_up(rows: Iterable[dict[str, str]], column: str) -> dict[str, Decimal]:
    """Add the value of deals up by a column."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row[column]] += Decimal(row["close_value"])
    return dict(sums)


async def test_the_maven_crm_loads_whole(served: Served, bring: Import, database_url: str) -> None:
    """Accounts, won deals to the cent in every slice, and open deals, traps included."""
    accounts = shared_file("maven_crm", "accounts.csv")
    deals = shared_file("maven_crm", "sales_pipeline.csv")
    tried = await bring("accounts", accounts, "maven_import", "--dry-run")
    assert (tried["created"], ask(database_url, "SELECT count(*) FROM account")) == (85, [(0,)])
    assert (await bring("accounts", accounts, "maven_import"))["created"] == 85
    assert (await bring("accounts", accounts, "maven_import"))["rows"] == 85
    acme = (await served.ask("GET", "/v1/accounts/Acme%20Corporation")).json()
    assert acme["facts"]["sector"] == "technology"
    assert acme["facts"]["revenue"] == 1_100_040_000
    found = (await served.ask("GET", "/v1/accounts?q=acme")).json()["data"]
    assert [one["key"] for one in found] == ["Acme Corporation"]

    await served.ask("PUT", "/v1/event-kinds/revenue", json=DEAL)
    rows = _rows(deals)
    won = [row for row in rows if row["deal_stage"] == "Won"]
    loaded = await bring("events", deals, "maven_won")
    assert (loaded["entered"], loaded["left_out"], loaded["bad"]) == (4_238, 8_800 - 4_238, 0)
    assert (await bring("events", deals, "maven_won"))["repeated"] == 4_238
    by_account = """
        SELECT key, sum(amount) FROM account_event JOIN account a ON a.id = account_id GROUP BY key
    """
    assert dict(ask(database_url, by_account)) == added_up(won, "account")
    mended = [{**row, "product": row["product"].replace("GTXPro", "GTX Pro")} for row in won]
    by_seller = "SELECT quantities ->> 'seller', sum(amount) FROM account_event GROUP BY 1"
    assert dict(ask(database_url, by_seller)) == added_up(won, "sales_agent")
    by_product = by_seller.replace("seller", "product")
    assert dict(ask(database_url, by_product)) == added_up(mended, "product")

    await served.ask("PUT", "/v1/event-kinds/deal", json=OPEN)
    open_rows = [row for row in rows if row["deal_stage"] in {"Engaging", "Prospecting"}]
    homeless = [row for row in open_rows if not row["account"]]
    begun = [row for row in open_rows if row["account"] and row["engage_date"]]
    loaded = await bring("events", deals, "maven_open", ends=1)
    assert (len(homeless), loaded["entered"]) == (1_425, len(begun))
    entered = {row["opportunity_id"] for row in begun}
    lines = [
        line
        for line, row in enumerate(rows, start=2)
        if row["deal_stage"] in {"Engaging", "Prospecting"} and row["opportunity_id"] not in entered
    ]
    assert [int(one["line"]) for one in loaded["reported"]] == lines
    assert sum("names no account" in one["reason"] for one in loaded["reported"]) == 1_425


async def test_the_telco_customers_load(served: Served, bring: Import, database_url: str) -> None:
    """Seven thousand customers and what they were charged; eleven wait for an amount."""
    file = shared_file("ibm_telco", "telco_churn.csv")
    loaded = await bring("accounts", file, "telco_import")
    assert (loaded["created"], loaded["bad"]) == (7_043, 0)
    assert "SeniorCitizen" in loaded["ignored_columns"]
    charged = await bring("events", file, "telco_charges", ends=1)
    assert (charged["entered"], charged["parked"]) == (7_032, 11)
    assert {one["code"] for one in charged["reported"]} == {"missing_quantity"}
    rows = _rows(file)
    total = sum(Decimal(row["TotalCharges"]) for row in rows if row["TotalCharges"].strip())
    assert ask(database_url, "SELECT sum(amount) FROM account_event") == [(total,)]
    waiting = (await served.ask("GET", "/v1/parked-events?limit=200")).json()["data"]
    blank = {row["customerID"] for row in rows if not row["TotalCharges"].strip()}
    assert {one["event"]["account"] for one in waiting} == blank
