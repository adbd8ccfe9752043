"""What happens in other rooms is told, in the transaction in which it happens."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text

from service.privacy import erase_next
from service.storage import transaction
from tests.decisions.rules import FLEET_ACCOUNTS, FLEET_LEADS, LARGE_FLEET, release
from tests.delivery.described import as_described
from tests.delivery.test_endpoints import QUICK, made
from tests.privacy.lives import eraser_of
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """Return the application; nothing is sent, only announced."""
    async with serving(database_url, settings=QUICK, is_attended=False) as served:
        yield served


async def told(served: Served) -> list[dict[str, Any]]:
    """Return the bodies of all events, the oldest first; each is as the API's description says."""
    async with transaction(served.app.house.engine) as connection:
        rows = await connection.execute(text("SELECT body FROM event ORDER BY at, id"))
        return [as_described(json.loads(body)) for body in rows.scalars()]


async def qualify(served: Served, **question: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Ask for one decision."""
    answer = await served.ask("POST", "/v1/qualify", json=question)
    assert answer.status_code == 200, answer.text
    decided: dict[str, Any] = answer.json()
    return decided


async def test_a_release_is_told(served: Served) -> None:
    """Its version and instant, once."""
    await made(served, "http://127.0.0.1:50009/", events=["rule_set.released"])
    await release(served.app.house, FLEET_LEADS)
    (event,) = await told(served)
    assert event["type"] == "rule_set.released"
    assert event["data"]["version"] == 1
    assert event["data"]["mode"] == "live"


async def test_a_decision_is_told_without_what_the_lead_said(served: Served) -> None:
    """Ids, outcome and scores; a repeat under one key is one event, a trial none."""
    await release(served.app.house, FLEET_LEADS)
    await made(served, "http://127.0.0.1:50009/", events=["decision.created"])
    asked = {"rule_set": "fleet_leads", "lead": LARGE_FLEET, "external_id": "lead-7"}
    decided = await qualify(served, **asked)
    await qualify(served, **asked, dry_run=True)
    (event,) = await told(served)
    assert event["type"] == "decision.created"
    data = event["data"]
    assert data["decision"] == decided["id"]
    assert data["outcome"] == decided["outcome"]
    assert data["external_id"] == "lead-7"
    assert set(data["scores"]) == set(decided["scores"])
    assert "haulage" not in json.dumps(event)


async def test_an_account_is_told_of_when_its_outcome_changes_and_not_before(
    served: Served,
) -> None:
    """The first outcome and the same again are no change; another one is, with what it was."""
    await release(served.app.house, FLEET_ACCOUNTS)
    await made(served, "http://127.0.0.1:50009/", events=["account.outcome_changed"])
    for vehicles in (300, 200, 1):
        facts = {"facts": {"vehicles": vehicles, "paid": True}}
        stored = await served.ask("PUT", "/v1/accounts/north", json=facts)
        assert stored.status_code in {200, 201}, stored.text
        await qualify(served, rule_set="fleet_accounts", account_key="north")
    (event,) = await told(served)
    assert event["type"] == "account.outcome_changed"
    data = event["data"]
    assert (data["account"], data["before"]["outcome"]) == ("north", "steady")
    assert data["outcome"] == "watch"


async def test_nobody_who_listens_costs_no_row(served: Served) -> None:
    """Without an endpoint that takes it, a decision leaves no event."""
    await release(served.app.house, FLEET_LEADS)
    await made(served, "http://127.0.0.1:50009/", events=["backtest.finished"])
    await qualify(served, rule_set="fleet_leads", lead=LARGE_FLEET)
    assert await told(served) == []


async def test_an_erasure_is_told_without_whose_it_was(served: Served) -> None:
    """How many rows of what, once it is done; a dry run is nothing that happened."""
    await release(served.app.house, FLEET_LEADS)
    await qualify(served, rule_set="fleet_leads", lead=LARGE_FLEET, external_id="lead-7")
    await made(served, "http://127.0.0.1:50009/", events=["erasure.completed"])
    for dry_run in (True, False):
        asked = {"external_id": "lead-7", "dry_run": dry_run}
        begun = await served.ask("POST", "/v1/erasures", json=asked)
        assert begun.status_code == 202, begun.text
        assert await erase_next(eraser_of(served))
    (event,) = await told(served)
    assert event["data"]["erasure"] == begun.json()["id"]
    assert event["data"]["cleared"]["decision"] == 1
    assert "lead-7" not in json.dumps(event)
