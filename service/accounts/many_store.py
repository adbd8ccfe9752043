"""Many accounts at once in the database: SQL only."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import func, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts.store import SHOWN, Account, account_of
from service.storage.tables import AccountIdentity, AccountRow

__all__ = [
    "add_accounts",
    "add_identities",
    "change_accounts",
    "find_bearers",
    "find_keys",
    "lock_singles",
    "take_turns",
]

# Any number that no other lock has: "manyacct" in ASCII.
_MANY: Final = int.from_bytes(b"manyacct", "big")
_GIVEN: Final = """
    unnest(
        CAST(:ids AS uuid[]), CAST(:keys AS text[]), CAST(:facts AS text[]),
        CAST(:provenance AS text[]), CAST(:versions AS int[]), CAST(:times AS timestamptz[])
    ) AS given (id, key, facts, provenance, row_version, updated_at)
"""
_ADD: Final = text(f"""
    INSERT INTO account (id, key, facts, provenance, row_version, created_at, updated_at)
    SELECT id, key, CAST(facts AS jsonb), CAST(provenance AS jsonb), 1, updated_at, updated_at
    FROM {_GIVEN} ORDER BY key
    ON CONFLICT (key) DO NOTHING RETURNING key
""")  # noqa: S608 - a text of ours
_CHANGE: Final = text(f"""
    UPDATE account SET facts = CAST(given.facts AS jsonb),
        provenance = CAST(given.provenance AS jsonb),
        row_version = given.row_version, updated_at = given.updated_at
    FROM {_GIVEN} WHERE account.id = given.id
""")  # noqa: S608 - a text of ours
_IDENTIFY: Final = text("""
    INSERT INTO account_identity (system, external_id, account_id, created_at)
    SELECT given.system, given.id, account.id, :now
    FROM unnest(CAST(:systems AS text[]), CAST(:ids AS text[]), CAST(:keys AS text[]))
        AS given (system, id, key)
    JOIN account ON account.key = given.key
    ORDER BY given.system, given.id
    ON CONFLICT DO NOTHING RETURNING account_id
""")


async def take_turns(connection: AsyncConnection) -> None:
    """Wait until nobody else keeps many accounts: two who bring the same would meet crosswise."""
    await connection.execute(select(func.pg_advisory_xact_lock(_MANY)))


async def lock_singles(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, Account]:
    """Return those accounts of *keys* that have no group, locked until the transaction ends."""
    statement = (
        select(*SHOWN)
        .where(AccountRow.key.in_(keys), AccountRow.own_facts.is_(None))
        .order_by(AccountRow.id)
        .with_for_update()
    )
    rows: Any = await connection.execute(statement)
    return {row.key: account_of(row) for row in rows}


async def find_keys(connection: AsyncConnection, keys: Sequence[str]) -> set[str]:
    """Return which of *keys* accounts bear."""
    if not keys:
        return set()
    statement = select(AccountRow.key).where(AccountRow.key.in_(keys))
    return set((await connection.execute(statement)).scalars())


async def find_bearers(
    connection: AsyncConnection, identities: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """Return by which account's key each of *identities* is borne, if it is."""
    if not identities:
        return {}
    columns = (AccountIdentity.system, AccountIdentity.external_id)
    statement = (
        select(*columns, AccountRow.key)
        .join(AccountRow, AccountRow.id == AccountIdentity.account_id)
        .where(tuple_(*columns).in_(identities))
    )
    rows: Any = await connection.execute(statement)
    return {(row.system, row.external_id): row.key for row in rows}


async def add_accounts(connection: AsyncConnection, accounts: Sequence[Account]) -> set[str]:
    """Insert *accounts* and return the keys of those that nobody else has just made.

    They go in by key, so that two who bring the same do not wait for each other in a circle.
    """
    if not accounts:
        return set()
    return set((await connection.execute(_ADD, _given(accounts))).scalars())


async def change_accounts(connection: AsyncConnection, accounts: Sequence[Account]) -> None:
    """Write what is known of *accounts*, which the transaction holds locked."""
    if accounts:
        await connection.execute(_CHANGE, _given(accounts))


async def add_identities(
    connection: AsyncConnection, given: Mapping[tuple[str, str], str], *, now: datetime
) -> set[UUID]:
    """Let accounts, by key, be found by ids that nobody else bears; return whose are new."""
    if not given:
        return set()
    values: dict[str, object] = {
        "systems": [system for system, _ in given],
        "ids": [external_id for _, external_id in given],
        "keys": list(given.values()),
        "now": now,
    }
    return set((await connection.execute(_IDENTIFY, values)).scalars())


def _given(accounts: Sequence[Account]) -> dict[str, object]:
    return {
        "ids": [one.id for one in accounts],
        "keys": [one.key for one in accounts],
        "facts": [_json(one.known.facts) for one in accounts],
        "provenance": [_json(one.known.provenance) for one in accounts],
        "versions": [one.row_version for one in accounts],
        "times": [one.updated_at for one in accounts],
    }


def _json(value: Mapping[str, Any]) -> str:
    return orjson.dumps(dict(value)).decode()
