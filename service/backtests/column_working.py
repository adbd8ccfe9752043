"""Work on a claimed backtest by columns, in a process that has the libraries for it loaded.

Three things go on at once: the database reads a piece, the one before it is decided, and of the
one before that what flips is explained and kept.
"""

import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import anyio
import anyio.to_thread
import psycopg
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from service.backtests.chunking import Bench
from service.backtests.column_chunking import PieceWalk
from service.backtests.column_judging import ColumnBench
from service.backtests.keeping import Keeper, TakenAway
from service.backtests.reading import read_past
from service.backtests.working import Pace, position_of, work_by_rows
from service.bulk.ahead import one_ahead
from service.bulk.sampling import EnginesDisagree
from service.rules.sql import Untranslatable
from service.rulesets import LiveRules
from service.storage import (
    RANDOM_BYTES,
    DatabaseNotMigrated,
    DatabaseUnavailable,
    leases,
    make_uuid,
)

__all__ = ["PIECES", "carry_out"]

PIECES: Final = Pace(rows=20_000, lease=timedelta(seconds=30))


@dataclass(frozen=True, slots=True)
class _Work:
    """What goes through the work on one backtest."""

    keeper: Keeper
    bench: Bench
    live: LiveRules
    pace: Pace
    timer: Callable[[], float]


async def carry_out(
    row: Row[Any],
    live: LiveRules,
    *,
    engine: AsyncEngine,
    clock: Callable[[], datetime],
    timer: Callable[[], float],
    pace: Pace = PIECES,
) -> None:
    """Work on *row*, which is ours, and let go of it whatever happens.

    Rules that DuckDB cannot mean are decided row by row. *timer* is a monotonic clock in seconds.

    Raises:
        TakenAway: If somebody cancelled it or has it now.
        EnginesDisagree: If the evaluator decides a row otherwise; the backtest says so itself.
        DatabaseUnavailable, DatabaseNotMigrated: As any transaction.
    """
    keeper = Keeper(
        row=row,
        engine=engine,
        clock=clock,
        new_uuid=lambda at: make_uuid(at, secrets.token_bytes(RANDOM_BYTES)),
        lease=pace.lease,
    )
    try:
        async with leases.renewing(keeper.renew, lease=pace.lease):
            await keeper.count()
            base = await live.version(row.rule_set, row.base_version)
            bench = await anyio.to_thread.run_sync(Bench.of, row.document, base.rules)
            await _work(_Work(keeper, bench, live, pace, timer))
    except (TakenAway, DatabaseUnavailable, DatabaseNotMigrated, psycopg.Error):
        raise
    except EnginesDisagree as error:
        await keeper.fail(str(error))
        raise
    # Whatever it is, whoever asked has to hear that it failed, and our starter what failed.
    except Exception:
        await keeper.fail("something went wrong on our side")
        raise
    finally:
        with suppress(DatabaseUnavailable, DatabaseNotMigrated):
            await keeper.give_back()


async def _work(work: _Work) -> None:
    keeper, bench = work.keeper, work.bench
    row = keeper.row
    at = row.created_at if row.against == "accounts" else None
    try:
        columns = await anyio.to_thread.run_sync(lambda: ColumnBench.of(bench, at=at))
    except Untranslatable:
        await work_by_rows(
            keeper,
            bench,
            live=work.live,
            pace=Pace(lease=work.pace.lease),
            timer=work.timer,
            turn=anyio.CapacityLimiter(1),
        )
        return
    tally = await keeper.begin(bench)
    done: int = row.done
    try:
        async with aclosing(one_ahead(_walks(work, columns))) as walks:
            async for walk in walks:
                while not walk.is_over:
                    chunk = await anyio.to_thread.run_sync(
                        lambda walk=walk: walk.judge_chunk(  # type: ignore[misc]  # binds now
                            tally, within_s=work.pace.chunk_s, timer=work.timer
                        )
                    )
                    done += chunk.judged
                    await keeper.keep(chunk, tally=tally, done=done)
    finally:
        # A piece ahead may still be under way: its thread hears of no cancelling.
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(columns.close)
    await keeper.finish(bench, tally=tally)


async def _walks(work: _Work, columns: ColumnBench) -> AsyncGenerator[PieceWalk, None]:
    """Give the pieces that are left, each decided by columns."""
    row = work.keeper.row

    async def read(after: Any) -> Any:  # noqa: ANN401
        return await read_past(
            work.keeper.engine,
            row,
            after=after,
            limit=work.pace.rows,
            bench=work.bench,
            live=work.live,
        )

    number, past = 0, await read(position_of(row))
    while len(past.ids):
        judged = await anyio.to_thread.run_sync(columns.decide, number, past)
        yield PieceWalk(judged, work.bench.undoing)
        past = await read(past.position(len(past.ids) - 1))
        number += 1
