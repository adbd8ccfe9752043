"""Suspensions in the database: SQL only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.decisions.suspended import Suspension
from service.storage import to_text
from service.storage.tables import AssessmentRow, DecisionRow, SuspensionRow

__all__ = ["Filters", "add", "end", "find", "is_in_force", "list_in_force", "list_of"]
__all__ += ["list_accounts_under", "list_rows_in_force", "newest_ended"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which suspensions to list; *in_force* is judged at the instant of the question."""

    rule_set: str | None = None
    part: str | None = None
    in_force: bool | None = None

    def to_json(self) -> dict[str, object]:
        """Return the filters as a cursor remembers them."""
        return {"suspensions": "all"} | {name: getattr(self, name) for name in self.__slots__}


async def add(connection: AsyncConnection, values: Mapping[str, object]) -> bool:
    """Insert a suspension; False where one of the same part and group has not ended.

    Waits for whoever is making one.
    """
    statement = (
        insert(SuspensionRow).values(**values).on_conflict_do_nothing().returning(SuspensionRow.id)
    )
    return (await connection.execute(statement)).first() is not None


async def end(
    connection: AsyncConnection, suspension_id: UUID, *, by: str, at: datetime, reason: str
) -> bool:
    """End a suspension; return whether it had not ended yet."""
    statement = (
        update(SuspensionRow)
        .where(SuspensionRow.id == suspension_id, SuspensionRow.ended_at.is_(None))
        .values(ended_at=at, ended_by=by, ended_reason=reason)
        .returning(SuspensionRow.id)
    )
    return (await connection.execute(statement)).first() is not None


async def find(connection: AsyncConnection, suspension_id: UUID) -> Row[Any] | None:
    """Return a suspension."""
    statement = select(SuspensionRow.__table__).where(SuspensionRow.id == suspension_id)
    row: Row[Any] | None = (await connection.execute(statement)).first()
    return row


async def list_of(
    connection: AsyncConnection,
    filters: Filters,
    *,
    at: datetime,
    before: UUID | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return up to *limit* suspensions, the newest first, from *before* on backwards."""
    statement = select(SuspensionRow.__table__).order_by(SuspensionRow.id.desc()).limit(limit)
    if filters.rule_set is not None:
        statement = statement.where(SuspensionRow.rule_set == filters.rule_set)
    if filters.part is not None:
        statement = statement.where(SuspensionRow.part == filters.part)
    if filters.in_force is not None:
        stands = _stands(at)
        statement = statement.where(stands if filters.in_force else ~stands)
    if before is not None:
        statement = statement.where(SuspensionRow.id < before)
    return (await connection.execute(statement)).all()


async def list_rows_in_force(
    connection: AsyncConnection, rule_set: str, *, at: datetime
) -> Sequence[Row[Any]]:
    """Return the suspensions of a rule set that stand at *at*, the oldest first."""
    statement = (
        select(SuspensionRow.__table__)
        .where(SuspensionRow.rule_set == rule_set, _stands(at))
        .order_by(SuspensionRow.id)
    )
    return (await connection.execute(statement)).all()


async def list_in_force(
    connection: AsyncConnection, rule_set: str, *, at: datetime
) -> tuple[Suspension, ...]:
    """Return the same as decisions need them."""
    rows = await list_rows_in_force(connection, rule_set, at=at)
    return tuple(
        Suspension(id=row.id, part=row.part, slice=row.slice, value=row.value, cause=row.cause)
        for row in rows
    )


async def list_accounts_under(connection: AsyncConnection, suspension: Row[Any]) -> Sequence[UUID]:
    """Return the accounts whose current decision was made under a suspension."""
    held = [{"suspension": to_text("sus", suspension.id)}]
    statement = (
        select(AssessmentRow.account_id)
        .join(
            DecisionRow,
            and_(
                DecisionRow.decided_at == AssessmentRow.at,
                DecisionRow.id == AssessmentRow.decision_id,
            ),
        )
        .where(
            AssessmentRow.rule_set == suspension.rule_set,
            DecisionRow.decided_at >= suspension.since,
            DecisionRow.suspensions.contains(held),
        )
    )
    return (await connection.execute(statement)).scalars().all()


async def newest_ended(
    connection: AsyncConnection, rule_set: str, *, since: datetime
) -> Sequence[Row[Any]]:
    """Return the suspensions of a rule set that ended at *since* or later, the newest first."""
    statement = (
        select(SuspensionRow.__table__)
        .where(SuspensionRow.rule_set == rule_set, SuspensionRow.ended_at >= since)
        .order_by(SuspensionRow.ended_at.desc())
    )
    return (await connection.execute(statement)).all()


def is_in_force(row: Row[Any], *, at: datetime) -> bool:
    """Return whether a suspension counts at *at*."""
    return (
        row.since <= at
        and (row.until is None or row.until > at)
        and (row.ended_at is None or row.ended_at > at)
    )


def _stands(at: datetime) -> ColumnElement[bool]:
    return and_(
        SuspensionRow.since <= at,
        or_(SuspensionRow.until.is_(None), SuspensionRow.until > at),
        or_(SuspensionRow.ended_at.is_(None), SuspensionRow.ended_at > at),
    )
