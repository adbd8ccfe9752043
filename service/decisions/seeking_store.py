"""The decisions that were made from a person's values, in the database: SQL only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Text, and_, cast, false, func, or_, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage.personal import Found, Subject, any_of, mentions
from service.storage.tables import DecisionRow

__all__ = [
    "SeenDecisions",
    "count_decisions",
    "find_by_names",
    "followed",
    "list_names",
    "list_old",
    "look_through",
]

Place = tuple[datetime, UUID]
_NAMES: Final = text(r"""
    SELECT decided_at, id, external_id, ARRAY(
        SELECT (regexp_matches(facts::text, '[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,}', 'gi'))[1]
    ) AS emails
    FROM decision
    WHERE decided_at >= :since AND (decided_at, id) > (:at, :id) AND facts IS NOT NULL
    ORDER BY decided_at, id LIMIT :most
""")
_ORDER: Final = (DecisionRow.decided_at, DecisionRow.id)


@dataclass(frozen=True, slots=True)
class SeenDecisions:
    """What one look found. *place* is the last decision looked at; None where there is no more.

    *external_ids* and *accounts* are those of what was found.
    """

    looked: int
    place: Place | None
    ids: tuple[UUID, ...]
    external_ids: frozenset[str]
    accounts: frozenset[UUID]


async def count_decisions(connection: AsyncConnection) -> int:
    """Return how many decisions there are to look through."""
    count: int = (
        await connection.execute(
            select(func.count()).select_from(DecisionRow).where(_has_something())
        )
    ).scalar_one()
    return count


async def look_through(
    connection: AsyncConnection, emails: Sequence[str], *, after: Place | None, most: int
) -> SeenDecisions:
    """Look for *emails* in the facts of up to *most* decisions, the oldest first.

    No index would serve this without costing every decision; so all are read, a portion at a
    time.
    """
    holds = any_of(
        mentions(DecisionRow.facts, emails),
        mentions(DecisionRow.tabled, emails),
        mentions(DecisionRow.external_id, emails),
    )
    columns = (*_ORDER, DecisionRow.external_id, DecisionRow.account_id)
    some = (
        select(*columns, _surely(holds).label("holds"))
        .where(_has_something())
        .order_by(*_ORDER)
        .limit(most)
    )
    if after is not None:
        some = some.where(DecisionRow.decided_at >= after[0], tuple_(*_ORDER) > tuple_(*after))
    rows = (await connection.execute(some)).all()
    found = [row for row in rows if row.holds]
    last = rows[-1] if len(rows) == most else None
    return SeenDecisions(
        looked=len(rows),
        place=None if last is None else (last.decided_at, last.id),
        ids=tuple(row.id for row in found),
        external_ids=frozenset(row.external_id for row in found if row.external_id is not None),
        accounts=frozenset(row.account_id for row in found if row.account_id is not None),
    )


async def followed(
    connection: AsyncConnection, external_ids: Sequence[str], emails: Sequence[str]
) -> list[str]:
    """Return those of *external_ids* under which nobody but the bearer of *emails* is known.

    A caller that sends `n/a` for everybody would have everybody erased otherwise.
    """
    if not external_ids:
        return []
    names_another = and_(
        DecisionRow.external_id.in_(external_ids),
        _names_somebody(),
        ~_surely(mentions(DecisionRow.facts, emails)),
    )
    shared = select(DecisionRow.external_id).where(names_another).distinct()
    others = set((await connection.execute(shared)).scalars())
    return [one for one in external_ids if one not in others]


async def find_by_names(connection: AsyncConnection, subject: Subject) -> list[UUID]:
    """Return the decisions on leads of its external ids and on its accounts, not yet erased."""
    is_its = any_of(
        DecisionRow.external_id.in_(subject.external_ids) if subject.external_ids else None,
        DecisionRow.account_id.in_(subject.accounts) if subject.accounts else None,
    )
    if is_its is None:
        return []
    statement = select(DecisionRow.id).where(is_its, _has_something()).order_by(*_ORDER)
    return list((await connection.execute(statement)).scalars())


async def list_names(
    connection: AsyncConnection, *, after: Place | None, since: datetime, most: int
) -> Sequence[Row[Any]]:
    """Return `external_id` and `emails` of up to *most* decisions from then on, the oldest first.

    With `decided_at` and `id`. The addresses are those that stand anywhere in the facts.
    """
    at, decision_id = after or (since, UUID(int=0))
    given = {"since": since, "at": at, "id": decision_id, "most": most}
    rows: Any = (await connection.execute(_NAMES, given)).all()
    found: Sequence[Row[Any]] = rows
    return found


async def list_old(
    connection: AsyncConnection,
    *,
    after: Place | None,
    since: datetime | None,
    before: datetime,
    most: int,
) -> list[Place]:
    """Return up to *most* decisions made before then that still have facts, the oldest first."""
    statement = (
        select(*_ORDER)
        .where(DecisionRow.decided_at < before, _has_something())
        .order_by(*_ORDER)
        .limit(most)
    )
    if since is not None:
        statement = statement.where(DecisionRow.decided_at >= since)
    if after is not None:
        statement = statement.where(
            DecisionRow.decided_at >= after[0], tuple_(*_ORDER) > tuple_(*after)
        )
    rows: Any = await connection.execute(statement)
    return [(row.decided_at, row.id) for row in rows]


def _names_somebody() -> ColumnElement[bool]:
    """Return the condition that there is an address in a decision's facts."""
    address = r"[^\s\"@]@[^\s\"@]+\.[a-z]"
    return cast(DecisionRow.facts, Text).regexp_match(address, flags="i")


def _surely(condition: Found) -> ColumnElement[bool]:
    """Return a condition that is false where nothing is known."""
    return false() if condition is None else func.coalesce(condition, false())


def _has_something() -> ColumnElement[bool]:
    return or_(DecisionRow.facts.is_not(None), DecisionRow.external_id.is_not(None))
