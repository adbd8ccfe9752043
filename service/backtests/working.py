"""Work backtests off: small ones beside the requests, large ones in a process of their own.

Whoever takes a backtest up holds a lease by the database's clock. A process that dies
leaves the lease to run out; the next one goes on after the last chunk that was kept.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final

import anyio
import anyio.to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.backtests import store
from service.backtests.chunking import Bench, judge_chunk
from service.backtests.keeping import Keeper, TakenAway
from service.backtests.reading import read_cases
from service.backtests.replaying import Case
from service.rulesets import LiveRules
from service.storage import DatabaseNotMigrated, DatabaseUnavailable, leases, transaction
from service.storage.tables import BacktestRow
from service.web import LEASE, Errand, House, journal, run_claimed, stack_of

__all__ = ["Pace", "Workshop", "position_of", "work_by_rows", "work_on_next", "working"]

_log = journal("backtests")


async def _claim_next(connection: AsyncConnection) -> Row[Any] | None:
    return await store.claim_waiting(connection, lease=LEASE)


_BY_COLUMNS: Final = Errand(name="backtest", prefix="bt", table=BacktestRow, claim_next=_claim_next)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much is done between two looks at the lease.

    A chunk ends after *rows* decisions, or with the first one past *chunk_s*. A backtest
    that was taken up *attempts* times without finishing a chunk has failed. One with more than
    *beside* decisions left is for a process that decides by columns: to start it takes longer
    than to decide so few.
    """

    rows: int = 500
    chunk_s: float = 1.0
    lease: timedelta = timedelta(seconds=30)
    attempts: int = 5
    beside: int = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What the work needs of one process. *timer* is a monotonic clock in seconds."""

    house: House
    live: LiveRules
    timer: Callable[[], float]
    pace: Pace = Pace()
    # One at a time in a process: the requests beside it keep most of the processor.
    turn: anyio.CapacityLimiter


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
    house = shop.house
    async with transaction(house.engine) as connection:
        row = await store.claim_waiting(connection, lease=shop.pace.lease)
    if row is None:
        return False
    keeper = Keeper(
        row=row,
        engine=house.engine,
        clock=house.clock,
        new_uuid=house.new_uuid,
        lease=shop.pace.lease,
    )
    if row.attempts > shop.pace.attempts:
        await keeper.fail("the work stopped too often at the same place")
        return True
    try:
        async with leases.renewing(keeper.renew, lease=shop.pace.lease):
            total = await keeper.count()
            if total is None or total - row.done > shop.pace.beside:
                return await run_claimed(house, _BY_COLUMNS, row)
            await _work(shop, keeper)
    except TakenAway:
        pass
    except asyncio.CancelledError:
        with suppress(DatabaseUnavailable, DatabaseNotMigrated):
            await keeper.give_back()
        raise
    except (DatabaseUnavailable, DatabaseNotMigrated):
        raise
    except Exception as error:  # noqa: BLE001 - the front door of this work: one job's bug stops that job
        _log.error("backtest failed", kind=type(error).__qualname__, where=stack_of(error))
        await keeper.fail("something went wrong on our side")
    return True


async def _work_for_ever(shop: Workshop) -> None:
    while True:
        was_one = False
        try:
            was_one = await work_on_next(shop)
        except (DatabaseUnavailable, DatabaseNotMigrated) as error:
            _log.warning("backtests delayed", why=str(error))
        if not was_one:
            await shop.house.pulse.until_open(BacktestRow)


async def _work(shop: Workshop, keeper: Keeper) -> None:
    row = keeper.row
    base = await shop.live.version(row.rule_set, row.base_version)
    bench = await anyio.to_thread.run_sync(Bench.of, row.document, base.rules, limiter=shop.turn)
    await work_by_rows(
        keeper, bench, live=shop.live, pace=shop.pace, timer=shop.timer, turn=shop.turn
    )


async def work_by_rows(
    keeper: Keeper,
    bench: Bench,
    *,
    live: LiveRules,
    pace: Pace,
    timer: Callable[[], float],
    turn: anyio.CapacityLimiter,
) -> None:
    """Fetch, judge, keep; until nothing is left, then tell. The evaluator decides every row.

    Raises:
        TakenAway: If the claim was lost.
    """
    row, tally = keeper.row, await keeper.begin(bench)
    done: int = row.done

    async def following(after: store.Position | None) -> list[Case]:
        return await read_cases(
            keeper.engine, row, after=after, limit=pace.rows, bench=bench, live=live, turn=turn
        )

    cases = await following(position_of(row))
    while cases:
        judge = partial(judge_chunk, within_s=pace.chunk_s, timer=timer)
        chunk = await anyio.to_thread.run_sync(judge, cases, bench, tally, limiter=turn)
        done += chunk.judged
        await keeper.keep(chunk, tally=tally, done=done)
        cases = await following(chunk.position)
    await keeper.finish(bench, tally=tally)


def position_of(row: Row[Any]) -> store.Position | None:
    """Return up to where a backtest has come; None at its beginning."""
    return None if row.position_at is None else (row.position_at, row.position_id)
