"""The demo's portfolio as the service keeps it: nothing lost, nothing twice."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import psycopg
import pytest

from service.cli.demo_furnishing import send_portfolio
from service.cli.demo_past import NotTaken
from service.cli.demo_portfolio import Member, make_portfolio
from service.storage import libpq_url
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio

MEMBERS: Final = make_portfolio(datetime.now(UTC))[:50]
"""Enough of them to be several requests; all three hundred come with the demo's own journey."""


@pytest.fixture(scope="module")
async def served(module_database_url: str) -> AsyncIterator[Served]:
    """Return a service that was told of a part of the portfolio."""
    async with serving(module_database_url, is_attended=False) as served:
        served.client.headers["Authorization"] = f"Bearer {served.admin_key}"
        await tell(served, MEMBERS)
        yield served


async def tell(served: Served, members: Sequence[Member]) -> list[tuple[int, int]]:
    """Send *members* and return the steps that were told meanwhile."""
    steps: list[tuple[int, int]] = []

    def step(done: int, total: int) -> None:
        steps.append((done, total))

    await send_portfolio(served.client, members, engine=served.app.house.engine, step=step)
    return steps


async def test_every_event_is_in_the_ledger(served: Served, module_database_url: str) -> None:
    """Each under its own id, with its amount to the cent, and none is parked."""
    with psycopg.connect(libpq_url(module_database_url)) as connection:
        kept = connection.execute("SELECT source, source_event_id, amount FROM account_event")
        ledger = {(source, own): amount for source, own, amount in kept}
    told = [one for member in MEMBERS for one in member.happenings]
    assert ledger == {(one.source, one.event_id): one.quantities.get("amount") for one in told}
    parked = await served.ask("GET", "/v1/parked-events")
    assert parked.json()["data"] == []


async def test_telling_it_again_changes_nothing(served: Served, module_database_url: str) -> None:
    """A start that was cut off is gone on with by sending everything."""
    steps = await tell(served, MEMBERS[:9])
    assert steps[-1] == (total := sum(len(one.happenings) for one in MEMBERS[:9]), total)
    with psycopg.connect(libpq_url(module_database_url)) as connection:
        kept = connection.execute("SELECT count(*) FROM account_event").fetchone()
    assert kept == (sum(len(one.happenings) for one in MEMBERS),)
    page = (await served.ask("GET", "/v1/accounts?limit=100")).json()
    created = {one["key"]: datetime.fromisoformat(one["created_at"]) for one in page["data"]}
    assert set(created) == {one.key for one in MEMBERS}
    assert all(created[one.key] <= one.known_since for one in MEMBERS)


async def test_what_the_service_does_not_keep_is_said(served: Served) -> None:
    """A line that is refused or parked ends the loading with its reason."""
    odd = replace(MEMBERS[0].happenings[0], kind="unheard_of", event_id="odd")
    member = replace(MEMBERS[0], happenings=(odd,))
    with pytest.raises(NotTaken, match="unknown_kind"):
        await tell(served, [member])
