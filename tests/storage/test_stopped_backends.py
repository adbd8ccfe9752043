"""A backend that stops answering: ours give up in time, and no session is lost."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.storage import DatabaseUnavailable, SessionLimits, open_engine, transaction

pytestmark = pytest.mark.anyio


async def count_accounts(engine: AsyncEngine) -> int:
    """Return how many accounts are stored."""
    async with transaction(engine) as connection:
        found: int = (await connection.execute(text("SELECT count(*) FROM account"))).scalar_one()
        return found


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Freeze a backend, as a paused virtual machine or a dying disk does."""
    try:
        os.kill(pid, signal.SIGSTOP)
    except (ProcessLookupError, PermissionError):
        pytest.skip("the server's processes are not ours to stop")
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def backend_of(connection: AsyncConnection) -> int:
    """Return the process id of a session's backend."""
    return int((await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one())


async def test_a_backend_that_stops_in_a_transaction_costs_its_limit_and_no_session(
    database_url: str,
) -> None:
    """No timeout of the server's can fire; ours does, and the pool is whole afterwards."""
    limits = SessionLimits(pool_size=1, transaction=timedelta(seconds=0.5))
    engine = open_engine(database_url, limits=limits)
    clock = asyncio.get_running_loop().time
    began = clock()

    async def wait_for_a_stopped_backend() -> None:
        async with transaction(engine) as connection:
            with stopped(await backend_of(connection)):
                await connection.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnavailable):
        await wait_for_a_stopped_backend()
    assert clock() - began < 2
    assert await count_accounts(engine) == 0
    await engine.dispose()


async def test_a_backend_that_stops_in_the_pool_is_replaced(database_url: str) -> None:
    """The next request gets a session that answers, after half a second of silence."""
    engine = open_engine(database_url, limits=SessionLimits(pool_size=1))
    async with transaction(engine) as connection:
        pid = await backend_of(connection)
    with stopped(pid):
        began = asyncio.get_running_loop().time()
        assert await count_accounts(engine) == 0
        assert asyncio.get_running_loop().time() - began < 2.5
    await engine.dispose()


async def test_leaving_a_stopped_backend_does_not_hang_either(database_url: str) -> None:
    """A client that gives up first is let go at the transaction's limit at the latest."""
    limits = SessionLimits(pool_size=1, transaction=timedelta(seconds=1))
    engine = open_engine(database_url, limits=limits)
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def wait_for_ever() -> None:
        async with transaction(engine) as connection:
            started.set_result(await backend_of(connection))
            await connection.execute(text("SELECT pg_sleep(4)"))

    task = asyncio.create_task(wait_for_ever())
    pid = await started
    await asyncio.sleep(0.1)
    with stopped(pid):
        task.cancel()
        began = asyncio.get_running_loop().time()
        with pytest.raises((asyncio.CancelledError, DatabaseUnavailable)):
            await task
        assert asyncio.get_running_loop().time() - began < 2
    assert await count_accounts(engine) == 0
    await engine.dispose()
