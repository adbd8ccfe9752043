"""Work that is stopped, robbed of its lease or cancelled ends as if nothing had happened."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import anyio
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from service.app import create_app
from service.backtests import store, working
from service.backtests.working import Pace, Workshop, work_on_next
from service.rulesets import LiveRules
from service.settings import Settings
from service.storage import open_engine, parse_id, transaction
from tests.backtests.office import LEADS, PAYING_TEXT, Office
from tests.backtests.stopping import Stopped, stopping_timer
from tests.web.serving import serving

pytestmark = pytest.mark.anyio

SMALL_STEPS = Pace(rows=7, lease=timedelta(seconds=30))
EDITED = (
    PAYING_TEXT.replace("points: 25", "points: 45")
    .replace("cap: 40", "cap: 60")
    .replace("points: 20}", "points: 0}")
)
"""Three edits, two of them of one group."""


def workshop(
    office: Office, pace: Pace = SMALL_STEPS, *, stop_after: int | None = None
) -> Workshop:
    """Return a workshop that works beside the application, and stops as killed if asked to.

    *stop_after* counts the looks at the clock: one at the begin of a chunk, one a decision.
    """
    house = office.served.app.house
    live = LiveRules(house.engine, timer=time.monotonic)
    timer, turn = stopping_timer(stop_after), anyio.CapacityLimiter(1)
    return Workshop(house=house, live=live, timer=timer, pace=pace, turn=turn)


@pytest.fixture
async def idle(database_url: str) -> AsyncIterator[Office]:
    """Return an office whose application leaves the work to the test, with sixty decisions."""
    async with unattended(database_url) as office:
        await office.decide(*LEADS)
        await office.draft(EDITED)
        yield office


@asynccontextmanager
async def unattended(database_url: str) -> AsyncIterator[Office]:
    """Run the application without its own worker, which would be faster than the test."""
    async with serving(database_url, is_attended=False) as served:
        yield await Office.opened(served)


async def worked(shop: Workshop) -> None:
    """Work until nothing waits."""
    while await work_on_next(shop):
        pass


async def told(office: Office, backtest: str) -> tuple[Any, Any, Any]:
    """Return everything that one backtest found."""
    found = await office.read(backtest)
    return found["result"], found["progress"], await office.flips(backtest)


async def undisturbed(office: Office, window: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Return what the same backtest finds in one go."""
    begun = await office.backtest(window=window)
    await worked(workshop(office, Pace()))
    return await told(office, begun["id"])


async def let_lease_run_out(office: Office) -> None:
    """Move every lease into the past, as time does."""
    async with transaction(office.served.app.house.engine) as connection:
        await connection.execute(text("UPDATE backtest SET lease_until = now() - interval '1 s'"))


@pytest.mark.parametrize("stop_after", [0, 1, 8, 9, 20, 41])
async def test_work_that_was_killed_goes_on_after_the_last_chunk(
    idle: Office, stop_after: int
) -> None:
    """Wherever it died, the result is that of work that did not."""
    begun = await idle.backtest()
    with pytest.raises(Stopped):
        await work_on_next(workshop(idle, stop_after=stop_after))
    assert not await work_on_next(workshop(idle)), "a lease that runs is respected"
    halfway = await idle.read(begun["id"])
    assert halfway["state"] == "running"
    assert halfway["progress"]["done"] % 7 == 0
    await let_lease_run_out(idle)
    await worked(workshop(idle))
    result, progress, flips = await told(idle, begun["id"])
    assert progress == {"done": 60, "total": 60}
    assert (await idle.read(begun["id"]))["state"] == "done"
    assert (result, progress, flips) == await undisturbed(idle, begun["window"])
    assert result["flips"] == len(flips) > 0


async def test_whoever_lost_the_lease_keeps_nothing(idle: Office) -> None:
    """Two who hold one backtest, one of them in the past: only the newer one's chunks count."""
    begun = await idle.backtest()
    shop = workshop(idle)
    engine = shop.house.engine
    async with transaction(engine) as connection:
        slow = await store.claim_waiting(connection, lease=timedelta(seconds=30))
    assert slow is not None
    await let_lease_run_out(idle)
    await worked(shop)
    before = await told(idle, begun["id"])
    async with transaction(engine) as connection:
        is_kept = await store.keep_chunk(
            connection,
            slow,
            position=(slow.created_at, slow.id),
            done=1,
            tally={},
            lease=timedelta(seconds=30),
        )
        assert not is_kept
        assert not await store.set_columns(connection, slow, state="failed")
    assert await told(idle, begun["id"]) == before == await undisturbed(idle, begun["window"])


