"""What people overruled, and who spoke in how many decisions: SQL only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage import first_uuid_at
from service.storage.tables import OverrideRow

__all__ = ["count_letters", "count_moved", "list_overruled"]

# Decisions whose conditions came out alike are one row: a few hundred for any number of them.
_LETTERS: Final = text(
    "SELECT version, verdict, outcome, trace->'closed'->>'gates' AS gates,"
    " trace->'closed'->>'rules' AS rules, trace->'closed'->>'outcomes' AS outcomes,"
    " count(*) AS decisions FROM decision"
    " WHERE rule_set = :rule_set AND decided_at >= :since AND decided_at < :until"
    " GROUP BY 1, 2, 3, 4, 5, 6"
)


async def list_overruled(
    connection: AsyncConnection, rule_set: str, *, since: datetime, until: datetime
) -> Sequence[Row[Any]]:
    """Return the newest override of each decision that was made in the window and overruled."""
    statement = (
        select(OverrideRow.__table__)
        .ext(distinct_on(OverrideRow.overruled))
        .where(
            OverrideRow.rule_set == rule_set,
            OverrideRow.overruled >= first_uuid_at(since),
            OverrideRow.overruled < first_uuid_at(until),
        )
        .order_by(OverrideRow.overruled, OverrideRow.id.desc())
    )
    rows: Sequence[Row[Any]] = (await connection.execute(statement)).all()
    return rows


async def count_letters(
    connection: AsyncConnection, rule_set: str, *, since: datetime, until: datetime
) -> Sequence[Row[Any]]:
    """Return how many decisions of the window came out alike, by version and by letter."""
    given = {"rule_set": rule_set, "since": since, "until": until}
    rows: Sequence[Row[Any]] = (await connection.execute(_LETTERS, given)).all()
    return rows


async def count_moved(
    connection: AsyncConnection,
    rule_set: str,
    *,
    since: datetime,
    until: datetime,
    places: Sequence[int],
) -> Sequence[Row[Any]]:
    """Return in how many decisions the rules at *places* added points, one column for each.

    By version, verdict, outcome and the letters of the gates.
    """
    sums = ", ".join(
        f"count(*) FILTER (WHERE effects->{place:d} <> '0'::jsonb) AS place_{place:d}"
        for place in places
    )
    # OFFSET 0 keeps Postgres from unpacking the trace once for every place.
    statement = text(
        f"SELECT version, verdict, outcome, gates, {sums}"  # noqa: S608 - numbers only
        " FROM (SELECT version, verdict, outcome, trace->'closed'->>'gates' AS gates,"
        " trace->'effects' AS effects FROM decision WHERE rule_set = :rule_set"
        " AND decided_at >= :since AND decided_at < :until OFFSET 0) AS read"
        " GROUP BY 1, 2, 3, 4"
    )
    given = {"rule_set": rule_set, "since": since, "until": until}
    rows: Sequence[Row[Any]] = (await connection.execute(statement, given)).all()
    return rows
