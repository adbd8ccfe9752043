"""Connections in the database: SQL only."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Select, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage.tables import ConnectionRow

__all__ = [
    "add",
    "change",
    "end_trouble",
    "find",
    "find_named",
    "list_all",
    "note_received",
    "note_refused",
    "note_trouble",
    "remove",
]

_NOTED_EVERY: Final = timedelta(seconds=30)


async def add(connection: AsyncConnection, values: Mapping[str, object]) -> bool:
    """Insert a connection; False where another has its name."""
    statement = insert(ConnectionRow).values(**values).on_conflict_do_nothing()
    return (await connection.execute(statement.returning(ConnectionRow.id))).first() is not None


async def find(
    connection: AsyncConnection, connection_id: UUID, *, locked: bool = False
) -> Row[Any] | None:
    """Return a connection, held until the transaction ends where it is to be *locked*.

    What is held can still be referred to: a delivery that comes meanwhile does not wait.
    """
    statement = select(ConnectionRow.__table__).where(ConnectionRow.id == connection_id)
    row: Any = (await connection.execute(_held(statement) if locked else statement)).first()
    found: Row[Any] | None = row
    return found


async def find_named(
    connection: AsyncConnection, name: str, *, locked: bool = False
) -> Row[Any] | None:
    """Return the connection of a name, held until the transaction ends where asked."""
    statement = select(ConnectionRow.__table__).where(ConnectionRow.name == name)
    row: Any = (await connection.execute(_held(statement) if locked else statement)).first()
    found: Row[Any] | None = row
    return found


async def list_all(
    connection: AsyncConnection, *, before: UUID | None = None, limit: int | None = None
) -> Sequence[Row[Any]]:
    """Return connections, the newest first."""
    statement = select(ConnectionRow.__table__).order_by(ConnectionRow.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(ConnectionRow.id < before)
    rows: Any = (await connection.execute(statement)).all()
    found: Sequence[Row[Any]] = rows
    return found


async def change(connection: AsyncConnection, connection_id: UUID, **values: object) -> None:
    """Set columns of a connection, which is locked, and make it a newer version of itself."""
    await connection.execute(
        update(ConnectionRow)
        .where(ConnectionRow.id == connection_id)
        .values(row_version=ConnectionRow.row_version + 1, **values)
    )


async def remove(connection: AsyncConnection, connection_id: UUID) -> bool:
    """Remove a connection with everything it sent; False where there is none."""
    statement = delete(ConnectionRow).where(ConnectionRow.id == connection_id)
    return (await connection.execute(statement.returning(ConnectionRow.id))).first() is not None


async def note_received(connection: AsyncConnection, connection_id: UUID, *, at: datetime) -> None:
    """Remember that something came; twice a minute is enough to know that it lives."""
    await _note(connection, connection_id, "last_received_at", at, {})


async def note_refused(
    connection: AsyncConnection, connection_id: UUID, *, at: datetime, why: str
) -> None:
    """Remember why a delivery proved nothing; a stranger's thousandth costs no write."""
    await _note(connection, connection_id, "last_refused_at", at, {"last_refused_why": why})


async def note_trouble(
    connection: AsyncConnection, connection_id: UUID, *, at: datetime, why: str
) -> bool:
    """Say that a connection does not work as it should; return whether that is new."""
    statement = (
        update(ConnectionRow)
        .where(ConnectionRow.id == connection_id, ConnectionRow.degraded_at.is_(None))
        .values(degraded_at=at, degraded_why=why)
        .returning(ConnectionRow.id)
    )
    return (await connection.execute(statement)).first() is not None


async def end_trouble(connection: AsyncConnection, connection_id: UUID) -> None:
    """Say that a connection works again."""
    await connection.execute(
        update(ConnectionRow)
        .where(ConnectionRow.id == connection_id, ConnectionRow.degraded_at.is_not(None))
        .values(degraded_at=None, degraded_why=None)
    )


def _held(statement: Select[Any]) -> Select[Any]:
    return statement.with_for_update(key_share=True)


async def _note(
    connection: AsyncConnection,
    connection_id: UUID,
    column: str,
    at: datetime,
    values: Mapping[str, object],
) -> None:
    noted = getattr(ConnectionRow, column)
    is_old = or_(noted.is_(None), noted < func.clock_timestamp() - _NOTED_EVERY)
    # Who edits the connection may hold it for a while; a vendor is not kept waiting for that.
    free = (
        select(ConnectionRow.id)
        .where(ConnectionRow.id == connection_id, is_old)
        .with_for_update(key_share=True, skip_locked=True)
    )
    await connection.execute(
        update(ConnectionRow)
        .where(ConnectionRow.id == free.scalar_subquery())
        .values({column: at, **values})
    )
