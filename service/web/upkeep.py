"""What a serving process does between requests: small, repeated, never in a request's way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import delete, func, select

from service.storage import (
    DatabaseNotMigrated,
    DatabaseUnavailable,
    count_jobs,
    ensure_partitions,
    transaction,
)
from service.storage.tables import IdempotencyRow
from service.web.crowd import Count, Total
from service.web.crowd_store import add_counts, forget_counts
from service.web.house import House
from service.web.journal import journal
from service.web.key_store import mark_used

__all__ = ["Chore", "begun_after", "chores_of", "do_once", "kept_up", "looked_after"]
__all__ += ["urgent_chores_of"]

_AGAIN_S: Final = 30.0
_AT_ONCE: Final = 1_000
_BETWEEN_S: Final = 0.05
_log = journal("upkeep")


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to do every so often."""

    name: str
    every_s: float
    work: Callable[[], Awaitable[None]]


def urgent_chores_of(house: House) -> tuple[Chore, ...]:
    """Return what this floor asks to be done before anybody is answered, and again later."""

    async def make_partitions() -> None:
        async with transaction(house.engine) as connection:
            await ensure_partitions(connection, ahead=house.settings.partitions_ahead)

    async def settle_counts() -> None:
        async def exchange(counts: Sequence[Count]) -> list[Total]:
            async with transaction(house.engine) as connection:
                return await add_counts(connection, counts)

        await house.crowd.settle(exchange)

    return (
        Chore("counts", 1.0, settle_counts),
        Chore("partitions", 24 * 3600.0, make_partitions),
    )


def chores_of(house: House) -> tuple[Chore, ...]:
    """Return what this floor asks to be done beside the answering."""

    async def note_key_use() -> None:
        used = house.keys.take_used()
        if used:
            async with transaction(house.engine) as connection:
                await mark_used(connection, used)

    async def forget_answers() -> None:
        is_more = True
        while is_more:
            is_more = await _forget_some_answers(house) == _AT_ONCE

    async def forget_counted() -> None:
        async with transaction(house.engine) as connection:
            await forget_counts(connection)

    return (
        Chore("key use", 60.0, note_key_use),
        Chore("counted", 60.0, forget_counted),
        Chore("idempotency", 3600.0, forget_answers),
        Chore("job counts", 15.0, partial(_measure_jobs, house)),
    )


@asynccontextmanager
async def kept_up(chores: tuple[Chore, ...]) -> AsyncIterator[None]:
    """Do each chore once now, then repeat them in the background until the block ends."""
    for chore in chores:
        await do_once(chore)
    tasks = [asyncio.create_task(_repeat(chore), name=chore.name) for chore in chores]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def begun_after(
    pause_s: float, work: Sequence[AbstractAsyncContextManager[None]]
) -> AsyncIterator[None]:
    """Run *work* beside the block until it ends, begun one by one after *pause_s*.

    All of it at once would take the processor from the first requests, which somebody waits
    for. Without a pause it has begun before the block does, and a bug in how it begins comes
    out here; later such a bug is told, and the rest begins.
    """

    async def begin_and_wait() -> None:
        await asyncio.sleep(pause_s)
        async with AsyncExitStack() as stack:
            for one in work:
                try:
                    await stack.enter_async_context(one)
                except Exception as error:  # noqa: BLE001 - the front door of this work
                    _log.error("work did not begin", kind=type(error).__qualname__)
                await asyncio.sleep(_BETWEEN_S)
            await asyncio.Event().wait()  # until we are told to end

    if not pause_s:
        async with AsyncExitStack() as stack:
            for one in work:
                await stack.enter_async_context(one)
            yield
        return
    task = asyncio.create_task(begin_and_wait(), name="beginning")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def looked_after(chore: Chore) -> AsyncIterator[None]:
    """Repeat a chore in the background until the block ends, the first time after its pause.

    A bug in it is told and must not end it.
    """

    async def again_and_again() -> None:
        while True:
            await asyncio.sleep(chore.every_s)
            try:
                await do_once(chore)
            except Exception as error:  # noqa: BLE001 - the front door of this work
                _log.error("chore failed", chore=chore.name, kind=type(error).__qualname__)

    task = asyncio.create_task(again_and_again(), name=chore.name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def do_once(chore: Chore) -> bool:
    """Do a chore; return whether it was done. A database that is away only delays it."""
    try:
        await chore.work()
    except (DatabaseUnavailable, DatabaseNotMigrated) as error:
        _log.warning("chore delayed", chore=chore.name, why=str(error))
        return False
    return True


async def _repeat(chore: Chore) -> None:
    is_done = True
    while True:
        await asyncio.sleep(chore.every_s if is_done else min(_AGAIN_S, chore.every_s))
        is_done = await do_once(chore)


async def _measure_jobs(house: House) -> None:
    """Count in the database what waits in the queue, for `/metrics`."""
    async with transaction(house.engine) as connection:
        counts = await count_jobs(connection)
    house.metrics.jobs.clear()
    house.metrics.jobs_oldest_s.clear()
    for one in counts:
        house.metrics.jobs_oldest_s.labels(one.job).set(one.oldest.total_seconds())
        for state in ("waiting", "later", "running", "failed"):
            house.metrics.jobs.labels(one.job, state).set(getattr(one, state))


async def _forget_some_answers(house: House) -> int:
    """Remove up to a batch of expired answers and return how many those were."""
    some = (
        select(IdempotencyRow.scope, IdempotencyRow.key_hash)
        .where(IdempotencyRow.expires_at <= func.now())
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
        .cte("some")
    )
    statement = delete(IdempotencyRow).where(
        IdempotencyRow.scope == some.c.scope, IdempotencyRow.key_hash == some.c.key_hash
    )
    async with transaction(house.engine) as connection:
        return (await connection.execute(statement)).rowcount
