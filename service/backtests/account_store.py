"""Accounts as backtests read them, in the database: SQL only."""

from typing import Any, TypeVar

from sqlalchemy import Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.backtests.store import MOST_COUNTED
from service.storage.tables import AccountRow

__all__ = ["count_accounts"]

_Wanted = TypeVar("_Wanted", bound=Select[*tuple[Any, ...]])


async def count_accounts(connection: AsyncConnection, row: Row[Any]) -> int | None:
    """Return how many accounts the window holds; None from a million on."""
    some = _window(select(AccountRow.id), row).limit(MOST_COUNTED).subquery()
    number: int = (await connection.execute(select(func.count()).select_from(some))).scalar_one()
    return number if number < MOST_COUNTED else None


def _window(statement: _Wanted, row: Row[Any]) -> _Wanted:
    """Narrow *statement* to accounts that last changed in the window; without one, to none.

    One that was merged into another is that other one.
    """
    statement = statement.where(AccountRow.merged_into.is_(None))
    if row.since is not None:
        statement = statement.where(AccountRow.updated_at >= row.since)
    if row.until < row.created_at:
        statement = statement.where(AccountRow.updated_at < row.until)
    return statement
