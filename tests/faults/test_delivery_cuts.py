"""The database session ends before or after any statement of telling and sending."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest

from service.delivery.reaching import open_client, reach_of
from service.delivery.sending import Sender, recover
from service.storage import DatabaseUnavailable, libpq_url, sealer_of
from tests.decisions.rules import FLEET_LEADS, LARGE_FLEET, release
from tests.delivery.receiver import answer, receiving
from tests.delivery.test_endpoints import QUICK, made, tell
from tests.faults.test_cuts import Scissors, is_asking, watched
from tests.web.serving import Served, serving

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

_TOLD = """
    SELECT (SELECT count(*) FROM decision), (SELECT count(*) FROM event),
        (SELECT count(*) FROM delivery JOIN event ON event.id = event_id)
"""
# how many deliveries are over, events of a switch-off, their lines in the audit, silent attempts
_SENT = """
    SELECT (
            SELECT count(*) FROM delivery JOIN event ON event.id = event_id
            WHERE state IN ('delivered', 'failed') AND type = 'rule_set.released'
        ),
        (SELECT count(*) FROM event WHERE type = 'endpoint.disabled'),
        (SELECT count(*) FROM audit_entry WHERE action = 'delivery.disable'),
        (SELECT count(*) FROM delivery_attempt WHERE status IS NULL)
"""
_AFRESH = """
    UPDATE endpoint SET state = 'enabled', disabled_at = NULL, disabled_because = NULL,
        failing_since = NULL
"""


def read(connection: psycopg.Connection[Any], query: str) -> tuple[Any, ...]:
    """Return the one row."""
    row = connection.execute(query).fetchone()
    assert row is not None
    return tuple(row)


async def decide(served: Served, number: int) -> int:
    """Ask for a decision under a key of its own, watched; return the answer's status."""
    asked = {"rule_set": "fleet_leads", "lead": LARGE_FLEET, "external_id": f"lead-{number}"}
    headers = {"Idempotency-Key": f"cut {number}"}
    token = is_asking.set(True)
    try:
        return (await served.ask("POST", "/v1/qualify", json=asked, headers=headers)).status_code
    finally:
        is_asking.reset(token)


async def test_a_decision_is_told_with_its_commit_or_not_made(database_url: str) -> None:
    """Wherever it is cut there is the decision with its event, or neither; a retry completes it."""
    async with serving(database_url, settings=QUICK, is_attended=False) as served:
        await release(served.app.house, FLEET_LEADS)
        await made(served, "http://127.0.0.1:50009/", events=["decision.created"])
        scissors = Scissors(database_url)
        with (
            psycopg.connect(libpq_url(database_url), autocommit=True) as reader,
            watched(scissors),
        ):
            assert await decide(served, 0) == 200
            assert await decide(served, 1) == 200  # the second one is as all others
            scissors.places = []
            assert await decide(served, 2) == 200
            places = list(dict.fromkeys(scissors.places))
            assert any("INTO event" in what for what, _ in places)
            assert any("INTO delivery" in what for what, _ in places)
            for number, place in enumerate(places, start=3):
                scissors.at, scissors.places, scissors.has_cut = place, [], False
                status = await decide(served, number)
                assert scissors.has_cut, place
                assert status in {200, 503}, place
                found = read(reader, _TOLD)
                assert found in {(number,) * 3, (number + 1,) * 3}, place
                assert status == 503 or found[0] == number + 1, place
                scissors.at = None
                assert await decide(served, number) == 200, place
                assert read(reader, _TOLD) == (number + 1,) * 3, place


@asynccontextmanager
async def sender_of(served: Served) -> AsyncIterator[Sender]:
    """Return what sends, and does so when it is asked to."""
    house = served.app.house
    reach = reach_of(house.settings)
    async with open_client(reach) as client:
        yield Sender(house=house, reach=reach, client=client, sealer=sealer_of(house.settings))


async def send(sender: Sender) -> None:
    """Send what waits, watched; what cannot be claimed is left for another time."""
    token = is_asking.set(True)
    try:
        await recover(sender)
        await sender.take_some()
        await asyncio.gather(*sender.running)
    except DatabaseUnavailable:
        pass
    finally:
        is_asking.reset(token)


@pytest.mark.parametrize("says", [200, 410])
async def test_what_is_sent_is_kept_wherever_it_is_cut(database_url: str, says: int) -> None:
    """It arrives once under its id, its attempt is kept; who is gone is switched off once."""
    async with (
        serving(database_url, settings=QUICK, is_attended=False) as served,
        receiving(lambda _: answer(says)) as there,
        receiving() as watcher,
        sender_of(served) as sender,
    ):
        await made(served, there.url, events=["rule_set.released"])
        await made(served, watcher.url, events=["endpoint.disabled"])
        scissors = Scissors(database_url)
        with (
            psycopg.connect(libpq_url(database_url), autocommit=True) as reader,
            watched(scissors),
        ):
            await tell(served, 0)
            await send(sender)
            places = list(dict.fromkeys(scissors.places))
            named = " ".join(what for what, _ in places)
            assert "WITH due AS" in named
            assert "WITH settled AS" in named
            assert ("INSERT INTO event" in named) == (says == 410)
            if says == 410:  # how it is claimed is cut above
                kept = next(at for at, (what, _) in enumerate(places) if "WITH settled" in what)
                places = places[kept:]
            for number, place in enumerate(places, start=1):
                reader.execute(_AFRESH)
                await send(sender)  # what the watcher hears
                await tell(served, number)
                scissors.at, scissors.places, scissors.has_cut = place, [], False
                await send(sender)
                assert scissors.has_cut, place
                scissors.at = None
                await send(sender)
                gone = number + 1 if says == 410 else 0
                assert read(reader, _SENT) == (number + 1, gone, gone, 0), place
                numbers = [json.loads(one.body)["data"]["version"] for one in there.got]
                assert numbers == list(range(number + 1)), place
