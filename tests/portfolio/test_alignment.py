"""What marketing, sales, support and product are told, over HTTP, of one small company."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.portfolio.aligned import ACCOUNTS, go_live, send
from tests.portfolio.taken import take_statement
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio
PATH = "/v1/portfolio/book/alignment"


def ago(days: int) -> str:
    """Return the instant so many days before now."""
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


def event(number: int, account: str, kind: str, **quantities: object) -> dict[str, Any]:
    """Return an event of a month ago."""
    told = {"account": account, "kind": kind, "quantities": quantities, "at": ago(30)}
    return told | {"source": "desk", "event_id": f"e-{number}"}


def deal(number: int, result: str, **members: object) -> dict[str, Any]:
    """Return an outcome of a month ago, of a deal that took ten days."""
    told = {"result": result, "at": ago(30), "opened_at": ago(40), "amount": "100.00"}
    return told | {"source": "crm", "event_id": f"d-{number}"} | members


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """Return an application that knows the accounts, their ledger, leads and deals."""
    async with serving(database_url, is_attended=False) as served:
        running = await go_live(served, database_url)
        accounts = [{"account": key, "facts": dict(facts)} for key, facts in ACCOUNTS.items()]
        await send(served, "/v1/accounts", accounts)
        await send(served, "/v1/events", [
            event(1, "core", "revenue", amount="1000.50"),
            event(2, "core", "support_case", hours=2),
            event(3, "won", "support_case", hours="10.25"),
            event(4, "won", "cost", amount=7),
            event(5, "core", "feature_request", feature="export"),
            event(6, "other-core", "feature_request", feature="export"),
            event(7, "won", "feature_request", feature="export"),
            event(8, "won", "custom_work", hours=40, feature="own colours"),
            event(9, "won", "feature_request", feature="own colours"),
            event(10, "taken-over", "feature_request", feature="fax"),
            event(11, "regrouped", "feature_request", feature="fax"),
        ])  # fmt: skip
        await take_statement(served.app.house.engine, database_url, running)
        yield served


async def shown(served: Served, report: str) -> dict[str, Any]:
    """Return a report."""
    answer = await served.ask("GET", f"{PATH}/{report}")
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


async def table(served: Served, report: str) -> list[dict[str, str]]:
    """Return the lines of a report's CSV by heading."""
    answer = await served.ask("GET", f"{PATH}/{report}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text)))


async def test_a_salesperson_answers_for_what_they_chose(served: Served) -> None:
    """Whoever won it against the rules of its day, and nobody for what the rules made of it."""
    sales = await shown(served, "sales")
    assert sales["transition"] == ["bad_fit"]
    books = {book["owner"]: book for book in sales["owners"]}
    names = ("in_transition", "inherited", "taken_over", "regrouped", "won", "unknown")

    def counts(owner: str | None) -> dict[str, int]:
        return {name: books[owner][name]["accounts"] for name in names}

    assert counts("ann") == {
        "in_transition": 5, "inherited": 3, "taken_over": 1, "regrouped": 2, "won": 1, "unknown": 1,
    }  # fmt: skip
    assert counts("bo") == {
        "in_transition": 1, "inherited": 0, "taken_over": 0, "regrouped": 0, "won": 0, "unknown": 1,
    }  # fmt: skip
    assert (books["bo"]["accounts"], books["bo"]["revenue"]) == (2, "1000.50")
    assert counts(None)["unknown"] == 1
    lines = await table(served, "sales.csv?table=owners")
    assert {one["owner"]: one["inherited_accounts"] for one in lines} == {
        "ann": "3", "bo": "0", "": "0",
    }  # fmt: skip


async def test_deals_are_told_by_fit(served: Served) -> None:
    """Joined by account and by lead, through merges, without what was withdrawn."""
    asked = {"rule_set": "inbound", "lead": {"vehicles": 50}, "external_id": "crm-7"}
    decided = (await served.ask("POST", "/v1/qualify", json=asked)).json()
    await served.ask("PUT", "/v1/accounts/core-twin", json={"facts": {}})
    merge = {"into": "core", "reason": "one company"}
    await served.ask("POST", "/v1/accounts/core-twin/merge", json=merge)
    soon = datetime.now(UTC).isoformat()
    await send(served, "/v1/outcomes", [
        deal(1, "won", account="core", owner="Ann Ng", product="=cmd()"),
        deal(2, "won", account="core-twin", opened_at=ago(50)),
        deal(3, "lost", account="won"),
        deal(4, "lost", account="nobody-knows"),
        deal(5, "won", account="core", amount="5.25", opened_at=None),
        deal(6, "won", external_id="crm-7", at=soon, opened_at=None),
        deal(7, "lost", decision=decided["id"], at=soon, opened_at=None, event_id="d-7b"),
        deal(8, "churned", account="won"),
        deal(9, "renewed", account="core"),
        deal(10, "won", account="core", at=ago(400), opened_at=None),
    ])  # fmt: skip
    wrong = (await served.ask("POST", "/v1/outcomes", json=deal(11, "lost", account="core"))).json()
    await served.ask("POST", f"/v1/outcomes/{wrong['id']}/withdraw", json={"reason": "never was"})
    to = (datetime.now(UTC) + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    sales = await shown(served, f"sales?to={to}")
    total = sales["total"]
    assert (total["deals"], total["wins"]["yes"], total["wins"]["known"]) == (9, 4, 7)
    assert (total["churn"]["yes"], total["churn"]["known"]) == (1, 2)
    assert (total["won_amount"], sales["unjoined"]) == ("305.25", 1)
    by = {part["by"]: {one["value"]: one for one in part["groups"]} for part in sales["by"]}
    partner, bad_fit = by["outcome"]["partner"], by["outcome"]["bad_fit"]
    assert (partner["wins"]["yes"], partner["wins"]["known"]) == (3, 3)
    assert (partner["days"]["count"], partner["days"]["median"]) == (2, pytest.approx(15, abs=1e-4))
    assert (bad_fit["wins"]["yes"], bad_fit["wins"]["known"]) == (0, 1)
    assert partner["wins"]["low"] < 0.5  # three of three prove little
    assert by["outcome"][None]["deals"] == 3
    assert by["fit"]["4: over 75 to 100"]["deals"] == 4
    assert by["lead_outcome"]["meet"]["deals"] == 2
    assert by["lead_outcome"]["meet"]["days"]["count"] == 1
    assert by["segment"]["core"]["deals"] == 4
    assert {one["verdict"] for one in sales["findings"]} == {"not_enough_data"}
    everything = await shown(served, f"sales?from=2000-01-01T00:00:00Z&to={to}&by=size")
    assert everything["total"]["deals"] == 10
    assert "segment" not in {part["by"] for part in everything["by"]}
    lines = await table(served, f"sales.csv?to={to}")
    (formula,) = [one for one in lines if one["by"] == "product" and "cmd" in one["value"]]
    assert formula["value"] == "'=cmd()"
    assert lines[0]["won_amount"] == "305.25"
    sliced = await shown(served, f"sales?to={to}&slice=segment:core")
    assert sliced["total"]["deals"] == 4
    findings = await table(served, f"sales.csv?to={to}&table=findings")
    assert {one["verdict"] for one in findings} == {"not_enough_data"}


async def test_support_is_told_by_outcome_and_fit(served: Served) -> None:
    """Hours and cost to the last digit, adding up to the whole."""
    support = await shown(served, "support")
    by_outcome = {one["value"]: one for one in support["outcomes"]}
    assert (by_outcome["partner"]["hours"], by_outcome["partner"]["support_cost"]) == (
        "2.00",
        "160.00",
    )
    bad_fit = by_outcome["bad_fit"]
    assert (bad_fit["hours"], bad_fit["support_cost"], bad_fit["cost"]) == (
        "10.25",
        "820.00",
        "827.00",
    )
    assert (support["total"]["hours"], support["total"]["accounts"]) == ("12.25", 9)
    assert {one["value"]: one["hours"] for one in support["fit"]} == {
        "1: 0 to 25": "10.25",
        "4: over 75 to 100": "2.00",
    }
    lines = await table(served, "support.csv")
    assert [one["hours"] for one in lines if one["by"] == ""] == ["12.25"]


async def test_product_hears_what_many_need(served: Served) -> None:
    """A wish that accounts inside the profile share comes first; one account's is called so."""
    product = await shown(served, "product")
    assert (product["requests"], product["requests_inside"]) == (6, 2)
    assert product["outside"] == {"low": pytest.approx(4 / 6), "high": pytest.approx(4 / 6)}
    told = {one["feature"]: one for one in product["features"]}
    assert product["features"][0]["feature"] == "export"
    assert (told["export"]["need"], told["export"]["inside"], told["export"]["outside"]) == (
        "shared",
        2,
        1,
    )
    assert (told["own colours"]["need"], told["own colours"]["custom_hours"]) == (
        "one_off",
        "40.00",
    )
    assert told["fax"]["need"] == "outside_only"
    lines = await table(served, "product.csv")
    assert [one["feature"] for one in lines] == ["export", "fax", "own colours"]


async def test_marketing_hears_which_source_brings_whom(served: Served) -> None:
    """A lead counts once, by its last decision and under its first source, with its outcome."""

    async def ask(number: int, vehicles: int, source: str | None, campaign: str | None) -> None:
        lead = {"vehicles": vehicles} | ({} if campaign is None else {"campaign": campaign})
        asked = {"rule_set": "inbound", "lead": lead, "external_id": f"crm-{number}"}
        told = asked | ({} if source is None else {"source": source})
        assert (await served.ask("POST", "/v1/qualify", json=told)).status_code == 200

    await ask(1, 5, "fair", "autumn")
    await ask(1, 50, "desk", None)
    await ask(2, 50, "fair", None)
    await ask(3, 2, "web", "autumn")
    nameless = {"rule_set": "inbound", "lead": {"vehicles": 1}}
    await served.ask("POST", "/v1/qualify", json=nameless)
    await served.ask("POST", "/v1/qualify", json=nameless)
    soon = datetime.now(UTC).isoformat()
    await send(served, "/v1/outcomes", [
        deal(1, "won", external_id="crm-1", at=soon, opened_at=None),
        deal(2, "lost", external_id="crm-3", at=soon, opened_at=None),
    ])  # fmt: skip
    to = (datetime.now(UTC) + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    for slug in ("inbound", "book"):  # its own, or those of all rules for leads
        answer = await served.ask("GET", f"/v1/portfolio/{slug}/alignment/marketing?to={to}")
        marketing = answer.json()
        by = {(one["by"], one["value"]): one for one in marketing["leads"]}
        fair, web = by["source", "fair"], by["source", "web"]
        assert (fair["leads"], fair["qualify"], fair["qualifying"]["rate"]) == (2, 2, 1.0)
        assert (web["leads"], web["disqualify"], web["deals"]["wins"]["yes"]) == (1, 1, 0)
        assert (fair["deals"]["wins"]["yes"], fair["deals"]["won_amount"]) == (1, "100.00")
        assert by["source", None]["leads"] == 2
        assert ("source", "desk") not in by
        assert (by["campaign", "autumn"]["leads"], by["campaign", None]["leads"]) == (2, 3)
        assert marketing["total"]["deals"] == 2
        assert {one["verdict"] for one in marketing["findings"]} == {"not_enough_data"}
    ancient = await served.ask("GET", f"{PATH}/marketing?to=0001-01-01T00:00:00Z")
    assert (ancient.status_code, ancient.json()["leads"]) == (200, [])
    lines = await table(served, f"marketing.csv?to={to}")
    assert {one["value"] for one in lines if one["by"] == "source"} == {"fair", "web", ""}


async def test_marketing_adds_up_in_every_slice(served: Served) -> None:
    """Each lead and each outcome is in one slice by a name, by what was known of it last."""
    told: list[dict[str, Any]] = [
        {"vehicles": 50, "industry": "retail", "fleet": True},
        {"vehicles": 50, "industry": "retail", "campaign": "autumn"},
        {"vehicles": 5, "industry": "food", "fleet": False, "country": "DE"},
        {"vehicles": 5, "campaign": "autumn"},
    ]
    for number, lead in enumerate([{"vehicles": 5, "industry": "food"}, *told]):
        asked = {"rule_set": "inbound", "lead": lead, "external_id": f"crm-{max(number, 1)}"}
        source = {"source": "fair"} if number < 3 else {}
        assert (await served.ask("POST", "/v1/qualify", json=asked | source)).status_code == 200
    soon = {"at": datetime.now(UTC).isoformat(), "opened_at": None}
    results = ("won", "lost", "won")
    await send(served, "/v1/outcomes", [
        deal(number, result, external_id=f"crm-{number}", **soon)
        for number, result in enumerate(results, start=1)
    ])  # fmt: skip
    to = (datetime.now(UTC) + timedelta(hours=1)).isoformat().replace("+00:00", "Z")

    async def counts(slug: str, *slices: str) -> tuple[int, int, int]:
        """Return how many leads there are, how many qualify, and how many outcomes."""
        chosen = "".join(f"&slice={one}" for one in slices)
        path = f"/v1/portfolio/{slug}/alignment/marketing?to={to}{chosen}"
        answer = await served.ask("GET", path)
        assert answer.status_code == 200, answer.text
        marketing = answer.json()
        assert marketing["slices"] == list(slices)
        by = [one for one in marketing["leads"] if one["by"] == "source"]
        leads, qualify = (sum(one[name] for one in by) for name in ("leads", "qualify"))
        return leads, qualify, marketing["total"]["deals"]

    assert await counts("inbound") == (4, 2, 3)
    parts = {
        "industry": {"retail": (2, 2, 2), "food": (1, 0, 1), "": (1, 0, 0)},
        "fleet": {"true": (1, 1, 1), "false": (1, 0, 1), "": (2, 1, 1)},
        "source": {"fair": (2, 2, 2), "": (2, 0, 1)},
        "campaign": {"autumn": (2, 1, 1), "": (2, 1, 2)},
    }
    for name, values in parts.items():
        assert {value: await counts("inbound", f"{name}:{value}") for value in values} == values
    both = await counts("inbound", "industry:retail", "campaign:autumn")
    assert both == await counts("book", "industry:retail", "campaign:autumn") == (1, 1, 1)
    assert await counts("inbound", "industry:fishing") == (0, 0, 0)
    lines = await table(served, f"marketing.csv?to={to}&slice=industry:food")
    assert [one["leads"] for one in lines if one["by"] == "source"] == ["1"]
    for wrong in ("country:DE", "cohort:2026-Q1", "vehicles:50", "industry"):
        answer = await served.ask("GET", f"{PATH}/marketing?slice={wrong}")
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_slice"), wrong
        assert answer.json()["errors"][0]["parameter"] == "slice"


async def test_what_cannot_be_told_is_refused(served: Served) -> None:
    """No statement, no such name, no such instant: with the parameter that is wrong."""

    async def refused(path: str) -> tuple[int, str]:
        answer = await served.ask("GET", f"/v1/portfolio/{path}")
        return answer.status_code, answer.json()["code"]

    assert await refused("book/alignment/sales?by=colour") == (422, "bad_slice")
    assert await refused("book/alignment/sales?by=customer_since") == (422, "bad_slice")
    assert await refused("book/alignment/sales?slice=colour:red") == (422, "bad_slice")
    assert await refused("book/alignment/sales?from=1899") == (422, "validation_failed")
    assert await refused("inbound/alignment/support") == (404, "statement_not_found")
    for report in ("marketing", "sales", "support", "product"):
        assert await refused(f"nothing/alignment/{report}") == (404, "rule_set_not_found")
    assert await refused("book/alignment/finance") == (404, "not_found")
