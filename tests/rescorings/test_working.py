"""Rescorings that wait are worked off by a process of their own, one at a time, to their end."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import psutil
import psycopg
import pytest
from sqlalchemy import text

from service.rescorings import working
from service.rescorings.working import work_on_next
from service.storage import libpq_url, transaction
from tests.bulk.books import decisions_per_account, fill, go_live
from tests.web.serving import Served, serving
from tests.web.workers import workers

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ACCOUNTS = 6_000
BOOK = "/v1/rule-sets/book/rescorings"
PATIENCE_S = 120


@pytest.fixture
async def idle(database_url: str) -> AsyncIterator[Served]:
    """Return an application that starts no worker by itself, with accounts and live rules."""
    fill(database_url, ACCOUNTS)
    async with serving(database_url, is_attended=False) as served:
        await go_live(served.app.house.engine)
        yield served


async def asked(served: Served, **sent: object) -> str:
    """Ask for a rescoring and return its id."""
    answer = await served.ask("POST", BOOK, json=sent)
    assert answer.status_code == 202, answer.text
    rescoring: str = answer.json()["id"]
    return rescoring


async def read(served: Served, rescoring: str) -> dict[str, Any]:
    """Return a rescoring."""
    shown: dict[str, Any] = (await served.ask("GET", f"{BOOK}/{rescoring}")).json()
    return shown


async def begun(served: Served, rescoring: str) -> psutil.Process:
    """Return the process that works on it, once a slice is done and the end is not."""
    async with asyncio.timeout(PATIENCE_S):
        while (shown := await read(served, rescoring))["progress"]["done"] == 0:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.02)
    assert shown["state"] == "running"
    (worker,) = workers()
    return worker


async def test_a_dry_run_counts_what_the_real_one_then_writes(
    idle: Served, database_url: str
) -> None:
    """The same movements; the first writes no decision, the second one for each account."""
    dry = await asked(idle, dry_run=True)
    assert await work_on_next(idle.app.house)
    foreseen = await read(idle, dry)
    assert foreseen["state"] == "done"
    assert foreseen["progress"] == {"done": ACCOUNTS, "total": ACCOUNTS}
    assert decisions_per_account(database_url) == {0: ACCOUNTS}
    real = await asked(idle)
    assert await work_on_next(idle.app.house)
    done = await read(idle, real)
    assert done["result"] == foreseen["result"]
    assert done["result"]["written"] == ACCOUNTS
    assert {one["before"] for one in done["result"]["verdicts"]} == {None}
    assert sum(one["accounts"] for one in done["result"]["verdicts"]) == ACCOUNTS
    assert decisions_per_account(database_url) == {1: ACCOUNTS}
    assert not await work_on_next(idle.app.house)
    assert workers() == []


async def test_a_killed_worker_is_followed_by_another_at_once(
    idle: Served, database_url: str
) -> None:
    """Its parent knows that it is dead; nobody waits for the lease, no account is missed."""
    rescoring = await asked(idle)
    async with working(idle.app.house):
        worker = await begun(idle, rescoring)
        assert worker.nice() >= 10
        os.kill(worker.pid, signal.SIGKILL)
        async with asyncio.timeout(PATIENCE_S):
            while (await read(idle, rescoring))["state"] != "done":  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.1)
    assert decisions_per_account(database_url) == {1: ACCOUNTS}


async def test_the_worker_ends_with_the_server_and_lets_go(idle: Served, database_url: str) -> None:
    """What was written stays; the next server goes on behind it without waiting."""
    rescoring = await asked(idle)
    async with working(idle.app.house):
        await begun(idle, rescoring)
    assert workers() == []
    halfway = await read(idle, rescoring)
    assert halfway["state"] == "running"
    assert 0 < halfway["progress"]["done"] < ACCOUNTS
    assert await work_on_next(idle.app.house)
    assert (await read(idle, rescoring))["state"] == "done"
    assert decisions_per_account(database_url) == {1: ACCOUNTS}


async def test_a_cancel_stops_the_worker_at_its_slice(idle: Served, database_url: str) -> None:
    """After the answer nothing more is written, and the process ends."""
    rescoring = await asked(idle)
    async with working(idle.app.house):
        worker = await begun(idle, rescoring)
        cancelled = (await idle.ask("POST", f"{BOOK}/{rescoring}/cancel")).json()
        assert cancelled["state"] == "cancelled"
        await asyncio.to_thread(psutil.wait_procs, [worker], PATIENCE_S)
        assert workers() == []
    written = cancelled["progress"]["done"]
    assert await read(idle, rescoring) == cancelled
    assert decisions_per_account(database_url) == {0: ACCOUNTS - written, 1: written}


async def test_without_accounts_it_is_done_at_once(idle: Served, database_url: str) -> None:
    """Nothing to look at is a result too."""
    with psycopg.connect(libpq_url(database_url)) as connection:
        connection.execute("DELETE FROM account")
    rescoring = await asked(idle)
    assert await work_on_next(idle.app.house)
    done = await read(idle, rescoring)
    assert (done["state"], done["progress"]) == ("done", {"done": 0, "total": 0})
    assert (done["result"]["written"], done["result"]["verdicts"]) == (0, [])


async def test_one_is_worked_on_at_a_time(idle: Served) -> None:
    """Another rule set's waits while a lease runs, and is taken up after it."""
    first = await asked(idle)
    async with transaction(idle.app.house.engine) as connection:
        await connection.execute(
            text("UPDATE rescoring SET state = 'running', lease_until = now() + interval '1 h'")
        )
        copied = (
            "INSERT INTO rescoring (id, rule_set, version, digest, at, state, generation, attempts,"
            " done, asked_by, created_at) SELECT gen_random_uuid(), rule_set, version, digest, at,"
            " 'queued', 0, 0, 0, asked_by, created_at FROM rescoring"
        )
        await connection.execute(text(copied))
    assert not await work_on_next(idle.app.house)
    await idle.ask("POST", f"{BOOK}/{first}/cancel")
    assert await work_on_next(idle.app.house)


async def test_work_that_never_finishes_a_slice_is_given_up(idle: Served) -> None:
    """What kills its worker does so a few times, not for ever; the rescoring says so."""
    rescoring = await asked(idle)
    async with transaction(idle.app.house.engine) as connection:
        await connection.execute(text("UPDATE rescoring SET attempts = 5"))
    assert await work_on_next(idle.app.house)
    failed = await read(idle, rescoring)
    assert failed["state"] == "failed"
    assert failed["failure"] == "the work stopped too often at the same place"
