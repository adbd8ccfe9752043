"""Work backtests off beside the requests: a chunk at a time, each kept whole or not at all.

Whoever takes a backtest up holds a lease by the database's clock. A process that dies
leaves the lease to run out; the next one goes on after the last chunk that was kept.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import anyio
import anyio.to_thread
from sqlalchemy import Row, func

from service.backtests import store
from service.backtests.chunking import Bench, Chunk, judge_chunk, revenue_of
from service.backtests.proving import evidence_of
from service.backtests.reading import count_cases, read_cases
from service.backtests.replaying import Case
from service.backtests.tallying import Tally
from service.delivery import Announcement, EventType, announce
from service.rulesets import LiveRules, attach_evidence
from service.storage import DatabaseNotMigrated, DatabaseUnavailable, to_text, transaction
from service.web import House, journal

__all__ = ["Pace", "Workshop", "work_on_next", "working"]

_LOOK_AGAIN_S: Final = 1.0
_log = journal("backtests")
_LONG: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much is done between two looks at the lease.

    A chunk ends after *rows* decisions, or with the first one past *chunk_s*. A backtest
    that was taken up *attempts* times without finishing a chunk has failed.
    """

    rows: int = 500
    chunk_s: float = 1.0
    lease: timedelta = timedelta(seconds=30)
    attempts: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What the work needs of one process. *timer* is a monotonic clock in seconds."""

    house: House
    live: LiveRules
    timer: Callable[[], float]
    pace: Pace = Pace()
    # One at a time in a process: the requests beside it keep most of the processor.
    turn: anyio.CapacityLimiter


class _TakenAway(Exception):
    """The backtest was cancelled, or another process has it now."""


@asynccontextmanager
async def working(
    house: House, live: LiveRules, *, timer: Callable[[], float]
) -> AsyncIterator[None]:
    """Work on whatever backtests wait until the block ends."""
    shop = Workshop(house=house, live=live, timer=timer, turn=anyio.CapacityLimiter(1))
    task = asyncio.create_task(_work_for_ever(shop), name="backtests")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def work_on_next(shop: Workshop) -> bool:
    """Take up the oldest backtest that nobody works on; return whether there was one.

    It is worked on until it is done, or cancelled, or somebody else has it.

    Raises:
        DatabaseUnavailable, DatabaseNotMigrated: As any transaction; the lease runs out and
            the work goes on from there.
    """
    engine = shop.house.engine
    async with transaction(engine) as connection:
        row = await store.claim_waiting(connection, lease=shop.pace.lease)
    if row is None:
        return False
    if row.attempts > shop.pace.attempts:
        await _fail(shop, row, "the work stopped too often at the same place")
        return True
    try:
        async with _renewing(shop, row):
            await _work(shop, row)
    except _TakenAway:
        pass
    except asyncio.CancelledError:
        with suppress(DatabaseUnavailable, DatabaseNotMigrated):
            async with transaction(engine) as connection:
                await store.give_back(connection, row)
        raise
    except (DatabaseUnavailable, DatabaseNotMigrated):
        raise
    except Exception as error:  # noqa: BLE001 - the front door of this work: one job's bug stops that job
        _log.error("backtest failed", kind=type(error).__qualname__)
        await _fail(shop, row, "something went wrong on our side")
    return True


async def _work_for_ever(shop: Workshop) -> None:
    while True:
        was_one = False
        try:
            was_one = await work_on_next(shop)
        except (DatabaseUnavailable, DatabaseNotMigrated) as error:
            _log.warning("backtests delayed", why=str(error))
        if not was_one:
            await asyncio.sleep(_LOOK_AGAIN_S)


async def _work(shop: Workshop, row: Row[Any]) -> None:
    """Fetch, judge, keep; until nothing is left, then tell."""
    base = await shop.live.version(row.rule_set, row.base_version)
    bench = await anyio.to_thread.run_sync(Bench.of, row.document, base.rules, limiter=shop.turn)
    tally = await _begun(shop, row, bench)
    done: int = row.done
    position = None if row.position_at is None else (row.position_at, row.position_id)
    while cases := await _next_cases(shop, row, bench, after=position):
        chunk = await anyio.to_thread.run_sync(
            lambda cases=cases: judge_chunk(  # type: ignore[misc]  # a default that binds now
                cases, bench, tally, within_s=shop.pace.chunk_s, timer=shop.timer
            ),
            limiter=shop.turn,
        )
        done += chunk.judged
        position = chunk.position
        await _keep(shop, row, chunk, tally=tally, done=done)
    await _finish(shop, row, bench, tally=tally)


async def _begun(shop: Workshop, row: Row[Any], bench: Bench) -> Tally:
    """Return what was counted so far; at the very beginning, say how much there is to do."""
    if row.tally is not None:
        return Tally.from_json(row.tally)
    tally = Tally.begin(bench.widths)
    async with transaction(shop.house.engine) as connection:
        total = await count_cases(connection, row)
        is_ours = await store.set_columns(
            connection, row, total=total, edits=bench.edits_shown, tally=tally.to_json()
        )
    if not is_ours:
        raise _TakenAway
    return tally


async def _next_cases(
    shop: Workshop, row: Row[Any], bench: Bench, *, after: store.Position | None
) -> list[Case]:
    return await read_cases(
        shop.house.engine,
        row,
        after=after,
        limit=shop.pace.rows,
        bench=bench,
        live=shop.live,
        turn=shop.turn,
    )


async def _keep(shop: Workshop, row: Row[Any], chunk: Chunk, *, tally: Tally, done: int) -> None:
    async with transaction(shop.house.engine) as connection:
        is_ours = await store.keep_chunk(
            connection,
            row,
            position=chunk.position,
            done=done,
            tally=tally.to_json(),
            lease=shop.pace.lease,
        )
        if not is_ours:
            raise _TakenAway
        await store.add_flips(connection, [{"backtest_id": row.id, **flip} for flip in chunk.flips])


async def _finish(shop: Workshop, row: Row[Any], bench: Bench, *, tally: Tally) -> None:
    """Say that a backtest is done, and in the same transaction what it found of its digest."""
    at = shop.house.clock()
    async with transaction(shop.house.engine, within=_LONG) as connection:
        touched = None
        if row.revenue is not None:
            movements = await store.read_revenue(connection, row.id, revenue=row.revenue)
            touched = revenue_of(movements, row.revenue, bench)
        is_ours = await store.set_columns(
            connection,
            row,
            state="done",
            lease_until=None,
            finished_at=at,
            revenue_touched=touched,
        )
        if not is_ours:
            raise _TakenAway
        reaches_back = await store.reaches_back(connection, row)
        evidence = evidence_of(row, bench, tally=tally, touched=touched, reaches_back=reaches_back)
        await attach_evidence(connection, evidence, at=at, new_uuid=shop.house.new_uuid)
        await announce(connection, _announced(row, state="done", at=at))


async def _fail(shop: Workshop, row: Row[Any], words: str) -> None:
    at = shop.house.clock()
    async with transaction(shop.house.engine) as connection:
        is_ours = await store.set_columns(
            connection, row, state="failed", failure=words, lease_until=None, finished_at=at
        )
        if is_ours:
            await announce(connection, _announced(row, state="failed", at=at))


def _announced(row: Row[Any], *, state: str, at: datetime) -> Announcement:
    told = {"backtest": to_text("bt", row.id), "rule_set": row.rule_set, "state": state}
    # With the attempt: one that was resumed ends once more.
    cause = UUID(int=row.id.int ^ row.generation)
    return Announcement.caused_by(cause, EventType.BACKTEST_FINISHED, at=at, data=told)


@asynccontextmanager
async def _renewing(shop: Workshop, row: Row[Any]) -> AsyncIterator[None]:
    """Renew the lease of a claimed backtest for the block: one chunk may take its time."""

    async def renew() -> None:
        is_ours = True
        while is_ours:
            await asyncio.sleep(shop.pace.lease.total_seconds() / 3)
            with suppress(DatabaseUnavailable, DatabaseNotMigrated):
                async with transaction(shop.house.engine) as connection:
                    until = func.clock_timestamp() + shop.pace.lease
                    is_ours = await store.set_columns(connection, row, lease_until=until)

    task = asyncio.create_task(renew(), name="backtest lease")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
