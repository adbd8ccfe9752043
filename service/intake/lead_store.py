"""Of when the newest word on each lead was: SQL only."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage.tables import IntakeLead

__all__ = ["forget", "lock_newest", "set_newest"]


async def lock_newest(
    connection: AsyncConnection,
    connection_id: UUID,
    told: Mapping[str, tuple[datetime, UUID]],
    *,
    now: datetime,
) -> dict[str, datetime]:
    """Return of when the newest word on each lead was, by key, held until the transaction ends.

    *told* is the oldest word of now, and the decision on it: the newest where there was none.
    """
    if not told:
        return {}
    rows = [
        {
            "connection_id": connection_id,
            "key": key,
            "said_at": at,
            "decision_id": decision,
            "noted_at": now,
        }
        for key, (at, decision) in sorted(told.items())
    ]
    statement = insert(IntakeLead).values(rows)
    held = statement.on_conflict_do_update(
        index_elements=["connection_id", "key"], set_={"noted_at": now}
    )
    found = await connection.execute(held.returning(IntakeLead.key, IntakeLead.said_at))
    return {row.key: row.said_at for row in found}


async def set_newest(
    connection: AsyncConnection, connection_id: UUID, key: str, *, at: datetime, decision_id: UUID
) -> None:
    """Say that the newest word on a lead, which is held, is of *at*."""
    await connection.execute(
        update(IntakeLead)
        .where(IntakeLead.connection_id == connection_id, IntakeLead.key == key)
        .values(said_at=at, decision_id=decision_id)
    )


async def forget(connection: AsyncConnection, *, before: datetime, most: int) -> int:
    """Forget up to *most* leads of which nothing was heard since *before*; return how many."""
    place: Any = literal_column("ctid")
    some = select(place).select_from(IntakeLead.__table__).where(IntakeLead.noted_at < before)
    statement = delete(IntakeLead).where(place.in_(some.limit(most)))
    return (await connection.execute(statement)).rowcount