async def test_a_cancelled_backtest_stops_and_goes_on_when_asked(idle: Office) -> None:
    """What was found stays, nothing is added, and a resumed one ends as any other."""
    begun = await idle.backtest()
    with pytest.raises(Stopped):
        await work_on_next(workshop(idle, stop_after=20))
    cancelled = await idle.ask("POST", f"/{begun['id']}/cancel")
    assert cancelled.status_code == 200
    assert cancelled.json()["state"] == "cancelled"
    assert cancelled.json()["progress"] == {"done": 14, "total": 60}
    assert not await work_on_next(workshop(idle))
    assert "so far" in cancelled.json()["summary"]
    again = await idle.ask("POST", f"/{begun['id']}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "backtest_over")
    resumed = await idle.ask("POST", f"/{begun['id']}/resume")
    assert resumed.json()["state"] == "queued"
    await worked(workshop(idle))
    assert await told(idle, begun["id"]) == await undisturbed(idle, begun["window"])
    over = await idle.ask("POST", f"/{begun['id']}/resume")
    assert (over.status_code, over.json()["code"]) == (409, "backtest_over")


async def test_a_cancel_in_the_middle_of_a_chunk_throws_that_chunk_away(idle: Office) -> None:
    """Nothing is kept after the cancel was answered."""
    begun = await idle.backtest()
    house = idle.served.app.house
    loop = asyncio.get_running_loop()
    looks = 0

    def timer() -> float:
        nonlocal looks
        looks += 1
        if looks == 12:  # in the second chunk, from the thread that judges it
            cancel = idle.ask("POST", f"/{begun['id']}/cancel")
            answer = asyncio.run_coroutine_threadsafe(cancel, loop).result(timeout=10)
            assert answer.json()["progress"]["done"] == 7
        return time.monotonic()

    live = LiveRules(house.engine, timer=time.monotonic)
    shop = Workshop(
        house=house, live=live, timer=timer, pace=SMALL_STEPS, turn=anyio.CapacityLimiter(1)
    )
    assert await work_on_next(shop)
    found = await idle.read(begun["id"])
    assert (found["state"], found["progress"]["done"]) == ("cancelled", 7)
    assert found["result"]["flips"] == len(await idle.flips(begun["id"]))


async def test_work_that_never_gets_past_one_place_is_given_up(idle: Office) -> None:
    """A decision that kills its worker does so a few times, not for ever."""
    begun = await idle.backtest()
    for _ in range(SMALL_STEPS.attempts):
        with pytest.raises(Stopped):
            await work_on_next(workshop(idle, stop_after=0))
        await let_lease_run_out(idle)
    assert await work_on_next(workshop(idle))
    found = await idle.read(begun["id"])
    assert found["state"] == "failed"
    assert found["failure"] == "the work stopped too often at the same place"
    await idle.ask("POST", f"/{begun['id']}/resume")
    await worked(workshop(idle))
    assert (await idle.read(begun["id"]))["state"] == "done"


async def test_a_defect_fails_its_backtest_and_no_other(idle: Office) -> None:
    """What cannot be read is reported as failed; the next one is worked on."""
    broken, whole = await idle.backtest(), await idle.backtest()
    async with transaction(idle.served.app.house.engine) as connection:
        await connection.execute(
            text("UPDATE backtest SET document = 'no rules' WHERE id = :id"),
            {"id": parse_id(broken["id"], "bt")},
        )
    await worked(workshop(idle))
    assert (await idle.read(broken["id"]))["state"] == "failed"
    assert (await idle.read(whole["id"]))["state"] == "done"


async def test_two_processes_share_the_work_and_double_none(idle: Office) -> None:
    """Four backtests, two workers at once: each done once, all with the same result."""
    begun = [await idle.backtest() for _ in range(4)]
    window = begun[0]["window"]
    await asyncio.gather(worked(workshop(idle)), worked(workshop(idle)))
    expected = (await undisturbed(idle, window))[0]
    for each in begun:
        result, progress, _ = await told(idle, each["id"])
        assert (result, progress["done"]) == (expected, 60)


async def test_a_worker_that_is_stopped_in_order_lets_go_at_once(idle: Office) -> None:
    """A restart does not wait for a lease: the next process goes on within a second or two."""
    begun = await idle.backtest()
    house = idle.served.app.house
    live = LiveRules(house.engine, timer=time.monotonic)
    slow = Pace(rows=1)

    def timer() -> float:
        time.sleep(0.02)  # in the thread: a past that takes its time
        return time.monotonic()

    shop = Workshop(house=house, live=live, timer=timer, pace=slow, turn=anyio.CapacityLimiter(1))
    task = asyncio.create_task(work_on_next(shop))
    async with asyncio.timeout(20):
        while (await idle.read(begun["id"]))["progress"]["done"] == 0:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await idle.read(begun["id"]))["state"] == "running"
    await worked(workshop(idle))
    assert await told(idle, begun["id"]) == await undisturbed(idle, begun["window"])


async def test_a_started_application_takes_up_what_another_left(database_url: str) -> None:
    """A backtest survives the process that was asked for it."""
    async with unattended(database_url) as office:
        await office.decide(*LEADS)
        await office.draft(EDITED)
        begun = await office.backtest()
        with pytest.raises(Stopped):
            await work_on_next(workshop(office, stop_after=20))
        await let_lease_run_out(office)
    engine = open_engine(database_url)
    app = create_app(Settings(), engine)
    async with working(app.house, app.api.state.live, timer=time.monotonic):
        async with asyncio.timeout(20):
            while await _done(engine, begun["id"]) is None:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.05)
    assert await _done(engine, begun["id"]) == 60
    await engine.dispose()


async def _done(engine: AsyncEngine, backtest: str) -> int | None:
    """Return how many decisions a backtest that is done looked at; None before."""
    async with transaction(engine) as connection:
        row = await store.find_backtest(connection, parse_id(backtest, "bt"))
    assert row is not None
    return row.done if row.state == "done" else None
