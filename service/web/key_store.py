"""Keys in the database. SQL only; who may, and what it means, is said elsewhere."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage.tables import ApiKey, RuleSetRow
from service.web.caller import Caller, KeyKind, Scope

__all__ = [
    "add_key",
    "count_other_admins",
    "find_caller",
    "has_rule_set",
    "list_keys",
    "mark_used",
    "read_key",
    "revoke_key",
]

# Everything but the hash.
_SHOWN = [column for column in ApiKey.__table__.columns if column.name != "sha256"]


async def find_caller(connection: AsyncConnection, sha256: bytes) -> Caller | None:
    """Return whose key has this hash; None where it is unknown or revoked."""
    row = (
        await connection.execute(
            select(
                ApiKey.id,
                ApiKey.kind,
                ApiKey.prefix,
                ApiKey.person,
                ApiKey.scopes,
                ApiKey.rule_set,
                ApiKey.origins,
                ApiKey.expires_at,
            ).where(ApiKey.sha256 == sha256, ApiKey.revoked_at.is_(None))
        )
    ).first()
    if row is None:
        return None
    return Caller(
        key_id=row.id,
        kind=KeyKind(row.kind),
        prefix=row.prefix,
        person=row.person,
        scopes=frozenset(Scope(scope) for scope in row.scopes),
        rule_set=row.rule_set,
        origins=frozenset(row.origins),
        expires_at=row.expires_at,
    )


async def add_key(connection: AsyncConnection, values: Mapping[str, object]) -> None:
    """Insert one key, its columns as in *values*."""
    await connection.execute(insert(ApiKey).values(**values))


async def read_key(connection: AsyncConnection, key_id: UUID) -> Row[Any] | None:
    """Return one key without its hash, locked until the transaction ends."""
    statement = select(*_SHOWN).where(ApiKey.id == key_id).with_for_update()
    return (await connection.execute(statement)).first()


async def list_keys(
    connection: AsyncConnection, *, after: UUID | None, limit: int
) -> list[Row[Any]]:
    """Return up to *limit* keys without their hashes, the newest first."""
    statement = select(*_SHOWN).order_by(ApiKey.id.desc()).limit(limit)
    if after is not None:
        statement = statement.where(ApiKey.id < after)
    return list((await connection.execute(statement)).all())


async def revoke_key(connection: AsyncConnection, key_id: UUID, *, by: str) -> None:
    """Mark a key as revoked now, by the database's clock."""
    await connection.execute(
        update(ApiKey)
        .where(ApiKey.id == key_id)
        .values(revoked_at=func.clock_timestamp(), revoked_by=by)
    )


async def count_other_admins(connection: AsyncConnection, key_id: UUID) -> int:
    """Return how many valid admin keys there are beside *key_id*."""
    statement = select(func.count()).where(
        ApiKey.id != key_id,
        ApiKey.revoked_at.is_(None),
        ApiKey.scopes.contains([Scope.ADMIN]),
        (ApiKey.expires_at.is_(None)) | (ApiKey.expires_at > func.now()),
    )
    return int((await connection.execute(statement)).scalar_one())


async def has_rule_set(connection: AsyncConnection, slug: str) -> bool:
    """Return whether there is a rule set with this id."""
    statement = select(RuleSetRow.slug).where(RuleSetRow.slug == slug)
    return (await connection.execute(statement)).first() is not None


async def mark_used(connection: AsyncConnection, used: Mapping[UUID, datetime]) -> None:
    """Keep when keys were last used; never moves an instant back."""
    for key_id, at in sorted(used.items()):
        await connection.execute(
            update(ApiKey)
            .where(ApiKey.id == key_id)
            .where(ApiKey.last_used_at.is_(None) | (ApiKey.last_used_at < at))
            .values(last_used_at=at)
        )
