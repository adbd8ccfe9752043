"""What is told of decisions that were just written. SQL only."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage.tables import AccountRow, AssessmentRow

__all__ = ["keys_of", "list_moved", "list_staged"]

_STAGED: Final = text(
    "SELECT id, decided_at, rule_set, version, subject, external_id, account_id, verdict, outcome,"
    " certain, final, scores::text AS scores, source FROM staged_decision ORDER BY id"
)


async def keys_of(connection: AsyncConnection, accounts: Sequence[UUID]) -> Mapping[UUID, str]:
    """Return the keys of *accounts*."""
    statement = select(AccountRow.id, AccountRow.key).where(AccountRow.id.in_(accounts))
    found = await connection.execute(statement)
    return {row.id: row.key for row in found}


async def list_moved(connection: AsyncConnection, decisions: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return the assessments that became one of *decisions* and had another outcome before."""
    statement = select(AssessmentRow.__table__).where(
        AssessmentRow.decision_id.in_(decisions),
        AssessmentRow.previous_decision_id.is_not(None),
        AssessmentRow.previous_outcome != AssessmentRow.outcome,
    )
    return (await connection.execute(statement)).all()


async def list_staged(connection: AsyncConnection) -> Sequence[Row[Any]]:
    """Return what is told of each decision in `staged_decision`."""
    return (await connection.execute(_STAGED)).all()
