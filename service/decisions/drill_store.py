"""A sample of decisions in the database: SQL only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Text, cast, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage.tables import DecisionRow

__all__ = ["Key", "read_decisions", "sample_decisions"]

Key = tuple[datetime, UUID]
"""What names a decision and its partition."""


async def sample_decisions(connection: AsyncConnection, *, limit: int | None) -> Sequence[Key]:
    """Return the keys of *limit* decisions, every version's in turn; None is all."""
    shuffled = func.md5(cast(DecisionRow.id, Text))
    turn = func.row_number().over(
        partition_by=(DecisionRow.rule_set, DecisionRow.version), order_by=shuffled
    )
    statement = select(DecisionRow.decided_at, DecisionRow.id).order_by(turn, shuffled).limit(limit)
    return [(row.decided_at, row.id) for row in await connection.execute(statement)]


async def read_decisions(connection: AsyncConnection, keys: Sequence[Key]) -> Sequence[Row[Any]]:
    """Return the decisions with these keys, in no order."""
    key = tuple_(DecisionRow.decided_at, DecisionRow.id)
    statement = select(DecisionRow.__table__).where(key.in_(keys))
    rows: Sequence[Row[Any]] = (await connection.execute(statement)).all()
    return rows
