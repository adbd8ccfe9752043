"""Jobs are asked for in the transaction that causes them, and carried out whatever is killed."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from service.decisions import open_desk
from service.queue.registered import works_of
from service.queue.running import running_jobs
from service.settings import Settings
from service.storage import (
    QUEUE_SCHEMA,
    DatabaseUnavailable,
    Job,
    count_jobs,
    defer,
    forget_finished,
    libpq_url,
    read_queue_schema,
    recover_stalled,
    transaction,
)
from service.storage.queue_schema import packaged_steps
from service.web import open_house

pytestmark = pytest.mark.anyio

JOB = Job.FORGET_FINISHED
QUICK = Settings(job_lease_s=0.6, look_for_jobs_every_s=0.02, jobs_at_once=4)
Work = Callable[..., Awaitable[None]]


@asynccontextmanager
async def worker(
    engine: AsyncEngine, work: Work, settings: Settings = QUICK
) -> AsyncIterator[None]:
    """Carry out jobs with *work*, in this process."""
    house = open_house(settings, engine, clock=lambda: datetime.now(UTC))
    async with running_jobs(house, {JOB: work}):
        yield


async def asked(engine: AsyncEngine, **how: Any) -> int:  # noqa: ANN401 - whatever `defer` takes
    """Ask for the job in a transaction of its own."""
    async with transaction(engine) as connection:
        return await defer(connection, JOB, **how)


async def counted(engine: AsyncEngine) -> tuple[int, int, int, int]:
    """Return how many jobs wait, are for later, run, and have failed."""
    async with transaction(engine) as connection:
        for one in await count_jobs(connection):
            return one.waiting, one.later, one.running, one.failed
    return 0, 0, 0, 0


async def until(holds: Callable[[], bool], *, within_s: float = 20) -> None:
    """Wait until *holds* does."""
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - what is waited for is in the database
            await asyncio.sleep(0.01)


async def test_every_job_has_somebody_who_does_it(engine: AsyncEngine) -> None:
    """A name that no worker knows would wait for ever; a work without a name is never asked for."""
    house = open_house(Settings(), engine, clock=lambda: datetime.now(UTC))
    assert set(works_of(open_desk(house, timer=time.monotonic))) == set(Job)


async def test_the_queue_is_as_new_as_the_library(engine: AsyncEngine) -> None:
    """Whoever takes a newer procrastinate writes the migration to its tables too."""
    async with transaction(engine) as connection:
        assert await read_queue_schema(connection) == QUEUE_SCHEMA
    assert packaged_steps()[-1].stem == QUEUE_SCHEMA


async def test_a_job_is_as_committed_as_what_caused_it(engine: AsyncEngine) -> None:
    """Nobody sees it before the commit, and a transaction that fails leaves none."""
    done = asyncio.Event()

    async def work() -> None:
        done.set()

    async def work_in_vain() -> None:
        async with transaction(engine) as connection:
            await defer(connection, JOB)
            raise ZeroDivisionError

    async with worker(engine, work):
        with pytest.raises(ZeroDivisionError):
            await work_in_vain()
        async with transaction(engine) as connection:
            await defer(connection, JOB)
            await asyncio.sleep(0.3)
            assert not done.is_set()
        async with asyncio.timeout(10):
            await done.wait()
    assert await counted(engine) == (0, 0, 0, 0)


async def test_what_waits_already_is_not_asked_for_twice(engine: AsyncEngine) -> None:
    """One job stands for all that ask for it while it waits, at the soonest of their instants."""
    later = datetime(2099, 1, 1, tzinfo=UTC)
    first = await asked(engine, queueing_lock="x", schedule_at=later, args={"n": 1})
    assert await asked(engine, queueing_lock="x", schedule_at=later + timedelta(days=1)) == first
    assert await counted(engine) == (0, 1, 0, 0)
    assert await asked(engine, queueing_lock="x") == first
    assert await counted(engine) == (1, 0, 0, 0)
    assert await asked(engine, queueing_lock="x", schedule_at=later) == first
    assert await counted(engine) == (1, 0, 0, 0)
    assert await asked(engine, queueing_lock="y") != first


async def test_a_waiting_job_sees_what_was_committed_by_all_that_asked_for_it(
    engine: AsyncEngine,
) -> None:
    """While somebody who asked has not committed, nobody takes the job up without them."""
    first = await asked(engine, queueing_lock="x")
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()

    async with transaction(engine) as connection:
        assert await defer(connection, JOB, queueing_lock="x") == first
        async with worker(engine, work):
            await asyncio.sleep(0.4)
            assert not begun.is_set()
            await connection.commit()
            async with asyncio.timeout(10):
                await begun.wait()


async def test_jobs_of_one_lock_run_one_at_a_time_in_order(engine: AsyncEngine) -> None:
    """What belongs together is done in the order in which it was asked for."""
    running: set[str] = set()
    order: list[tuple[str, int]] = []

    async def work(*, key: str, n: int) -> None:
        assert key not in running
        running.add(key)
        await asyncio.sleep(0.01)
        order.append((key, n))
        running.remove(key)

    async with transaction(engine) as connection:
        for n in range(24):
            key = "ab"[n % 2]
            await defer(connection, JOB, {"key": key, "n": n}, lock=key)
    async with worker(engine, work):
        await until(lambda: len(order) == 24)
    for key in "ab":
        numbers = [n for name, n in order if name == key]
        assert numbers == sorted(numbers)


async def test_what_fails_is_tried_again_and_says_nothing_of_its_args(
    engine: AsyncEngine, capfd: pytest.CaptureFixture[str]
) -> None:
    """A passing trouble costs two seconds; the journal has the kind of it and no value."""
    tries: list[str] = []

    async def work(*, who: str) -> None:
        tries.append(who)
        if len(tries) == 1:
            raise DatabaseUnavailable(f"about {who}")

    await asked(engine, args={"who": "ann@example.com"}, queueing_lock="x")
    async with worker(engine, work):
        await until(lambda: len(tries) == 1)
        await asked(engine, args={"who": "bob@example.com"}, queueing_lock="x")
        await until(lambda: len(tries) == 3)
    assert sorted(tries) == ["ann@example.com", "ann@example.com", "bob@example.com"]
    said = "".join(capfd.readouterr())
    assert "example.com" not in said
    assert await counted(engine) == (0, 0, 0, 0)


async def test_a_job_that_always_fails_is_given_up_and_kept_for_a_look(
    engine: AsyncEngine,
) -> None:
    """Its failure stands in the counts until it is forgotten."""
    failed = asyncio.Event()

    async def work() -> None:
        failed.set()
        raise ZeroDivisionError

    number = await asked(engine)
    async with transaction(engine) as connection:
        await connection.execute(text("UPDATE procrastinate_jobs SET attempts = 11"))
    async with worker(engine, work):
        async with asyncio.timeout(10):
            await failed.wait()
        await asyncio.sleep(0.2)
    assert await counted(engine) == (0, 0, 0, 1)
    async with transaction(engine) as connection:
        assert await forget_finished(connection, older=timedelta(days=1), most=9) == 0
        assert await forget_finished(connection, older=timedelta(0), most=9) == 1
        left = await connection.execute(text("SELECT count(*) FROM procrastinate_events"))
        assert left.scalar_one() == 0
    assert number > 0


async def test_a_job_whose_workers_die_again_and_again_is_given_up(engine: AsyncEngine) -> None:
    """What takes its worker down five times does not take down a sixth."""
    await asked(engine)
    lease = timedelta(seconds=30)
    for turn in range(5):
        async with transaction(engine) as connection:
            await connection.execute(
                text(
                    "SELECT procrastinate_fetch_job_v2(NULL, worker_id)"
                    " FROM procrastinate_register_worker_v1()"
                )
            )
            assert await recover_stalled(connection, lease=lease, most=5) == []
            await connection.execute(
                text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '31 s'")
            )
            found = await recover_stalled(connection, lease=lease, most=5)
            assert [tuple(one) for one in found] == [(JOB.value, turn < 4)]
    assert await counted(engine) == (0, 0, 0, 1)


@contextmanager
def process(url: str, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `goodfit worker` on the database at *url* for the block."""
    command = [sys.executable, "-c", "from service.cli import main; main()", "worker"]
    environment = os.environ | {"DATABASE_URL": url} | settings
    running = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield running
    finally:
        running.kill()
        running.wait()


@pytest.mark.slow
def test_a_killed_worker_is_replaced_within_a_minute(database_url: str) -> None:
    """With the settings as they come: the job of a dead process is done by another one."""
    with psycopg.connect(libpq_url(database_url), autocommit=True) as db:
        db.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, status, worker_id)"
            " SELECT 'goodfit', 'forget_finished_jobs', 'doing', worker_id"
            " FROM procrastinate_register_worker_v1()"
        )
        began = time.monotonic()
        with process(database_url) as running:
            while db.execute("SELECT count(*) FROM procrastinate_jobs").fetchone() != (0,):
                assert time.monotonic() < began + 60
                assert running.poll() is None
                time.sleep(0.2)
            running.send_signal(signal.SIGTERM)
            assert running.wait(20) == 0
        assert time.monotonic() > began + 20  # it was not taken from a worker that may live
        assert db.execute("SELECT count(*) FROM procrastinate_workers").fetchone() == (1,)
