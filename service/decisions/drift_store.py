"""Samples of decisions, counted, and notices: SQL only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.decisions.drifting import Sampled
from service.storage.tables import NoticeRow, RuleSetRelease

__all__ = ["DRIFTED", "Filters", "add_notice", "change_notice", "count_sampled", "find_notice"]
__all__ += ["list_lately", "list_live", "list_notices", "take_turn"]

DRIFTED: Final = "rule_set.drifted"
_LONG: Final = text("SET LOCAL statement_timeout = '20s'")
# The newest of each side, read once; then counted by what is looked at. Undeclared names are
# whatever anybody sends, so only the frequent ones come back.
_SAMPLED: Final = text("""
    WITH sampled AS MATERIALIZED (
        (SELECT true AS is_recent, version, date_trunc('hour', decided_at, 'UTC') AS hour,
            verdict, facts, data_problems
        FROM decision
        WHERE rule_set = :rule_set AND decided_at >= :recent AND decided_at < :until
        ORDER BY decided_at DESC, id DESC LIMIT :most)
        UNION ALL
        (SELECT false, version, date_trunc('hour', decided_at, 'UTC'), verdict, facts,
            data_problems
        FROM decision
        WHERE rule_set = :rule_set AND decided_at >= :since AND decided_at < :recent
        ORDER BY decided_at DESC, id DESC LIMIT :most)
    )
    SELECT is_recent, version, hour, 'verdict' AS kind, verdict AS name, count(*) AS count
    FROM sampled GROUP BY 1, 2, 3, 5
    UNION ALL
    SELECT is_recent, version, hour, 'facts', '', count(*)
    FROM sampled WHERE facts IS NOT NULL GROUP BY 1, 2, 3
    UNION ALL
    SELECT is_recent, version, hour, 'present', key, count(*)
    FROM sampled, jsonb_object_keys(facts) AS key GROUP BY 1, 2, 3, 5
    UNION ALL
    (SELECT is_recent, version, NULL, 'undeclared', problem ->> 'attribute', count(*) AS often
    FROM sampled, jsonb_array_elements(data_problems) AS problem
    WHERE problem ->> 'code' = 'undeclared'
    GROUP BY 1, 2, 5 ORDER BY often DESC LIMIT 200)
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which notices to list."""

    kind: str | None = None
    rule_set: str | None = None
    is_open: bool | None = None

    def to_json(self) -> dict[str, object]:
        """Return the filters as a cursor remembers them."""
        return {"notices": "all"} | {name: getattr(self, name) for name in self.__slots__}


async def take_turn(connection: AsyncConnection, slug: str) -> bool:
    """Return whether nobody else looks at *slug* now; hold it until the transaction ends."""
    key = func.hashtextextended(f"notice/{slug}", 0)
    return bool((await connection.execute(select(func.pg_try_advisory_xact_lock(key)))).scalar())


async def list_live(connection: AsyncConnection, at: datetime) -> list[str]:
    """Return every rule set of which a version is live at *at*."""
    statement = (
        select(RuleSetRelease.rule_set)
        .distinct()
        .where(RuleSetRelease.mode == "live", RuleSetRelease.effective_at <= at)
        .order_by(RuleSetRelease.rule_set)
    )
    return list((await connection.execute(statement)).scalars())


async def count_sampled(
    connection: AsyncConnection,
    slug: str,
    *,
    until: datetime,
    recent: timedelta,
    before: timedelta,
    most: int,
) -> list[Sampled]:
    """Return counts over the newest *most* decisions of the *recent* past, and of *before* it."""
    await connection.execute(_LONG)
    begins = until - recent
    given = {"rule_set": slug, "recent": begins, "since": begins - before, "until": until}
    rows = await connection.execute(_SAMPLED, given | {"most": most})
    return [Sampled(**row) for row in rows.mappings()]


async def list_lately(
    connection: AsyncConnection, slug: str, *, since: datetime
) -> dict[str, list[Row[Any]]]:
    """Return the drifts of *slug* that are open or ended after *since*, by topic, oldest first."""
    lasted = func.greatest(NoticeRow.closed_at, NoticeRow.last_at)
    statement = (
        select(NoticeRow.__table__)
        .where(
            NoticeRow.rule_set == slug,
            NoticeRow.kind == DRIFTED,
            NoticeRow.closed_at.is_(None) | (lasted >= since),
        )
        .order_by(NoticeRow.id)
    )
    by_topic: dict[str, list[Row[Any]]] = {}
    for row in await connection.execute(statement):
        by_topic.setdefault(row.topic, []).append(row)
    return by_topic


async def add_notice(connection: AsyncConnection, values: Mapping[str, object]) -> None:
    """Insert a notice."""
    await connection.execute(insert(NoticeRow).values(**values))


async def change_notice(
    connection: AsyncConnection, notice_id: UUID, *, only_open: bool, **values: object
) -> bool:
    """Set columns of a notice; return whether it was there, and open where that is asked."""
    statement = update(NoticeRow).where(NoticeRow.id == notice_id).values(**values)
    if only_open:
        statement = statement.where(NoticeRow.closed_at.is_(None))
    return (await connection.execute(statement.returning(NoticeRow.id))).first() is not None


async def find_notice(connection: AsyncConnection, notice_id: UUID) -> Row[Any] | None:
    """Return a notice."""
    statement = select(NoticeRow.__table__).where(NoticeRow.id == notice_id)
    return (await connection.execute(statement)).first()


async def list_notices(
    connection: AsyncConnection, filters: Filters, *, before: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Return up to *limit* notices, the newest first."""
    statement = select(NoticeRow.__table__).order_by(NoticeRow.id.desc()).limit(limit)
    if filters.kind is not None:
        statement = statement.where(NoticeRow.kind == filters.kind)
    if filters.rule_set is not None:
        statement = statement.where(NoticeRow.rule_set == filters.rule_set)
    if filters.is_open is not None:
        closed = NoticeRow.closed_at
        statement = statement.where(closed.is_(None) if filters.is_open else closed.is_not(None))
    if before is not None:
        statement = statement.where(NoticeRow.id < before)
    return (await connection.execute(statement)).all()
