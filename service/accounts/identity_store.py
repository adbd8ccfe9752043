"""Identities and merges of accounts in the database: SQL only."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from service.storage.tables import AccountIdentity, AccountMerge, AccountRow

__all__ = [
    "add_identity",
    "add_merge",
    "end_merge",
    "find_identity",
    "find_merge",
    "list_identities",
    "list_merges",
    "merges_in_force",
    "remove_identity",
]


async def find_identity(connection: AsyncConnection, identity: tuple[str, str]) -> Row[Any] | None:
    """Return whose *identity* is: `account_id`, its `key`, and `stands` for it now."""
    system, external_id = identity
    statement = (
        select(
            AccountIdentity.account_id,
            AccountIdentity.created_at,
            AccountRow.key,
            func.coalesce(AccountRow.merged_into, AccountRow.id).label("stands"),
        )
        .join(AccountRow, AccountRow.id == AccountIdentity.account_id)
        .where(AccountIdentity.system == system, AccountIdentity.external_id == external_id)
    )
    row: Any = (await connection.execute(statement)).first()
    found: Row[Any] | None = row
    return found


async def add_identity(
    connection: AsyncConnection, identity: tuple[str, str], *, account_id: UUID, now: datetime
) -> bool:
    """Give an account an identity; False where somebody bears it already."""
    system, external_id = identity
    statement = (
        insert(AccountIdentity)
        .values(system=system, external_id=external_id, account_id=account_id, created_at=now)
        .on_conflict_do_nothing()
        .returning(AccountIdentity.account_id)
    )
    return (await connection.execute(statement)).first() is not None


async def remove_identity(connection: AsyncConnection, identity: tuple[str, str]) -> None:
    """Take an identity away from whoever bears it."""
    system, external_id = identity
    await connection.execute(
        delete(AccountIdentity).where(
            AccountIdentity.system == system, AccountIdentity.external_id == external_id
        )
    )


async def list_identities(connection: AsyncConnection, stands: UUID) -> Sequence[Row[Any]]:
    """Return the identities of an account and of those merged into it, by system and id."""
    statement = (
        select(
            AccountIdentity.system,
            AccountIdentity.external_id,
            AccountIdentity.created_at,
            AccountRow.key,
        )
        .join(AccountRow, AccountRow.id == AccountIdentity.account_id)
        .where(or_(AccountRow.id == stands, AccountRow.merged_into == stands))
        .order_by(AccountIdentity.system, AccountIdentity.external_id)
    )
    rows: Any = (await connection.execute(statement)).all()
    found: Sequence[Row[Any]] = rows
    return found


async def add_merge(connection: AsyncConnection, values: Mapping[str, object]) -> None:
    """Keep that two accounts are one company."""
    await connection.execute(insert(AccountMerge).values(**values))


async def end_merge(connection: AsyncConnection, merge_id: UUID, **values: object) -> bool:
    """Say that a merge was undone; False where it was already."""
    statement = (
        update(AccountMerge)
        .where(AccountMerge.id == merge_id, AccountMerge.undone_at.is_(None))
        .values(**values)
        .returning(AccountMerge.id)
    )
    return (await connection.execute(statement)).first() is not None


async def merges_in_force(
    connection: AsyncConnection, members: Sequence[UUID]
) -> Sequence[tuple[UUID, UUID]]:
    """Return which of *members* was merged into which, as it was said and still holds."""
    statement = select(AccountMerge.account_id, AccountMerge.into_id).where(
        AccountMerge.account_id.in_(members), AccountMerge.undone_at.is_(None)
    )
    return [(row.account_id, row.into_id) for row in await connection.execute(statement)]


async def find_merge(connection: AsyncConnection, merge_id: UUID) -> Row[Any] | None:
    """Return one merge with the keys of both accounts."""
    row: Row[Any] | None
    row = (await connection.execute(_merges().where(AccountMerge.id == merge_id))).first()
    return row


async def list_merges(
    connection: AsyncConnection, *, account_id: UUID | None, after: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Return up to *limit* merges, the newest first; those of an account, where one is given."""
    statement = _merges().order_by(AccountMerge.id.desc()).limit(limit)
    if account_id is not None:
        statement = statement.where(
            or_(AccountMerge.account_id == account_id, AccountMerge.into_id == account_id)
        )
    if after is not None:
        statement = statement.where(AccountMerge.id < after)
    rows: Any = (await connection.execute(statement)).all()
    found: Sequence[Row[Any]] = rows
    return found


def _merges() -> Select[Any]:
    into = aliased(AccountRow)
    return (
        select(
            AccountMerge.__table__,
            AccountRow.key.label("account_key"),
            into.key.label("into_key"),
        )
        .join(AccountRow, AccountRow.id == AccountMerge.account_id)
        .join(into, into.id == AccountMerge.into_id)
    )
