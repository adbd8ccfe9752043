"""A vendor waits for nothing that Goodfit is busy with: taking in is a few rows of its own."""

import asyncio
import time
from statistics import median
from typing import Any, Final

import pytest
from sqlalchemy import text

from service.intake import store
from service.rescorings import working
from service.storage import parse_id, transaction
from tests.bulk.books import fill, go_live
from tests.intake.connected import COMPANY, Connected, event
from tests.rescorings.test_working import BOOK
from tests.web.workers import workers

pytestmark = pytest.mark.anyio
HUBSPOT_S: Final = 5.0
"""How long HubSpot waits for a batch of up to 100 events."""

ACCOUNTS: Final = 1_000


def batch(number: int) -> list[dict[str, Any]]:
    """Return as many events as HubSpot sends at once."""
    return [event(number, objectId=one, occurredAt=1767225600000 + number) for one in range(100)]


async def took(connected: Connected, made: dict[str, Any], number: int) -> float:
    """Return how many seconds the acknowledgement of a batch took."""
    began = time.perf_counter()
    await connected.tell(made, *batch(number))
    return time.perf_counter() - began


async def test_nothing_that_others_hold_is_waited_for(connected: Connected) -> None:
    """Accounts, what is read, jobs, and the connection that somebody edits: all of it is locked."""
    made = await connected.connect(map=COMPANY)
    await connected.tell(made, *batch(1))
    await connected.work()
    await connected.tell(made, *batch(2))
    engine = connected.served.app.house.engine
    async with transaction(engine) as connection:
        for table in ("account", "intake_delivery", "intake_seen", "procrastinate_jobs"):
            await connection.execute(text(f"SELECT FROM {table} FOR UPDATE"))
        await connection.execute(text("UPDATE connection SET last_received_at = NULL"))
        await store.find(connection, parse_id(made["id"], "con"), locked=True)
        # What waits for a lock is given up after two seconds, and refused with a 503.
        for number in (1, 2, 3):
            assert await took(connected, made, number) < HUBSPOT_S
    repeats = {one["repeats"] for one in await connected.deliveries(made)}
    assert repeats == {0}, "of what is held no repeat is counted"
    await connected.tell(made, *batch(1))
    assert {one["repeats"] for one in await connected.deliveries(made)} == {0, 1}


async def test_ten_batches_at_once_are_more_than_there_are_connections(
    connected: Connected,
) -> None:
    """HubSpot sends up to ten at a time; each holds a connection to the database for moments."""
    made = await connected.connect(map=COMPANY)
    found = await asyncio.gather(*(took(connected, made, number) for number in range(10)))
    assert max(found) < HUBSPOT_S
    assert len(await connected.deliveries(made, "waiting")) == 10


async def test_a_batch_is_acknowledged_while_accounts_are_decided_anew(
    connected: Connected, database_url: str
) -> None:
    """Beside a rescoring it takes a small multiple of what it takes alone, and never five seconds.

    `make bench ARGS=--intake` does it with 100,000 accounts.
    """
    house = connected.served.app.house
    fill(database_url, ACCOUNTS)
    await go_live(house.engine)
    made = await connected.connect(map=COMPANY)
    alone = [await took(connected, made, number) for number in range(6)]
    asked = await connected.served.ask("POST", BOOK, json={})
    path = f"{BOOK}/{asked.json()['id']}"
    beside: list[float] = []
    async with working(house), asyncio.timeout(120):
        while (await connected.served.ask("GET", path)).json()["state"] != "done":
            if workers():
                beside.append(await took(connected, made, 100 + len(beside)))
            await asyncio.sleep(0.15)
    assert len(beside) >= 3
    assert max(beside) < HUBSPOT_S
    assert median(beside) < 10 * median(alone)
