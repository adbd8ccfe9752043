"""Visits in the database: SQL only."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, insert, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.forms.recognising import Marks
from service.forms.visits import Known
from service.storage.tables import FormVisit

__all__ = [
    "add_visit",
    "change_visit",
    "drop_visit",
    "find_visit",
    "forget_visitors",
    "lock",
    "window_begin",
]

_AT_ONCE: Final = 1_000
_LOCK: Final = text("""
    SELECT pg_advisory_xact_lock(hashtextextended(name, 0))
    FROM unnest(CAST(:names AS text[])) WITH ORDINALITY AS given (name, place)
    ORDER BY place
""")
# Whoever is named is found by name, whatever id the page sends; of several the latest.
_FIND: Final = text("""
    SELECT id, revision, identities, facts, answer, verdict, decision_id, is_finished, is_caught
    FROM form_visit
    WHERE key_id = :key_id AND last_at > :since AND (
        id = CAST(:visit AS uuid)
        OR identities && CAST(:identities AS bytea[])
        OR (
            CAST(:by_address AS boolean) AND address = :address
            AND identities = '{}' AND facts <> '{}'
        )
    )
    ORDER BY identities && CAST(:identities AS bytea[]) DESC,
        id = CAST(:visit AS uuid) DESC NULLS LAST, last_at DESC
    LIMIT 1
""")
_FORGET: Final = text("""
    WITH past AS (
        SELECT id FROM form_visit WHERE address IS NOT NULL AND last_at < :until
        LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    UPDATE form_visit AS visit
    SET address = NULL, identities = NULL, facts = NULL, answer = NULL
    FROM past WHERE visit.id = past.id
""")


async def lock(connection: AsyncConnection, marks: Marks) -> None:
    """Keep everybody else with one of these marks waiting until the transaction ends."""
    if marks.names:
        await connection.execute(_LOCK, {"names": marks.names})


async def find_visit(connection: AsyncConnection, marks: Marks, *, since: datetime) -> Known | None:
    """Return the visit that *marks* point at, if it asked anything after *since*."""
    given = {
        "key_id": marks.key_id,
        "since": since,
        "visit": marks.visit,
        "identities": list(marks.identities),
        "address": marks.address,
        "by_address": marks.by_address,
    }
    row = (await connection.execute(_FIND, given)).first()
    if row is None:
        return None
    return Known(
        id=row.id,
        revision=row.revision,
        identities=tuple(bytes(one) for one in row.identities),
        facts=row.facts,
        answer=row.answer,
        verdict=row.verdict,
        is_finished=row.is_finished,
        is_caught=row.is_caught,
    )


async def add_visit(connection: AsyncConnection, values: Mapping[str, object]) -> None:
    """Insert a visit, its columns as in *values*."""
    await connection.execute(insert(FormVisit).values(**values))


async def change_visit(
    connection: AsyncConnection, visit_id: UUID, values: Mapping[str, object]
) -> None:
    """Set columns of a visit, and raise its revision."""
    await connection.execute(
        update(FormVisit)
        .where(FormVisit.id == visit_id)
        .values(revision=FormVisit.revision + 1, **values)
    )


async def drop_visit(
    connection: AsyncConnection, visit_id: UUID, *, key_id: UUID, since: datetime
) -> None:
    """Remove a visit that turned out to be another's: one visitor counts once.

    Those that finished stay, and those whose window ended before *since*.
    """
    await connection.execute(
        delete(FormVisit).where(
            FormVisit.id == visit_id,
            FormVisit.key_id == key_id,
            FormVisit.last_at > since,
            ~FormVisit.is_finished,
        )
    )


async def forget_visitors(connection: AsyncConnection, *, until: datetime) -> bool:
    """Remove what is personal of visits that ended before *until*; return whether more may be."""
    result: Any = await connection.execute(_FORGET, {"until": until, "limit": _AT_ONCE})
    return bool(result.rowcount == _AT_ONCE)


def window_begin(at: datetime, window_s: int) -> datetime:
    """Return from when on a visit is still recognised at *at*."""
    return at - timedelta(seconds=window_s)
