"""A large past is worked on by columns, and ends as a small one does row by row."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from service.backtests import store
from service.backtests.column_working import carry_out
from service.backtests.working import Pace, work_on_next
from service.bulk import EnginesDisagree
from service.bulk.column_deciding import ColumnJudge
from service.rulesets import LiveRules
from service.storage import libpq_url, transaction
from tests.backtests.office import LEADS, Office
from tests.backtests.stopping import Stopped, stopping_timer
from tests.backtests.test_working import (
    EDITED,
    told,
    unattended,
    undisturbed,
    workshop,
)
from tests.web.workers import until_waiting, workers

pytestmark = pytest.mark.anyio

PIECES = Pace(rows=25, chunk_s=0)
"""Small pieces, and a chunk for every row that is looked at."""
PARTIAL: tuple[dict[str, Any], ...] = (
    {"email": "a@gmail.com"},
    {"vehicles": 30},
    {"country": "DE", "vehicles": 4},
    {},
)


@pytest.fixture
async def idle(database_url: str) -> AsyncIterator[Office]:
    """Return an office with decisions on whole and on half-known leads, and a draft."""
    async with unattended(database_url) as office:
        await office.decide(*LEADS[:30], *PARTIAL)
        await office.decide(*LEADS[30:], *PARTIAL, final=True)
        await office.draft(EDITED)
        yield office


async def by_columns(office: Office, *, stop_after: int | None = None) -> None:
    """Take up the next backtest by columns; stop as killed after so many looks at the clock."""
    engine = office.served.app.house.engine
    async with transaction(engine) as connection:
        row = await store.claim_waiting(connection, lease=PIECES.lease)
    assert row is not None
    live = LiveRules(engine, timer=time.monotonic)
    now = datetime.now(UTC)
    await carry_out(
        row, live, engine=engine, clock=lambda: now, timer=stopping_timer(stop_after), pace=PIECES
    )


async def test_a_past_by_columns_that_was_killed_ends_as_one_by_rows(idle: Office) -> None:
    """Wherever it died, every row counts once, and the result is the evaluator's."""
    begun = await idle.backtest()
    with pytest.raises(Stopped):
        await by_columns(idle, stop_after=20)
    halfway = await idle.read(begun["id"])
    assert halfway["state"] == "running"
    assert 0 < halfway["progress"]["done"] < halfway["progress"]["total"]
    await by_columns(idle)
    found = await told(idle, begun["id"])
    assert found[1]["done"] == len(LEADS) + 2 * len(PARTIAL)
    assert found == await undisturbed(idle, begun["window"])
    assert found[0]["flips"] > 0


async def test_what_is_large_is_done_by_a_process_of_its_own(idle: Office) -> None:
    """The serving process only starts it; the result is the same."""
    begun = await idle.backtest()
    assert await work_on_next(workshop(idle, Pace(beside=10), stop_after=0))
    assert (await idle.read(begun["id"]))["state"] == "done"
    assert await told(idle, begun["id"]) == await undisturbed(idle, begun["window"])


async def test_a_process_that_is_killed_is_followed_by_another(
    idle: Office, database_url: str
) -> None:
    """SIGKILL while it keeps a chunk: nothing of it was kept, and every row counts once."""
    begun = await idle.backtest()
    shop = workshop(idle, Pace(beside=10), stop_after=0)
    with psycopg.connect(libpq_url(database_url)) as holding:
        holding.execute("LOCK TABLE backtest_flip")
        working = asyncio.create_task(work_on_next(shop))
        await until_waiting(database_url, "%backtest_flip%")
        [process] = workers()
        os.kill(process.pid, signal.SIGKILL)
        assert not await working
    halfway = await idle.read(begun["id"])
    assert halfway["state"] == "running"
    assert halfway["progress"]["done"] == 0
    assert await work_on_next(shop)
    found = await told(idle, begun["id"])
    assert found[1]["done"] == len(LEADS) + 2 * len(PARTIAL)
    assert found == await undisturbed(idle, begun["window"])
    assert workers() == []


async def test_a_wrong_answer_of_the_engine_fails_the_backtest(
    idle: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of that piece counts; whoever asked reads which decision and columns, no value."""
    decide = ColumnJudge.decide

    def wrong(judge: ColumnJudge, facts: Any, *, rows: int, days: Any = None) -> Any:  # noqa: ANN401
        answers = decide(judge, facts, rows=rows, days=days)
        place = answers.column_names.index("outcome")
        return answers.set_column(place, "outcome", [["tier_a"] * rows])

    monkeypatch.setattr(ColumnJudge, "decide", wrong)
    begun = await idle.backtest()
    with pytest.raises(EnginesDisagree):
        await by_columns(idle)
    found = await idle.read(begun["id"])
    assert found["state"] == "failed"
    assert found["progress"]["done"] == 0
    assert "`dec_" in found["failure"]
    assert "outcome" in found["failure"]
