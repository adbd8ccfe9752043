"""Which accounts are to be assessed: SQL only. Everything here goes by the database's clock."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import delete, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage.tables import AssessmentDue

__all__ = [
    "Cause",
    "Due",
    "Waiting",
    "claim_due",
    "count_due",
    "end_due",
    "forget_before",
    "hold_due",
    "leave_due",
    "mark_due",
    "postpone_due",
    "put_off",
]

Cause = Literal["change", "import"]

# One row an account, whatever its key: the one that stands for it. In the order of ids, so that
# two who mark the same wait for each other and never in a ring; every caller marks last of all.
# Who failed before keeps waiting: its time is not what changed.
_MARK: Final = text("""
    INSERT INTO assessment_due AS due
        (account_id, cause, since, changed_at, changes, due_at, attempts, generation)
    SELECT id, :cause, now, now, 1, now, 0, 0 FROM (
        SELECT DISTINCT coalesce(merged_into, id) AS id FROM account
        WHERE id = ANY(CAST(:ids AS uuid[])) AND facts_erased_at IS NULL
    ) AS changed, clock_timestamp() AS now
    ORDER BY id
    ON CONFLICT (account_id) DO UPDATE SET
        cause = excluded.cause, changed_at = excluded.changed_at, changes = due.changes + 1,
        due_at = CASE WHEN due.attempts = 0 THEN least(due.due_at, excluded.due_at)
            ELSE due.due_at END
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An account that was claimed to be assessed, as it was due then."""

    account_id: UUID
    cause: Cause
    changes: int
    attempts: int
    generation: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many accounts are due, and for how long the first of them has been."""

    accounts: int
    longest: timedelta


async def mark_due(
    connection: AsyncConnection, accounts: Iterable[UUID], *, cause: Cause = "change"
) -> None:
    """Have accounts assessed soon, because something else is known of them after this transaction.

    Call it once in a transaction, after everything else that it writes.
    """
    ids = list(accounts)
    if ids:
        await connection.execute(_MARK, {"ids": ids, "cause": cause})


async def claim_due(connection: AsyncConnection, *, most: int, lease: timedelta) -> tuple[Due, ...]:
    """Take the lease of some accounts that are due and nobody works on, the longest due first."""
    now = func.clock_timestamp()
    free = or_(AssessmentDue.lease_until.is_(None), AssessmentDue.lease_until < now)
    some = (
        select(AssessmentDue.account_id)
        .where(AssessmentDue.due_at <= now, free)
        .order_by(AssessmentDue.due_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(AssessmentDue)
        .where(AssessmentDue.account_id.in_(some))
        .values(generation=AssessmentDue.generation + 1, lease_until=now + lease)
        .returning(
            AssessmentDue.account_id,
            AssessmentDue.cause,
            AssessmentDue.changes,
            AssessmentDue.attempts,
            AssessmentDue.generation,
        )
    )
    rows = await connection.execute(statement)
    return tuple(Due(**row._mapping) for row in rows)  # noqa: SLF001 - a row's members by name


async def hold_due(
    connection: AsyncConnection, claimed: Sequence[Due]
) -> Mapping[UUID, int] | None:
    """Return how often each of *claimed* has changed by now, held until the transaction ends.

    None where one of them was claimed by somebody else since. One that is gone is left out.
    """
    statement = (
        select(AssessmentDue.account_id, AssessmentDue.generation, AssessmentDue.changes)
        .where(AssessmentDue.account_id.in_([one.account_id for one in claimed]))
        .order_by(AssessmentDue.account_id)
        .with_for_update()
    )
    rows = (await connection.execute(statement)).all()
    ours = {one.account_id: one.generation for one in claimed}
    if any(ours[row.account_id] != row.generation for row in rows):
        return None
    return {row.account_id: row.changes for row in rows}


async def end_due(connection: AsyncConnection, accounts: Sequence[UUID]) -> None:
    """Remove the marks of *accounts*, which are held."""
    if accounts:
        await connection.execute(
            delete(AssessmentDue).where(AssessmentDue.account_id.in_(accounts))
        )


async def leave_due(connection: AsyncConnection, accounts: Sequence[UUID]) -> None:
    """Let go of *accounts*, which are held and changed while they were assessed: still due."""
    if accounts:
        await connection.execute(
            update(AssessmentDue)
            .where(AssessmentDue.account_id.in_(accounts))
            .values(since=AssessmentDue.changed_at, attempts=0, lease_until=None)
        )


async def put_off(connection: AsyncConnection, claimed: Due, *, by: timedelta) -> None:
    """Let go of an account that could not be assessed, to be tried again later."""
    await connection.execute(
        update(AssessmentDue)
        .where(
            AssessmentDue.account_id == claimed.account_id,
            AssessmentDue.generation == claimed.generation,
        )
        .values(
            attempts=AssessmentDue.attempts + 1,
            due_at=func.clock_timestamp() + by,
            lease_until=None,
        )
    )


async def count_due(connection: AsyncConnection, *, only_now: bool = False) -> Waiting:
    """Return how many accounts are due; *only_now* those that nobody put off."""
    now = func.clock_timestamp()
    longest = func.coalesce(func.max(now - AssessmentDue.since), timedelta())
    statement = select(func.count(), longest).select_from(AssessmentDue)
    if only_now:
        statement = statement.where(AssessmentDue.due_at <= now, AssessmentDue.attempts == 0)
    count, since = (await connection.execute(statement)).one()
    return Waiting(count, since)


async def postpone_due(connection: AsyncConnection, *, by: timedelta) -> None:
    """Put off everything that is due now, because it is being assessed in another way."""
    now = func.clock_timestamp()
    await connection.execute(
        update(AssessmentDue).where(AssessmentDue.due_at <= now).values(due_at=now + by)
    )


async def forget_before(connection: AsyncConnection, at: datetime) -> int:
    """Remove the marks of accounts that last changed before *at*; return how many those were.

    Not those that somebody works on or that could not be assessed.
    """
    statement = delete(AssessmentDue).where(
        AssessmentDue.changed_at < at,
        AssessmentDue.attempts == 0,
        or_(
            AssessmentDue.lease_until.is_(None),
            AssessmentDue.lease_until < func.clock_timestamp(),
        ),
    )
    result: Any = await connection.execute(statement)
    count: int = result.rowcount
    return count
