"""Many assessments at once, in the database: SQL only."""

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = ["keep_staged"]

_CURRENT: Final = ("decision_id", "version", "verdict", "outcome", "at")
# What is no longer there, was erased or merged, or has a later decision by now keeps what it
# has. The account's row is held: an erasure waits for us and then finds what we wrote.
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
    " DELETE FROM staged_decision WHERE id NOT IN (SELECT decision_id FROM kept) RETURNING id"
)


async def keep_staged(connection: AsyncConnection) -> set[UUID]:
    """Make the decisions in `staged_decision` their accounts' current ones, where they are later.

    The relation has the columns of the table of decisions; what did not become current is
    removed from it, and its ids are returned. Accounts are taken in the order of their ids.
    """
    return set((await connection.execute(_KEEP)).scalars())
