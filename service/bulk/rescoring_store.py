"""Rescorings in the database: SQL only. Leases run by the database's clock."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage import leases
from service.storage.tables import RescoringRow

__all__ = [
    "add",
    "allow_long",
    "change_state",
    "claim",
    "find",
    "find_open",
    "give_back",
    "keep_position",
]
__all__ += ["set_columns"]


async def add(connection: AsyncConnection, values: Mapping[str, object]) -> None:
    """Insert a rescoring."""
    await connection.execute(insert(RescoringRow).values(**values))


async def find(connection: AsyncConnection, rescoring_id: UUID) -> Row[Any] | None:
    """Return a rescoring."""
    statement = select(RescoringRow.__table__).where(RescoringRow.id == rescoring_id)
    row: Row[Any] | None = (await connection.execute(statement)).first()
    return row


async def find_open(connection: AsyncConnection, rule_set: str) -> Row[Any] | None:
    """Return the oldest rescoring of *rule_set* that has not ended."""
    statement = (
        select(RescoringRow.__table__)
        .where(RescoringRow.rule_set == rule_set, RescoringRow.state.in_(leases.OPEN))
        .order_by(RescoringRow.id)
        .limit(1)
    )
    row: Row[Any] | None = (await connection.execute(statement)).first()
    return row


async def claim(
    connection: AsyncConnection, rescoring_id: UUID, *, lease: timedelta
) -> Row[Any] | None:
    """Take the lease of a rescoring; None where somebody works on it, or it has ended."""
    return await leases.claim_row(connection, RescoringRow, lease=lease, only=rescoring_id)


async def set_columns(connection: AsyncConnection, row: Row[Any], **values: object) -> bool:
    """Set columns of a claimed rescoring; return whether the claim still holds."""
    return await leases.set_columns(connection, RescoringRow, row, **values)


async def change_state(
    connection: AsyncConnection, rescoring_id: UUID, *, to: Mapping[str, object]
) -> bool:
    """Set columns of a rescoring that has not ended; return whether it had not."""
    return await leases.change_state(connection, RescoringRow, rescoring_id, of=leases.OPEN, to=to)


async def give_back(connection: AsyncConnection, row: Row[Any]) -> None:
    """Let go of a claimed rescoring, so that another may go on with it at once."""
    await set_columns(connection, row, lease_until=None)


async def allow_long(connection: AsyncConnection) -> None:
    """Let the statements of this transaction take longer than an answer to a request may."""
    await connection.execute(text("SET LOCAL statement_timeout = '60s'"))


async def keep_position(
    connection: AsyncConnection,
    row: Row[Any],
    *,
    position: UUID,
    done: int,
    tally: Mapping[str, object],
    lease: timedelta,
) -> bool:
    """Keep how far a claimed rescoring is, and renew its lease; false if the claim was lost."""
    return await set_columns(
        connection,
        row,
        position=position,
        done=done,
        tally=tally,
        attempts=0,
        lease_until=func.clock_timestamp() + lease,
    )
