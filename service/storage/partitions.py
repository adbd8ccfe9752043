"""Decisions by the month: partitions made ahead, and what fell outside them."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = ["StrayDecisions", "ensure_partitions", "find_stray_decisions", "list_partitions"]


@dataclass(frozen=True, slots=True)
class StrayDecisions:
    """Decisions of one month that lie in the default partition."""

    month: date
    count: int


async def ensure_partitions(connection: AsyncConnection, *, ahead: int = 3) -> tuple[str, ...]:
    """Make the partitions of this month and the next *ahead*; return the names of new ones.

    What the default partition holds of those months moves into them. Months are the
    database's, in UTC. Any number of processes may call it at once.

    Raises:
        sqlalchemy.exc.DBAPIError: If *ahead* is not 0 to 24.
    """
    made = await connection.execute(select(func.goodfit_ensure_partitions(ahead)))
    return tuple(made.scalars())


async def list_partitions(connection: AsyncConnection) -> tuple[str, ...]:
    """Return the names of the decision partitions, the default one included, sorted."""
    found = await connection.execute(
        text(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'decision'::regclass ORDER BY 1"
        )
    )
    return tuple(found.scalars())


async def find_stray_decisions(connection: AsyncConnection) -> tuple[StrayDecisions, ...]:
    """Return, by month, how many decisions lie in the default partition; none is the norm.

    Past months (imports with old clocks) are harmless; this month or a later one means
    that nobody made partitions, and `ensure_partitions` mends it.
    """
    found = await connection.execute(
        text(
            "SELECT date_trunc('month', decided_at, 'UTC')::date AS month, count(*) AS strays"
            " FROM decision_default GROUP BY 1 ORDER BY 1"
        )
    )
    return tuple(StrayDecisions(row.month, row.strays) for row in found)
