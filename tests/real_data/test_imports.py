"""Two real companies' customers and deals, brought to a server by `goodfit import`."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from service.storage import libpq_url
from tests.real_data.bringing import Import, importing, rows_of
from tests.real_data.shared import shared_file

pytestmark = pytest.mark.anyio
DEAL = {
    "title": "A deal",
    "quantities": {
        "amount": {"type": "money", "required": True},
        "product": {"type": "text"},
        "seller": {"type": "text"},
    },
}
OPEN = {"title": "An open deal", "quantities": {"product": {"type": "text"}}}


@pytest.fixture
async def bring(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Import]:
    """Return a function that imports a file into a running server."""
    async with importing(database_url, tmp_path, monkeypatch) as bring:
        yield bring


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


async def test_the_maven_crm_loads_whole(bring: Import, database_url: str) -> None:
    """Accounts, won deals to the cent in every slice, and open deals, traps included."""
    accounts = shared_file("maven_crm", "accounts.csv")
    deals = shared_file("maven_crm", "sales_pipeline.csv")
    tried = await bring("accounts", accounts, "maven_import", "--dry-run")
    assert (tried["created"], ask(database_url, "SELECT count(*) FROM account")) == (85, [(0,)])
    assert (await bring("accounts", accounts, "maven_import"))["created"] == 85
    assert (await bring("accounts", accounts, "maven_import"))["rows"] == 85
    acme = (await bring.served.ask("GET", "/v1/accounts/Acme%20Corporation")).json()
    assert acme["facts"]["sector"] == "technology"
    assert acme["facts"]["revenue"] == 1_100_040_000
    found = (await bring.served.ask("GET", "/v1/accounts?q=acme")).json()["data"]
    assert [one["key"] for one in found] == ["Acme Corporation"]

    await bring.served.ask("PUT", "/v1/event-kinds/revenue", json=DEAL)
    rows = rows_of(deals)
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

    await bring.served.ask("PUT", "/v1/event-kinds/deal", json=OPEN)
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


async def test_the_telco_customers_load(bring: Import, database_url: str) -> None:
    """Seven thousand customers and what they were charged; eleven wait for an amount."""
    file = shared_file("ibm_telco", "telco_churn.csv")
    loaded = await bring("accounts", file, "telco_import")
    assert (loaded["created"], loaded["bad"]) == (7_043, 0)
    assert "SeniorCitizen" in loaded["ignored_columns"]
    charged = await bring("events", file, "telco_charges", ends=1)
    assert (charged["entered"], charged["parked"]) == (7_032, 11)
    assert {one["code"] for one in charged["reported"]} == {"missing_quantity"}
    rows = rows_of(file)
    total = sum(Decimal(row["TotalCharges"]) for row in rows if row["TotalCharges"].strip())
    assert ask(database_url, "SELECT sum(amount) FROM account_event") == [(total,)]
    waiting = (await bring.served.ask("GET", "/v1/parked-events?limit=200")).json()["data"]
    blank = {row["customerID"] for row in rows if not row["TotalCharges"].strip()}
    assert {one["event"]["account"] for one in waiting} == blank
