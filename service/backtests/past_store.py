"""The past as a backtest reads it by columns, many rows at a time: SQL only.

The rows of a piece come as one text each for ids, facts and how they stood: a row each would
cost the client several times what the server takes to read it.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.backtests.store import Position
from service.storage import Ids, driver_of

__all__ = ["Score", "Stood", "read_account_piece", "read_decision_piece"]

_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime.max.replace(tzinfo=UTC)
_NO_ID: Final = UUID(int=0)

# Put together as a text: ids of outcomes need no escapes, and `jsonb_build_array` would take as
# long as all the rest of the row.
_DECISIONS: Final = b"""
    SELECT coalesce(string_agg(uuid_send(id), '' ORDER BY decided_at, id), ''),
        convert_to('[' || coalesce(string_agg(facts, ',' ORDER BY decided_at, id), '') || ']',
            'UTF8'),
        convert_to('[' || coalesce(string_agg(stood, ',' ORDER BY decided_at, id), '') || ']',
            'UTF8')
    FROM (
        SELECT id, decided_at, coalesce(facts::text, '{}') AS facts,
            '[' || (extract(epoch FROM decided_at) * 1000000)::bigint || ',' || version || ','
                || final::text || ',' || (facts IS NULL)::text || ',"' || verdict || '","'
                || outcome || '",' || scores::text || ',' || coalesce(suspended::text, 'null')
                || ',' || coalesce(tabled::text, 'null') || ']' AS stood
        FROM decision
        WHERE rule_set = %(rule_set)s AND decided_at >= %(first)s AND decided_at < %(until)s
            AND (decided_at, id) > (%(after)s, %(after_id)s)
        ORDER BY decided_at, id LIMIT %(limit)s
    ) AS next
"""
_ACCOUNTS: Final = b"""
    SELECT coalesce(string_agg(uuid_send(id), '' ORDER BY id), ''),
        convert_to('[' || coalesce(string_agg(facts, ',' ORDER BY id), '') || ']', 'UTF8'),
        convert_to('[' || coalesce(string_agg(is_erased::text, ',' ORDER BY id), '') || ']',
            'UTF8')
    FROM (
        SELECT id, facts_erased_at IS NOT NULL AS is_erased,
            CASE WHEN facts_erased_at IS NULL THEN facts::text ELSE '{}' END AS facts
        FROM account
        WHERE merged_into IS NULL AND id > %(after_id)s
            AND updated_at >= %(first)s AND updated_at < %(until)s
        ORDER BY id LIMIT %(limit)s
    ) AS next
"""


class Score(msgspec.Struct, frozen=True, gc=False):
    """What is read of a stored score."""

    value: float


class Stood(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """How a stored decision came out and what it was made under, but for its facts."""

    at_us: int
    version: int
    is_final: bool
    is_erased: bool
    verdict: str
    outcome: str
    scores: dict[str, Score]
    suspended: tuple[str, ...] | None
    tabled: dict[str, str] | None

    @property
    def decided_at(self) -> datetime:
        """The decision's clock."""
        return _EPOCH + timedelta(microseconds=self.at_us)


_stood: Final = msgspec.json.Decoder(list[Stood])
_flags: Final = msgspec.json.Decoder(list[bool])


async def read_decision_piece(
    connection: AsyncConnection, row: Row[Any], *, after: Position | None, limit: int
) -> tuple[Ids, bytes, list[Stood]]:
    """Return up to *limit* decisions of a backtest's window, the oldest first.

    Their ids, a JSON array of their facts (nothing where they were erased), how they stood.
    """
    last = after or (_EARLIEST, _NO_ID)
    given = {
        "rule_set": row.rule_set,
        # By itself it lets Postgres leave out earlier partitions.
        "first": max(row.since or _EARLIEST, last[0]),
        "until": row.until,
        "after": last[0],
        "after_id": last[1],
        "limit": limit,
    }
    ids, facts, stood = await _read(connection, _DECISIONS, given)
    return ids, facts, _stood.decode(stood)


async def read_account_piece(
    connection: AsyncConnection, row: Row[Any], *, after: UUID | None, limit: int
) -> tuple[Ids, bytes, list[bool]]:
    """Return up to *limit* accounts of a backtest's window, by id.

    Their ids, a JSON array of their facts, and whether those were erased.
    """
    given = {
        "after_id": after or _NO_ID,
        "first": row.since or _EARLIEST,
        "until": row.until if row.until < row.created_at else _LATEST,
        "limit": limit,
    }
    ids, facts, erased = await _read(connection, _ACCOUNTS, given)
    return ids, facts, _flags.decode(erased)


async def _read(
    connection: AsyncConnection, query: bytes, given: dict[str, object]
) -> tuple[Ids, bytes, bytes]:
    driver = await driver_of(connection)
    async with driver.cursor(binary=True) as cursor:
        await cursor.execute(query, given)
        row = await cursor.fetchone()
    if row is None:
        raise AssertionError("an aggregate has one row")
    return Ids(row[0]), row[1], row[2]
