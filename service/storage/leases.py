"""Rows that are long work: whoever holds the lease works on one, by the database's clock.

A lease that ran out says that its holder is gone. The generation grows with every claim and
every change of state, so that whoever comes back late writes nothing more.

A table of such rows has the columns id, state, generation, attempts, lease_until, started_at,
and rule_set where it is listed.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage.refusals import DatabaseNotMigrated, DatabaseUnavailable

__all__ = ["ENDED", "OPEN", "change_state", "claim_row", "find_row", "is_held", "list_rows"]
__all__ += ["longer", "renewing", "set_columns"]

OPEN: Final = ("queued", "running")
ENDED: Final = frozenset({"done", "cancelled", "failed"})


async def find_row(connection: AsyncConnection, table: type[Any], row_id: UUID) -> Row[Any] | None:
    """Return a row in whatever state."""
    statement = select(table.__table__).where(table.id == row_id)
    row: Row[Any] | None = (await connection.execute(statement)).first()
    return row


async def list_rows(
    connection: AsyncConnection,
    table: type[Any],
    rule_set: str,
    *,
    before: UUID | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return the rows of *rule_set* that were asked for before one, the newest first."""
    statement = select(table.__table__).where(table.rule_set == rule_set)
    if before is not None:
        statement = statement.where(table.id < before)
    statement = statement.order_by(table.id.desc()).limit(limit)
    return (await connection.execute(statement)).all()


async def claim_row(
    connection: AsyncConnection, table: type[Any], *, lease: timedelta, only: UUID | None = None
) -> Row[Any] | None:
    """Take the lease of the oldest row that nobody works on, or of *only*; return it whole."""
    now = func.clock_timestamp()
    is_free = or_(table.lease_until.is_(None), table.lease_until < now)
    waiting = select(table.id).where(table.state.in_(OPEN), is_free)
    if only is not None:
        waiting = waiting.where(table.id == only)
    first = waiting.order_by(table.id).limit(1).with_for_update(skip_locked=True)
    statement = (
        update(table)
        .where(table.id == first.scalar_subquery())
        .values(
            state="running",
            generation=table.generation + 1,
            attempts=table.attempts + 1,
            lease_until=now + lease,
            started_at=func.coalesce(table.started_at, now),
        )
        .returning(table.__table__)
    )
    row: Row[Any] | None = (await connection.execute(statement)).first()
    return row


async def set_columns(
    connection: AsyncConnection, table: type[Any], row: Row[Any], **values: object
) -> bool:
    """Set columns of a claimed row; return whether the claim still holds."""
    statement = update(table).where(is_held(table, row)).values(**values).returning(table.id)
    return (await connection.execute(statement)).first() is not None


async def change_state(
    connection: AsyncConnection,
    table: type[Any],
    row_id: UUID,
    *,
    of: Sequence[str],
    to: Mapping[str, object],
) -> bool:
    """Set columns of a row in one of the states *of*; return whether it was in one."""
    statement = (
        update(table)
        .where(table.id == row_id, table.state.in_(of))
        .values(lease_until=None, generation=table.generation + 1, **to)
        .returning(table.id)
    )
    return (await connection.execute(statement)).first() is not None


def is_held(table: type[Any], row: Row[Any]) -> Any:  # noqa: ANN401 - SQLAlchemy's own word for a condition
    """Return the condition that *row* is still ours."""
    return and_(table.id == row.id, table.generation == row.generation, table.state == "running")


def longer(lease: timedelta) -> Any:  # noqa: ANN401 - SQLAlchemy's own word for an expression
    """Return until when a lease runs that is taken or renewed now."""
    return func.clock_timestamp() + lease


@asynccontextmanager
async def renewing(
    renew: Callable[[], Awaitable[object]], *, lease: timedelta
) -> AsyncIterator[None]:
    """Call *renew* three times a lease for the block: one piece of the work may take its time.

    A database that is away is asked again; whatever else *renew* raises ends the renewing, and
    the work finds out when it writes.
    """

    async def again_and_again() -> None:
        while True:
            await asyncio.sleep(lease.total_seconds() / 3)
            with suppress(DatabaseUnavailable, DatabaseNotMigrated):
                await renew()

    task = asyncio.create_task(again_and_again(), name="lease")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
