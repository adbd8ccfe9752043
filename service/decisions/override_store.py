"""Overrides in the database: SQL only."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, null, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.decisions.word import InForce
from service.rules.decided import Next
from service.storage.tables import AccountRow, DecisionRow, OverrideRow

__all__ = [
    "Filters",
    "add_override",
    "end_override",
    "find_of_account",
    "find_override",
    "in_force_of",
    "list_of_account",
    "list_of_decisions",
    "list_overrides",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which overrides to list; *in_force* is judged at the instant of the question."""

    rule_set: str | None = None
    person: str | None = None
    in_force: bool | None = None
    account: str | None = None
    decision: UUID | None = None

    def to_json(self) -> dict[str, object]:
        """Return the filters as a cursor remembers them."""
        return {"overrides": "all"} | {name: getattr(self, name) for name in self.__slots__}


async def add_override(connection: AsyncConnection, values: Mapping[str, object]) -> bool:
    """Insert an override; False where somebody has just made one of the same subject.

    Waits for whoever is making one.
    """
    statement = (
        insert(OverrideRow).values(**values).on_conflict_do_nothing().returning(OverrideRow.id)
    )
    return (await connection.execute(statement)).first() is not None


async def end_override(
    connection: AsyncConnection,
    which: Mapping[str, object],
    *,
    by: str,
    at: datetime,
    reason: str | None,
) -> UUID | None:
    """Withdraw the override whose columns are as in *which*; None where none is left to."""
    statement = (
        update(OverrideRow)
        .where(OverrideRow.withdrawn_at.is_(None))
        .where(*(getattr(OverrideRow, name) == value for name, value in which.items()))
        .values(withdrawn_at=at, withdrawn_by=by, withdrawn_reason=reason)
        .returning(OverrideRow.id)
    )
    found: UUID | None = (await connection.execute(statement)).scalar_one_or_none()
    return found


async def find_override(connection: AsyncConnection, override_id: UUID) -> Row[Any] | None:
    """Return an override, with its account's key."""
    statement = _overrides().where(OverrideRow.id == override_id)
    row: Row[Any] | None = (await connection.execute(statement)).first()
    return row


async def list_overrides(
    connection: AsyncConnection,
    filters: Filters,
    *,
    at: datetime,
    before: UUID | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return up to *limit* overrides, the newest first, from *before* on backwards."""
    statement = _overrides().order_by(OverrideRow.id.desc()).limit(limit)
    if filters.rule_set is not None:
        statement = statement.where(OverrideRow.rule_set == filters.rule_set)
    if filters.person is not None:
        statement = statement.where(OverrideRow.person == filters.person)
    if filters.in_force is not None:
        stands = _stands(at)
        statement = statement.where(stands if filters.in_force else ~stands)
    if filters.account is not None:
        statement = statement.where(AccountRow.key == filters.account)
    if filters.decision is not None:
        statement = statement.where(OverrideRow.decision_id == filters.decision)
    if before is not None:
        statement = statement.where(OverrideRow.id < before)
    rows: Sequence[Row[Any]] = (await connection.execute(statement)).all()
    return rows


async def find_of_account(
    connection: AsyncConnection, account_id: UUID, *, rule_set: str, at: datetime
) -> InForce | None:
    """Return what a person decided of an account under one rule set, if it stands at *at*."""
    statement = select(OverrideRow.__table__).where(
        OverrideRow.account_id == account_id, OverrideRow.rule_set == rule_set, _stands(at)
    )
    row = (await connection.execute(statement)).first()
    return None if row is None else in_force_of(row)


async def list_of_decisions(
    connection: AsyncConnection, rows: Collection[Row[Any]], *, at: datetime
) -> dict[UUID, InForce]:
    """Return, by decision, the person's word in it: its own, else what it was made under.

    Its own counts if it stands at *at*. *rows* are decisions.
    """
    made_under = {row.override_of: row.id for row in rows if row.override_of is not None}
    if not rows:
        return {}
    of_decisions = OverrideRow.decision_id.in_([row.id for row in rows])
    wanted: ColumnElement[bool] = and_(of_decisions, _stands(at))
    if made_under:
        wanted = or_(wanted, OverrideRow.id.in_(made_under))
    found = list(await connection.execute(select(OverrideRow.__table__).where(wanted)))
    by_id = {row.id: in_force_of(row) for row in found}
    words = {
        row.id: by_id[row.override_of]
        for row in rows
        if row.override_of is not None and row.override_of in by_id
    }
    own = {row.decision_id: by_id[row.id] for row in found if row.decision_id is not None}
    return words | own


async def list_of_account(
    connection: AsyncConnection,
    account_id: UUID,
    *,
    at: datetime,
    current: Collection[UUID],
    previous: Collection[tuple[datetime, UUID]],
) -> tuple[dict[str, InForce], dict[UUID, InForce]]:
    """Return the words on an account that stand at *at*: by rule set, and by decision.

    Those by decision are its own, and for *previous* ones also what it was made under.
    """
    decided = tuple_(DecisionRow.decided_at, DecisionRow.id).in_(previous)
    before = list(
        await connection.execute(select(DecisionRow.id, DecisionRow.override_of).where(decided))
        if previous
        else ()
    )
    under = {row.override_of for row in before if row.override_of is not None}
    ids = {*current, *(decision_id for _, decision_id in previous)}
    of_subject = or_(OverrideRow.account_id == account_id, OverrideRow.decision_id.in_(ids))
    wanted = or_(and_(of_subject, _stands(at)), OverrideRow.id.in_(under))
    found = list(await connection.execute(select(OverrideRow.__table__).where(wanted)))
    by_id = {row.id: in_force_of(row) for row in found}
    standing = {
        row.rule_set: by_id[row.id]
        for row in found
        if row.account_id is not None and is_standing(row, at=at)
    }
    made_under = {row.id: by_id[row.override_of] for row in before if row.override_of in by_id}
    own = {row.decision_id: by_id[row.id] for row in found if row.decision_id is not None}
    return standing, made_under | own


def is_standing(row: Row[Any], *, at: datetime) -> bool:
    """Return whether an override counts at *at*: neither withdrawn nor expired."""
    return row.withdrawn_at is None and (row.expires_at is None or row.expires_at > at)


def in_force_of(row: Row[Any]) -> InForce:
    """Return an override as answers need it."""
    return InForce(
        id=row.id,
        verdict=row.verdict,
        outcome=row.outcome,
        next=Next(action=row.action, url=row.url, message=row.message, assign=row.assign),
        reason=row.reason,
        person=row.person,
        expires_at=row.expires_at,
    )


def _stands(at: datetime) -> ColumnElement[bool]:
    is_left = or_(OverrideRow.expires_at.is_(null()), OverrideRow.expires_at > at)
    return and_(OverrideRow.withdrawn_at.is_(None), is_left)


def _overrides() -> Select[Any]:
    return select(OverrideRow.__table__, AccountRow.key.label("account_key")).outerjoin(
        AccountRow, AccountRow.id == OverrideRow.account_id
    )
