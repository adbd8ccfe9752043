"""Statements and scenarios that nobody wants any more are let go of."""

from collections.abc import AsyncIterator

import pytest

from service.portfolio.working import take_next, work_out_next
from service.storage import transaction
from tests.portfolio.statements import position, store_statement
from tests.portfolio.taken import SLUG, live_template
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio
PATH = f"/v1/portfolio/{SLUG}"


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """Return an application that does nothing by itself, with the template live."""
    async with serving(database_url, is_attended=False) as served:
        await live_template(served.app.house.engine)
        yield served


async def test_a_cancelled_statement_is_not_taken(served: Served) -> None:
    """Its rescoring goes on; a second time it is over; another rule set has no such statement."""
    asked = (await served.ask("POST", f"{PATH}/statements", json={})).json()
    address = f"{PATH}/statements/{asked['id']}"
    cancelled = await served.ask("POST", f"{address}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    over = await served.ask("POST", f"{address}/cancel")
    assert (over.status_code, over.json()["code"]) == (409, "statement_over")
    other = await served.ask("POST", f"/v1/portfolio/other/statements/{asked['id']}/cancel")
    assert other.status_code == 404
    assert not await take_next(served.app.house)
    (rescoring,) = (await served.ask("GET", f"/v1/rule-sets/{SLUG}/rescorings")).json()["data"]
    assert rescoring["state"] == "queued"


async def test_a_cancelled_scenario_begins_anew_when_it_is_asked_for(served: Served) -> None:
    """Nobody works on it, and the next who asks has it worked out from the start."""
    house = served.app.house
    running = await served.app.api.state.live.version(SLUG, 1)
    async with transaction(house.engine) as connection:
        await store_statement(connection, running, [position("north")])
    asked = await served.ask("GET", f"{PATH}/sensitivity?by=0.3")
    assert asked.status_code == 202
    address = f"{PATH}/scenarios/{asked.json()['id']}"
    cancelled = await served.ask("POST", f"{address}/cancel")
    assert cancelled.json() == asked.json() | {"state": "cancelled"}
    over = await served.ask("POST", f"{address}/cancel")
    assert (over.status_code, over.json()["code"]) == (409, "scenario_over")
    assert not await work_out_next(house)
    missing = await served.ask("POST", f"/v1/portfolio/other/scenarios/{asked.json()['id']}/cancel")
    assert (missing.status_code, missing.json()["code"]) == (404, "scenario_not_found")
    again = await served.ask("GET", f"{PATH}/sensitivity?by=0.3")
    assert (again.status_code, again.json()) == (202, asked.json())
