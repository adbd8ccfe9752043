"""What became of a form's visitors: counted in the database, each visitor once. SQL only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage.tables import ApiKey

__all__ = ["count_stops", "count_visits", "find_form"]

_MOST_SOURCES: Final = 200
# A visitor counts by the last answer. Whoever was caught in a trap counts as that alone.
_VISITS: Final = text("""
    SELECT grouping(source) = 1 AS is_total, source,
        count(*) FILTER (WHERE NOT is_caught) AS started,
        count(*) FILTER (WHERE NOT is_caught AND is_finished) AS finished,
        count(*) FILTER (WHERE NOT is_caught AND NOT is_finished AND last_at > :idle) AS under_way,
        count(*) FILTER (WHERE NOT is_caught AND verdict IS NOT NULL) AS answered,
        count(*) FILTER (WHERE NOT is_caught AND verdict = 'undecided') AS undecided,
        count(*) FILTER (WHERE NOT is_caught AND verdict = 'qualify') AS qualify,
        count(*) FILTER (WHERE NOT is_caught AND verdict = 'review') AS review,
        count(*) FILTER (WHERE NOT is_caught AND verdict = 'disqualify') AS disqualify,
        count(*) FILTER (WHERE NOT is_caught AND is_progressive) AS progressive,
        coalesce(sum(fields) FILTER (WHERE NOT is_caught AND is_progressive), 0) AS fields,
        coalesce(sum(shown) FILTER (WHERE NOT is_caught AND is_progressive), 0) AS shown,
        count(*) FILTER (WHERE is_caught) AS caught
    FROM (
        SELECT *, is_finished AND mode = 'progressive' AND fields >= shown AS is_progressive
        FROM form_visit
        WHERE key_id = :key_id AND started_at >= :since AND started_at < :until
    ) AS visit
    GROUP BY GROUPING SETS ((source), ())
    ORDER BY is_total DESC, started DESC, source
    LIMIT :limit
""")
_STOPS: Final = text("""
    SELECT source, asking, count(*) AS visitors
    FROM form_visit
    WHERE key_id = :key_id AND started_at >= :since AND started_at < :until
        AND NOT is_finished AND NOT is_caught AND last_at <= :idle
    GROUP BY source, asking
    ORDER BY visitors DESC, asking
""")


async def find_form(connection: AsyncConnection, sha256: bytes) -> Row[Any] | None:
    """Return the publishable key with this hash, revoked or not: its visitors stay counted."""
    columns = (ApiKey.id, ApiKey.prefix, ApiKey.name, ApiKey.rule_set)
    statement = select(*columns).where(ApiKey.sha256 == sha256, ApiKey.kind == "publishable")
    found: Any = await connection.execute(statement)
    row: Row[Any] | None = found.first()
    return row


async def count_visits(
    connection: AsyncConnection, key_id: UUID, *, since: datetime, until: datetime, idle: datetime
) -> Sequence[Row[Any]]:
    """Return the total and then the counts of each source, the largest first.

    Whoever did not finish and asked something after *idle* is still under way.
    """
    given = {"key_id": key_id, "since": since, "until": until, "idle": idle}
    rows = await connection.execute(_VISITS, given | {"limit": _MOST_SOURCES + 1})
    return rows.all()


async def count_stops(
    connection: AsyncConnection, key_id: UUID, *, since: datetime, until: datetime, idle: datetime
) -> Sequence[Row[Any]]:
    """Return at which question those stopped who did not finish, by source."""
    given = {"key_id": key_id, "since": since, "until": until, "idle": idle}
    return (await connection.execute(_STOPS, given)).all()
