"""How long vendors are left alone: SQL only."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage.tables import VendorPause

__all__ = ["find", "keep"]


async def find(connection: AsyncConnection, connection_id: UUID) -> Row[Any] | None:
    """Return the newest pause of a connection, which may be over."""
    statement = select(VendorPause.__table__).where(VendorPause.connection_id == connection_id)
    row: Any = (await connection.execute(statement)).first()
    found: Row[Any] | None = row
    return found


async def keep(
    connection: AsyncConnection,
    connection_id: UUID,
    *,
    resumes_at: datetime,
    why: str,
    is_usual: bool,
) -> None:
    """Begin a pause, unless a longer one is known."""
    values = {"resumes_at": resumes_at, "why": why, "is_usual": is_usual}
    statement = insert(VendorPause).values(connection_id=connection_id, **values)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["connection_id"],
            set_=values,
            where=VendorPause.resumes_at < resumes_at,
        )
    )
