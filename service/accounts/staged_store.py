"""Many assessments at once, in the database: SQL only."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = ["keep_staged", "keep_staged_before"]

_CURRENT: Final = ("decision_id", "version", "verdict", "outcome", "at")
# What is no longer there, was erased or merged, or has a later decision by now keeps what it
# has. The account's row is held: an erasure waits for us and then finds what we wrote. So is a
# row of an assessment that stays as it is.
_KEEP: Final = text(
    "WITH there AS (SELECT id FROM account WHERE id IN (SELECT account_id FROM staged_decision)"  # noqa: S608 - names of columns
    " AND facts_erased_at IS NULL AND merged_into IS NULL ORDER BY id FOR SHARE),"
    " kept AS (INSERT INTO assessment"
    " (account_id, rule_set, decision_id, version, verdict, outcome, at)"
    " SELECT account_id, rule_set, staged.id, version, verdict, outcome, decided_at"
    " FROM staged_decision AS staged JOIN there ON there.id = staged.account_id"
    " ORDER BY account_id"
    " ON CONFLICT (account_id, rule_set) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _CURRENT)
    + ", "
    + ", ".join(f"previous_{name} = assessment.{name}" for name in _CURRENT)
    + " WHERE (excluded.at, excluded.decision_id) > (assessment.at, assessment.decision_id)"
    " RETURNING decision_id)"
    " SELECT staged.id, there.id IS NOT NULL FROM staged_decision AS staged"
    " LEFT JOIN there ON there.id = staged.account_id"
    " WHERE staged.id NOT IN (SELECT decision_id FROM kept)"
)
_KEEP_BEFORE: Final = text(
    "UPDATE assessment SET previous_decision_id = staged.id, previous_version = staged.version,"
    " previous_verdict = staged.verdict, previous_outcome = staged.outcome,"
    " previous_at = staged.decided_at"
    " FROM staged_decision AS staged"
    " WHERE staged.id = ANY(:ids) AND assessment.account_id = staged.account_id"
    " AND assessment.rule_set = staged.rule_set"
    " AND (staged.decided_at, staged.id) < (assessment.at, assessment.decision_id)"
    " AND coalesce((staged.decided_at, staged.id)"
    " > (assessment.previous_at, assessment.previous_decision_id), true)"
)


async def keep_staged(connection: AsyncConnection) -> dict[UUID, bool]:
    """Make the decisions in `staged_decision` their accounts' current ones, where they are later.

    The relation has the columns of the table of decisions. Returned are the ids of what did not
    become current, each with whether that is only because a later decision stands. Accounts are
    taken in the order of their ids.
    """
    rows = await connection.execute(_KEEP)
    return {row[0]: row[1] for row in rows}


async def keep_staged_before(connection: AsyncConnection, ids: Collection[UUID]) -> None:
    """Make staged decisions the ones before, where they lie between the two that are kept."""
    if ids:
        await connection.execute(_KEEP_BEFORE, {"ids": list(ids)})
