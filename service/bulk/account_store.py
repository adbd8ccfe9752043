"""Stored accounts, many at a time, from the database: SQL only.

The rows of a piece come as one text: a row each would cost the client several times what the
server takes to read it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg

from service.decisions import stood_sql
from service.rescorings import NEVER
from service.storage import Ids

__all__ = ["Piece", "count_accounts", "read_accounts", "read_standings"]

_NEXT: Final = """
    SELECT id, facts FROM account
    WHERE id > %(after)s AND created_at <= %(at)s
        AND facts_erased_at IS NULL AND merged_into IS NULL
    ORDER BY id LIMIT %(limit)s
"""
_IDS: Final = "coalesce(string_agg(uuid_send(id), '' ORDER BY id), '')"
_FACTS: Final = (
    "convert_to('[' || coalesce(string_agg(facts::text, ',' ORDER BY id), '') || ']', 'UTF8')"
)
_READ: Final = f"SELECT {_IDS}, {_FACTS} FROM ({_NEXT}) AS next".encode()  # noqa: S608 - no value in it
# An assessment and a decision are looked for of each account: OFFSET 0 keeps the server from
# joining all of them instead, whatever it knows of the tables. The index by rule set, which would
# lead to all of them as well, cannot be asked for `rule_set || ''`.
# The scores of a decision are read only where all else may be as it was. The array is put
# together as a text: ids of outcomes and letters need no escapes, and `jsonb_build_array` would
# take as long as all the rest of the row. Decisions are looked for only of who was decided since.
_STANDING: Final = f"""
    SELECT next.id, next.facts, CASE WHEN stands.account_id IS NULL THEN 'null'
        ELSE '[' || coalesce(stood.version, 0) || ',"' || coalesce(stood.verdict, '{NEVER}')
            || '","' || coalesce(stood.outcome, '') || '",'
            || coalesce(stood.at = %(at)s, false)::text || ',' || (stands.at > %(at)s)::text
            || ',' || coalesce(decided.scores::text, 'null') || ',"'
            || coalesce(decided.trace -> 'closed' ->> 'gates', '')
            || coalesce(decided.trace -> 'closed' ->> 'rules', '') || '",'
            || coalesce(decided.suspensions::text, 'null') || ','
            || coalesce(decided.trace_before::text, 'null') || ']' END AS standing
    FROM ({_NEXT}) AS next
    LEFT JOIN LATERAL (
        SELECT * FROM assessment
        WHERE assessment.account_id = next.id AND assessment.rule_set || '' = %(rule_set)s
        OFFSET 0
    ) AS stands ON true
    LEFT JOIN LATERAL (
        SELECT stands.decision_id, stands.at, stands.version, stands.verdict, stands.outcome
        WHERE stands.at <= %(at)s
        UNION ALL
        SELECT * FROM ({stood_sql(account="next.id", rule_set="stands.rule_set", at="%(at)s")}
        ) AS earlier WHERE stands.at > %(at)s
    ) AS stood ON true
    LEFT JOIN LATERAL (
        SELECT scores, trace, suspensions, trace_before FROM decision
        WHERE stood.version = %(version)s
            AND decision.decided_at = stood.at AND decision.id = stood.decision_id
        OFFSET 0
    ) AS decided ON true
"""  # noqa: S608 - no value in it
READ_STANDING: Final = (
    f"SELECT {_IDS}, {_FACTS},"  # noqa: S608 - no value in it
    " convert_to('[' || coalesce(string_agg(standing, ',' ORDER BY id), '') || ']', 'UTF8')"
    f" FROM ({_STANDING}) AS next"
).encode()
_COUNT: Final = (
    b"SELECT count(*) FROM account"
    b" WHERE created_at <= %s AND facts_erased_at IS NULL AND merged_into IS NULL"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some accounts in the order of their ids; *facts* is a JSON array of objects.

    *standings* is one of how each stands under a rule set, null where it was never decided.
    """

    ids: Ids
    facts: bytes
    standings: bytes = b"[]"


async def read_accounts(
    connection: psycopg.AsyncConnection[Any], *, after: UUID | None, at: datetime, limit: int
) -> Piece:
    """Return the first *limit* accounts after an id that existed at *at*.

    Not those that were erased, nor those that another one stands for.
    """
    return await _read(connection, _READ, {"after": after, "at": at, "limit": limit})


async def read_standings(
    connection: psycopg.AsyncConnection[Any],
    *,
    rule_set: str,
    version: int,
    after: UUID | None,
    at: datetime,
    limit: int,
) -> Piece:
    """Return the same, with how each stood under *rule_set* at that instant.

    A standing is `[version, verdict, outcome, whether it is of *at* itself, whether a newer one
    stands by now, scores, a letter for each gate and rule, suspensions, trace before them]`;
    where the version is not *version* there are no letters and the last are null, those two too
    where nothing was suspended. It is null where the account was never decided; where it was
    decided only since, the version is 0.
    """
    given = {"rule_set": rule_set, "version": version, "after": after, "at": at, "limit": limit}
    return await _read(connection, READ_STANDING, given)


async def count_accounts(connection: psycopg.AsyncConnection[Any], *, at: datetime) -> int:
    """Return how many accounts `read_accounts` would give."""
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(_COUNT, (at,))
        row = await cursor.fetchone()
    return 0 if row is None else int(row[0])


async def _read(
    connection: psycopg.AsyncConnection[Any], query: bytes, given: dict[str, Any]
) -> Piece:
    given["after"] = given["after"] or UUID(int=0)
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(query, given)
        row = await cursor.fetchone()
    if row is None:
        raise AssertionError("an aggregate has one row")
    return Piece(Ids(row[0]), *row[1:])
