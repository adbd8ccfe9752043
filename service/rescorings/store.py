"""Rescorings in the database: SQL only. Leases run by the database's clock."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage import leases
from service.storage.tables import AccountRow, RescoringRow

__all__ = [
    "add",
    "allow_long",
    "change_state",
    "claim",
    "claim_next",
    "find",
    "find_newest",
    "find_open",
    "give_back",
    "has_accounts",
    "keep_position",
    "last_done_at",
    "list_of",
    "set_columns",
    "take_turn",
]

_TURN: Final = int.from_bytes(b"rescore")
"""The lock of whoever adds a rescoring or chooses the next one to work on."""


async def add(connection: AsyncConnection, values: Mapping[str, object]) -> None:
    """Insert a rescoring."""
    await connection.execute(insert(RescoringRow).values(**values))


async def find(connection: AsyncConnection, rescoring_id: UUID) -> Row[Any] | None:
    """Return a rescoring."""
    return await leases.find_row(connection, RescoringRow, rescoring_id)


async def list_of(
    connection: AsyncConnection, rule_set: str, *, before: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Return the rescorings of *rule_set* that were asked for before one, the newest first."""
    return await leases.list_rows(connection, RescoringRow, rule_set, before=before, limit=limit)


async def take_turn(connection: AsyncConnection) -> None:
    """Let nobody else add or choose a rescoring until the transaction ends."""
    await connection.execute(select(func.pg_advisory_xact_lock(_TURN)))


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


async def find_newest(connection: AsyncConnection, rule_set: str) -> Row[Any] | None:
    """Return the rescoring of *rule_set* that was asked for last, dry runs left out."""
    statement = (
        select(RescoringRow.__table__)
        .where(RescoringRow.rule_set == rule_set, RescoringRow.dry_run.is_(False))
        .order_by(RescoringRow.id.desc())
        .limit(1)
    )
    row: Row[Any] | None = (await connection.execute(statement)).first()
    return row


async def last_done_at(connection: AsyncConnection, rule_set: str) -> datetime | None:
    """Return the latest instant of which all accounts have been decided by *rule_set*."""
    statement = select(func.max(RescoringRow.at)).where(
        RescoringRow.rule_set == rule_set,
        RescoringRow.dry_run.is_(False),
        RescoringRow.state == "done",
    )
    at: datetime | None = (await connection.execute(statement)).scalar_one()
    return at


async def has_accounts(connection: AsyncConnection) -> bool:
    """Return whether there is any account to decide."""
    there = select(AccountRow.id).where(
        AccountRow.merged_into.is_(None), AccountRow.facts_erased_at.is_(None)
    )
    return (await connection.execute(there.limit(1))).first() is not None


async def claim(
    connection: AsyncConnection, rescoring_id: UUID, *, lease: timedelta
) -> Row[Any] | None:
    """Take the lease of a rescoring; None where somebody works on it, or it has ended."""
    return await leases.claim_row(connection, RescoringRow, lease=lease, only=rescoring_id)


async def claim_next(connection: AsyncConnection, *, lease: timedelta) -> Row[Any] | None:
    """Take the lease of the oldest rescoring that waits; None while any is worked on."""
    waiting = select(RescoringRow.id).where(RescoringRow.state.in_(leases.OPEN)).limit(1)
    if (await connection.execute(waiting)).first() is None:
        return None
    await take_turn(connection)
    held = waiting.where(RescoringRow.lease_until >= func.clock_timestamp())
    if (await connection.execute(held)).first() is not None:
        return None
    return await leases.claim_row(connection, RescoringRow, lease=lease)


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
