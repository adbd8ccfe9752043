"""Statements and positions in the database: SQL only."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.portfolio.slicing import Slice
from service.storage import leases
from service.storage.tables import PositionRow, StatementRow

__all__ = ["find", "find_newest", "find_position", "in_slices", "list_of", "stream_positions"]

_AT_ONCE: Final = 1_000


async def find(connection: AsyncConnection, statement_id: UUID) -> Row[Any] | None:
    """Return a statement in whatever state."""
    return await leases.find_row(connection, StatementRow, statement_id)


async def find_newest(
    connection: AsyncConnection, rule_set: str, *, at: datetime | None
) -> Row[Any] | None:
    """Return the statement of *rule_set* that is done and the last one at or before *at*."""
    statement = select(StatementRow.__table__).where(
        StatementRow.rule_set == rule_set, StatementRow.state == "done"
    )
    if at is not None:
        statement = statement.where(StatementRow.at <= at)
    statement = statement.order_by(StatementRow.at.desc(), StatementRow.id.desc()).limit(1)
    row: Row[Any] | None = (await connection.execute(statement)).first()
    return row


async def list_of(
    connection: AsyncConnection, rule_set: str, *, before: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Return the statements of *rule_set* that were asked for before one, the newest first."""
    return await leases.list_rows(connection, StatementRow, rule_set, before=before, limit=limit)


async def find_position(
    connection: AsyncConnection, statement_id: UUID, account_id: UUID
) -> Row[Any] | None:
    """Return the position of one account in a statement."""
    statement = select(PositionRow.__table__).where(
        PositionRow.statement_id == statement_id, PositionRow.account_id == account_id
    )
    row: Row[Any] | None = (await connection.execute(statement)).first()
    return row


async def stream_positions(
    connection: AsyncConnection, statement_id: UUID, *, slices: Sequence[Slice]
) -> AsyncIterator[Row[Any]]:
    """Yield the positions of a statement that are in all *slices*, by account."""
    statement = (
        select(PositionRow.__table__)
        .where(PositionRow.statement_id == statement_id, *in_slices(slices))
        .order_by(PositionRow.account_id)
    )
    found = await connection.stream(statement, execution_options={"yield_per": _AT_ONCE})
    async for row in found:
        yield row


def in_slices(slices: Sequence[Slice]) -> list[ColumnElement[bool]]:
    """Return the conditions that a position is in all *slices*."""
    return [func.coalesce(PositionRow.slices[one.name].astext, "") == one.value for one in slices]
