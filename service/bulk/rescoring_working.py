"""Work on a rescoring that was claimed, to its end or until something stops it."""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from service.bulk.rescoring import work_on
from service.bulk.rescoring_terms import Rescoring, Tell
from service.decisions import read_suspensions
from service.rescorings import RescoringTally, store
from service.rules.sql import Untranslatable
from service.rulesets import Running
from service.storage import (
    DatabaseNotMigrated,
    DatabaseUnavailable,
    SessionLimits,
    connect_raw,
    transaction,
)

__all__ = ["LIMITS", "carry_out", "fail", "reading", "rescoring_of"]

LIMITS: Final = SessionLimits(
    statement=timedelta(minutes=2),
    idle_in_transaction=timedelta(minutes=2),
    transaction=timedelta(minutes=1),
)
"""Of sessions that read and write thousands of accounts at once."""
_WAYS_THROUGH_ALL: Final = (
    b"enable_seqscan", b"enable_bitmapscan", b"enable_hashjoin", b"enable_mergejoin", b"jit",
)  # fmt: skip


async def carry_out(
    row: Row[Any],
    running: Running,
    *,
    engine: AsyncEngine,
    url: str,
    clock: Callable[[], datetime],
    tell: Tell,
) -> RescoringTally:
    """Work on *row*, which is ours, and let go of it whatever happens.

    Raises:
        TakenAway: If somebody cancelled it or has it now.
        EnginesDisagree, Untranslatable: If it failed; it says so itself then.
    """
    tell(row.done, row.total)
    try:
        async with reading(url) as reader:
            return await work_on(
                row,
                await rescoring_of(running, at=row.at, engine=engine),
                engine=engine,
                reader=reader,
                randomness=secrets.token_bytes,
                clock=clock,
                tell=tell,
            )
    except Untranslatable as error:
        await fail(row, str(error), engine=engine, at=clock())
        raise
    except BaseException:
        with suppress(DatabaseUnavailable, DatabaseNotMigrated):
            async with transaction(engine) as connection:
                await store.give_back(connection, row)
        raise


async def fail(row: Row[Any], words: str, *, engine: AsyncEngine, at: datetime) -> None:
    """Say of a claimed rescoring why it failed."""
    async with transaction(engine) as connection:
        await store.set_columns(
            connection, row, state="failed", failure=words, lease_until=None, finished_at=at
        )


@asynccontextmanager
async def reading(url: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """Give a connection of its own to read accounts with, piece by piece.

    Its plans are those of a piece, whatever the server knows of the tables. Just after an import,
    and while the first rescoring writes, it takes them for empty; it would sort all accounts for
    each piece, or go through all decisions for each account.
    """
    reader = await connect_raw(url, limits=LIMITS)
    try:
        for way in _WAYS_THROUGH_ALL:
            await reader.execute(b"SET %b = off" % way)
        yield reader
    finally:
        await reader.close()


async def rescoring_of(running: Running, *, at: datetime, engine: AsyncEngine) -> Rescoring:
    """Return what is to be rescored, with what is suspended at that instant."""
    async with transaction(engine) as connection:
        suspensions = await read_suspensions(connection, running.slug, at=at)
    return Rescoring(
        rule_set=running.slug,
        version=running.version,
        rules=running.rules,
        at=at,
        suspensions=suspensions,
    )
