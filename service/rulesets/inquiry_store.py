"""Inquiries in the database: SQL only."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy.dialects.postgresql import insert as insert_or_not
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage import leases
from service.storage.tables import InquiryRow

__all__ = ["add", "claim", "count_open", "find", "find_asked", "list_of"]


async def find(connection: AsyncConnection, slug: str, inquiry_id: UUID) -> Row[Any] | None:
    """Return an inquiry about a rule set, in whatever state."""
    row = await leases.find_row(connection, InquiryRow, inquiry_id)
    return row if row is not None and row.rule_set == slug else None


async def find_asked(connection: AsyncConnection, slug: str, asked: bytes) -> Row[Any] | None:
    """Return the inquiry in which just this was asked, in whatever state."""
    query = select(InquiryRow.__table__).where(
        InquiryRow.rule_set == slug, InquiryRow.asked == asked
    )
    row: Row[Any] | None = (await connection.execute(query)).first()
    return row


async def count_open(connection: AsyncConnection, slug: str) -> int:
    """Return how many inquiries about a rule set have no answer yet."""
    query = select(func.count()).where(
        InquiryRow.rule_set == slug, InquiryRow.state.in_(leases.OPEN)
    )
    return (await connection.execute(query)).scalar_one()


async def add(connection: AsyncConnection, values: Mapping[str, object]) -> None:
    """Insert an inquiry, unless somebody has just asked the same."""
    query = insert_or_not(InquiryRow).values(**values).on_conflict_do_nothing()
    await connection.execute(query)


async def list_of(
    connection: AsyncConnection, slug: str, *, before: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Return the inquiries about a rule set, the newest first."""
    return await leases.list_rows(connection, InquiryRow, slug, before=before, limit=limit)


async def claim(connection: AsyncConnection, *, lease: timedelta) -> Row[Any] | None:
    """Take the lease of the oldest inquiry that nobody works on; None where none waits."""
    waiting = select(InquiryRow.id).where(InquiryRow.state.in_(leases.OPEN)).limit(1)
    if (await connection.execute(waiting)).first() is None:
        return None
    return await leases.claim_row(connection, InquiryRow, lease=lease)
