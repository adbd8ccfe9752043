"""How accounts stand, with the decisions by which they do: SQL only."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage.tables import AssessmentRow, DecisionRow

__all__ = ["list_current"]


async def list_current(
    connection: AsyncConnection, accounts: Sequence[UUID]
) -> dict[tuple[UUID, str], Row[Any]]:
    """Return the current decision of each of *accounts* under each rule set, as far as compared.

    What the decision itself says is null where it is not kept any more.
    """
    statement = (
        select(
            AssessmentRow.account_id,
            AssessmentRow.rule_set,
            AssessmentRow.version,
            AssessmentRow.at,
            DecisionRow.verdict,
            DecisionRow.outcome,
            DecisionRow.certain,
            DecisionRow.outcome_certain,
            DecisionRow.scores,
            DecisionRow.trace,
            DecisionRow.suspensions,
            DecisionRow.trace_before,
        )
        .outerjoin(
            DecisionRow,
            and_(
                DecisionRow.decided_at == AssessmentRow.at,
                DecisionRow.id == AssessmentRow.decision_id,
            ),
        )
        .where(AssessmentRow.account_id.in_(accounts))
    )
    rows = await connection.execute(statement)
    return {(row.account_id, row.rule_set): row for row in rows}
