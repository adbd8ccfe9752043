"""Stored accounts, many at a time, from the database: SQL only.

The rows of a piece come as one text: a row each would cost the client several times what the
server takes to read it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg

__all__ = ["Piece", "count_accounts", "read_accounts"]

_NEXT: Final = """
    SELECT id, facts FROM account
    WHERE id > %(after)s AND created_at <= %(at)s AND facts_erased_at IS NULL
    ORDER BY id LIMIT %(limit)s
"""
_READ: Final = (
    "SELECT coalesce(string_agg(uuid_send(id), '' ORDER BY id), ''),"  # noqa: S608 - no value in it
    " convert_to('[' || coalesce(string_agg(facts::text, ',' ORDER BY id), '') || ']', 'UTF8')"
    f" FROM ({_NEXT}) AS next"
).encode()
_COUNT: Final = b"SELECT count(*) FROM account WHERE created_at <= %s AND facts_erased_at IS NULL"
_UUID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Piece:
    """Some accounts in the order of their ids; *facts* is a JSON array of objects."""

    ids: tuple[UUID, ...]
    facts: bytes


async def read_accounts(
    connection: psycopg.AsyncConnection[Any], *, after: UUID | None, at: datetime, limit: int
) -> Piece:
    """Return the first *limit* accounts after an id that existed at *at* and were not erased."""
    given = {"after": after or UUID(int=0), "at": at, "limit": limit}
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(_READ, given)
        ids, facts = await cursor.fetchone() or (b"", b"[]")
    found = range(0, len(ids), _UUID_BYTES)
    return Piece(tuple(UUID(bytes=ids[start : start + _UUID_BYTES]) for start in found), facts)


async def count_accounts(connection: psycopg.AsyncConnection[Any], *, at: datetime) -> int:
    """Return how many accounts `read_accounts` would give."""
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(_COUNT, (at,))
        row = await cursor.fetchone()
    return 0 if row is None else int(row[0])
