"""A worker that is killed, stopped or cut off: every row once, and told of once."""

import asyncio
import os
import signal
from typing import Any

import psutil
import psycopg
import pytest

from service.bulk.importing import TakenAway, carry_out
from service.imports import store, working
from service.imports.working import work_on_next
from service.storage import DatabaseUnavailable, libpq_url, transaction
from service.web import LEASE
from tests.faults.test_rescoring_kills import Scissors, watched
from tests.imports.reading import queued
from tests.web.serving import Served
from tests.web.workers import workers

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

EVENTS = 5_000
PATIENCE_S = 120


def file_of(rows: int, *, name: str = "") -> bytes:
    """Return events of one account, each tenth of them of another that is not known."""
    lines = (
        f"{name}{number},{'north' if number % 10 else 'nobody'},revenue,2026-01-31,{number}.25\n"
        for number in range(rows)
    )
    return f"event_id,account,kind,at,amount\n{''.join(lines)}".encode()


def state_of(url: str) -> tuple[int, int, int, int, int]:
    """Return entries, four times their sum, parked events, problems, and parts of files."""
    query = """
        SELECT (SELECT count(*) FROM account_event),
               (SELECT (COALESCE(sum(amount), 0) * 4)::bigint FROM account_event),
               (SELECT count(*) FROM parked_event),
               (SELECT count(*) FROM account_import_problem),
               (SELECT count(*) FROM account_import_part)
    """
    with psycopg.connect(libpq_url(url)) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    entries, total, parked, problems, parts = row
    return entries, total, parked, problems, parts


async def begun(served: Served, address: str) -> dict[str, Any]:
    """Return an import once some of its rows are kept."""
    while (shown := (await served.ask("GET", address)).json())["progress"]["rows"] == 0:  # noqa: ASYNC110 - it is another process
        await asyncio.sleep(0.02)
    return dict(shown)


async def test_a_killed_worker_is_followed_by_another_that_repeats_no_row(
    served: Served, database_url: str
) -> None:
    """It goes on behind the last portion; each row is kept once, and told of once."""
    await served.ask("PUT", "/v1/accounts/north", json={"facts": {}})
    waiting = await queued(served, file_of(EVENTS), what="events")
    address = f"/v1/accounts/imports/{waiting['id']}"
    async with working(served.app.house), asyncio.timeout(PATIENCE_S):
        shown = await begun(served, address)
        assert shown["state"] == "running"
        assert 0 < shown["progress"]["share"] < 1
        (worker,) = workers()
        assert worker.nice() >= 10
        os.kill(worker.pid, signal.SIGKILL)
        while (shown := (await served.ask("GET", address)).json())["state"] != "done":  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.1)
    assert shown["result"]["states"] == {"entered": EVENTS * 9 // 10, "parked": EVENTS // 10}
    parked = EVENTS // 10
    total = sum(4 * number + 1 for number in range(EVENTS) if number % 10)
    assert state_of(database_url) == (EVENTS - parked, total, parked, parked, 0)


async def test_a_cancel_stops_the_worker_at_its_portion(served: Served, database_url: str) -> None:
    """After the answer nothing more is kept; what was stays, and is what the import says."""
    await served.ask("PUT", "/v1/accounts/north", json={"facts": {}})
    waiting = await queued(served, file_of(EVENTS), what="events")
    address = f"/v1/accounts/imports/{waiting['id']}"
    async with working(served.app.house), asyncio.timeout(PATIENCE_S):
        await begun(served, address)
        (worker,) = workers()
        cancelled = (await served.ask("POST", f"{address}/cancel")).json()
        await asyncio.to_thread(psutil.wait_procs, [worker], PATIENCE_S)
    assert cancelled["state"] == "cancelled"
    assert (await served.ask("GET", address)).json() == cancelled
    entries, _, parked, problems, parts = state_of(database_url)
    assert entries + parked == cancelled["progress"]["rows"] < EVENTS
    assert (problems, parts) == (parked, 0)
    assert not await work_on_next(served.app.house)


async def test_cut_before_and_after_every_statement_it_comes_out_the_same(
    served: Served, database_url: str
) -> None:
    """Wherever the session ends, a portion is there whole or not at all, and the rest follows."""
    await served.ask("PUT", "/v1/accounts/north", json={"facts": {}})
    rows, counting = 6, Scissors(database_url)
    await queued(served, file_of(rows), what="events")
    with watched(counting):
        assert await _read(served)
    once = state_of(database_url)
    assert once == (5, 4 * 15 + 5, 1, 1, 0)
    assert any("INSERT INTO account_event" in place for place in counting.places)
    for place, where in enumerate(counting.places):
        await queued(served, file_of(rows, name=f"{place}-"), what="events")
        with watched(Scissors(database_url, at=place)):
            is_done = await _read(served)
        if not is_done:
            with psycopg.connect(libpq_url(database_url)) as connection:
                connection.execute("UPDATE account_import SET lease_until = NULL")
            await _read(served)
        assert state_of(database_url) == tuple(each * (place + 2) for each in once), where
        listed = (await served.ask("GET", "/v1/accounts/imports?limit=1")).json()["data"]
        assert (listed[0]["state"], listed[0]["result"]["rows"]) == ("done", rows), where


async def _read(served: Served) -> bool:
    """Read the import that is next, four rows at a time; return whether nothing broke."""
    house = served.app.house
    try:
        async with transaction(house.engine) as connection:
            row = await store.claim_next(connection, lease=LEASE)
        if row is not None:
            await carry_out(row, engine=house.engine, clock=house.clock, at_once=4)
    except (DatabaseUnavailable, TakenAway, psycopg.Error):
        return False
    return True
