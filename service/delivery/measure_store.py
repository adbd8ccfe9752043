"""How much waits, and how sending goes, for whoever watches the service. SQL only.

It is asked for every few seconds by every process: nothing here reads more than `_MOST` rows of an
endpoint, whatever waits for it.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = ["count_attempts", "count_deliveries"]

_MOST: Final = 10_000
_DELIVERIES: Final = text(
    """
    SELECT endpoint.id, endpoint.state, failing_since IS NOT NULL AS is_failing,
        waiting, sending, oldest, failed
    FROM endpoint
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting,
            count(*) FILTER (WHERE state = 'sending') AS sending,
            clock_timestamp() - min(created_at) AS oldest
        FROM (
            SELECT state, created_at FROM delivery
            WHERE endpoint_id = endpoint.id AND delivery.state IN ('waiting', 'sending')
            ORDER BY next_at LIMIT :most
        ) AS open
    ) AS open
    CROSS JOIN LATERAL (
        SELECT count(*) AS failed FROM (
            SELECT FROM delivery
            WHERE endpoint_id = endpoint.id AND delivery.state = 'failed' LIMIT :most
        ) AS over
    ) AS over
    ORDER BY endpoint.id
    """
)
_ATTEMPTS: Final = text(
    """
    SELECT result, count(*) AS number FROM (
        SELECT coalesce(
            problem, CASE WHEN status BETWEEN 200 AND 299 THEN 'delivered' ELSE 'refused' END
        ) AS result
        FROM delivery_attempt
        WHERE began_at > clock_timestamp() - CAST(:within AS interval)
            AND (status IS NOT NULL OR problem IS NOT NULL)
    ) AS ended
    GROUP BY result
    """
)


async def count_deliveries(connection: AsyncConnection) -> Sequence[Row[Any]]:
    """Return of each endpoint what waits, is being sent and was given up: up to 10,000 of each.

    With it: for how long the first of those that are not over has been; None where there is none.
    """
    return (await connection.execute(_DELIVERIES, {"most": _MOST})).all()


async def count_attempts(connection: AsyncConnection, *, within: timedelta) -> dict[str, int]:
    """Return how many attempts that began *within* that time ended how."""
    rows = await connection.execute(_ATTEMPTS, {"within": within})
    return {row.result: row.number for row in rows}
