"""Senders that are killed in the middle: nothing lost, no refusal too many, nothing stuck.

Nothing here depends on how fast the machine is: the receiver has half a minute to answer, and an
attempt that outlasts its lease is cut off as one whose sender was killed.
"""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import psycopg
import pytest

from service.delivery import Announcement, EventType, announce
from service.storage import libpq_url, transaction
from service.web import House
from tests.delivery.receiver import Got, answer, receiving
from tests.delivery.test_endpoints import QUICK, made
from tests.web.serving import serving

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ENDPOINTS: Final = 4
EVENTS: Final = 1_250
KILLS: Final = 20
REFUSED: Final = 20
LEASE_S: Final = 2.0
SLACK_S: Final = 20.0  # for a machine that does much else
BUDGET: Final = 3
PATIENCE_S: Final = 500
_ROOT: Final = Path(__file__).resolve().parents[2]
_STATES: Final = "SELECT state, count(*) FROM delivery GROUP BY state"
_STUCK: Final = (
    "SELECT coalesce(extract(epoch FROM max(clock_timestamp() - next_at)), 0) FROM delivery"
    " WHERE state = 'sending'"
)
_ATTEMPTS: Final = (
    "SELECT delivery.state, attempts, count(number), count(status),"
    " count(problem) FROM delivery"
    " LEFT JOIN delivery_attempt ON delivery_id = delivery.id GROUP BY delivery.id"
)


@asynccontextmanager
async def senders(url: str) -> AsyncIterator[asyncio.StreamReader]:
    """Run senders one after the other; yields where their process ids are told."""
    given = {
        "GOODFIT_INSECURE_ENDPOINTS": "true",
        "GOODFIT_DELIVERY_LEASE_S": str(LEASE_S),
        "GOODFIT_DELIVERY_TIMEOUT_S": "30",
        "GOODFIT_DELIVERY_PAUSES_S": json.dumps([0.2] * (BUDGET - 1)),
        "GOODFIT_DELIVER_EVERY_S": "0.05",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.forking_sender", url),
        cwd=_ROOT,
        env=os.environ | given,
        stdin=PIPE,
        stdout=PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def tell(house: House) -> None:
    """Announce the events, in transactions of which each is short on a slow machine too."""
    for numbers in (range(n, n + 250) for n in range(0, EVENTS, 250)):
        now = house.clock()
        events = [
            Announcement(
                id=house.new_uuid(now), type=EventType.RULE_SET_RELEASED, at=now, data={"n": n}
            )
            for n in numbers
        ]
        async with transaction(house.engine) as connection:
            assert await announce(connection, *events) == ENDPOINTS * len(events)


async def test_twenty_kills_over_5000_deliveries(database_url: str) -> None:
    """Each arrives under its one id or is refused exactly so often; no lease outlasts its end."""
    seen: Counter[tuple[str, str]] = Counter()

    def say(got: Got) -> bytes:
        seen[got.path, got.headers["webhook-id"]] += 1
        is_refused = json.loads(got.body)["data"]["n"] < REFUSED
        return answer(500 if is_refused else 200)

    async with (
        serving(database_url, settings=QUICK, is_attended=False) as served,
        receiving(say) as there,
        senders(database_url) as told,
        # a session without our deadlines: the machine may be busy while this looks on
        await psycopg.AsyncConnection.connect(libpq_url(database_url), autocommit=True) as looking,
    ):
        for n in range(ENDPOINTS):
            await made(served, f"{there.url}/{n}", events=["rule_set.released"])
        await tell(served.app.house)
        longest_s, kills = 0.0, 0
        async with asyncio.timeout(PATIENCE_S):
            while True:
                states: dict[str, int] = dict(await (await looking.execute(_STATES)).fetchall())
                ((stuck_s,),) = await (await looking.execute(_STUCK)).fetchall()
                longest_s = max(longest_s, float(stuck_s))
                done = states.get("delivered", 0) + states.get("failed", 0)
                if done == ENDPOINTS * EVENTS:
                    break
                if kills < KILLS and done >= kills * ENDPOINTS * EVENTS // (KILLS + 2):
                    pid = int(await told.readline())
                    await asyncio.sleep(0.3)
                    os.kill(pid, signal.SIGKILL)
                    kills += 1
                await asyncio.sleep(0.1)
        rows = await (await looking.execute(_ATTEMPTS)).fetchall()
    assert kills == KILLS
    assert longest_s < LEASE_S + SLACK_S
    assert states == {
        "delivered": ENDPOINTS * (EVENTS - REFUSED),
        "failed": ENDPOINTS * REFUSED,
    }
    assert len(seen) == ENDPOINTS * EVENTS
    written = [attempts for _, attempts, *_ in rows]
    assert all(attempts == listed and not troubled for _, attempts, listed, _, troubled in rows)
    assert {(state, answered) for state, *_, answered, _ in rows} == {
        ("delivered", 1),
        ("failed", BUDGET),
    }
    assert max(seen.values()) <= max(written)
    assert sum(written) > ENDPOINTS * (EVENTS + REFUSED * (BUDGET - 1))  # some were cut off
