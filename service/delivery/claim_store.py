"""Deliveries as they are sent: claimed, kept, given up. SQL only, by the database's clock.

The budget is of attempts that came to an end: answered, timed out, not connected. One that was
cut off with its sender is written down, and is none of them.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = [
    "claim",
    "give_up",
    "keep_outcome",
    "let_go",
]

# An endpoint has its turn whatever the others have waiting: its oldest few, fewer where it fails.
_CLAIM: Final = text(
    """
    WITH due AS (
        SELECT one.id FROM endpoint
        LEFT JOIN unnest(CAST(:busy_ids AS uuid[]), CAST(:busy_counts AS int[]))
            AS busy (id, counted) ON busy.id = endpoint.id
        CROSS JOIN LATERAL (
            SELECT delivery.id FROM delivery
            WHERE endpoint_id = endpoint.id AND delivery.state = 'waiting'
                AND next_at <= clock_timestamp() AND attempts - base < :budget
                AND EXISTS (SELECT FROM event WHERE event.id = event_id AND body IS NOT NULL)
            ORDER BY next_at
            LIMIT GREATEST(0, CASE WHEN failing_since IS NULL THEN :each ELSE 1 END
                              - coalesce(counted, 0))
            FOR UPDATE SKIP LOCKED
        ) AS one
        WHERE endpoint.state = 'enabled'
        LIMIT :most
    ), claimed AS (
        UPDATE delivery SET state = 'sending', generation = generation + 1,
            attempts = attempts + 1, next_at = clock_timestamp() + CAST(:lease AS interval),
            first_attempt_at = coalesce(first_attempt_at, clock_timestamp())
        FROM due WHERE delivery.id = due.id
        RETURNING delivery.*
    ), begun AS (
        INSERT INTO delivery_attempt (delivery_id, number, began_at)
        SELECT id, attempts, clock_timestamp() FROM claimed
    )
    SELECT claimed.id, claimed.endpoint_id, claimed.event_id, claimed.generation,
           claimed.attempts, claimed.base, claimed.first_attempt_at, event.body, endpoint.url,
           endpoint.secret, clock_timestamp() AS now,
           CASE WHEN old_secret_until > clock_timestamp() THEN old_secret END AS old_secret
    FROM claimed JOIN event ON event.id = claimed.event_id
    JOIN endpoint ON endpoint.id = claimed.endpoint_id
    """
)
# What comes after the lease was lost is not kept: that attempt counts as cut off already.
_KEEP: Final = text(
    """
    WITH settled AS (
        UPDATE delivery SET state = :state,
            next_at = clock_timestamp() + CAST(:pause AS interval),
            delivered_at = CASE WHEN :state = 'delivered' THEN clock_timestamp() END
        WHERE id = :id AND generation = :generation AND state = 'sending'
        RETURNING id, endpoint_id, event_id
    ), attempted AS (
        UPDATE delivery_attempt
        SET took_ms = :took_ms, status = :status, problem = :problem, excerpt = :excerpt
        FROM settled JOIN event ON event.id = event_id AND body IS NOT NULL
        WHERE delivery_id = settled.id AND number = :number
    ), seen AS (
        UPDATE endpoint
        SET failing_since = CASE WHEN :state <> 'delivered' THEN clock_timestamp() END,
            recovered_at = CASE WHEN :state = 'delivered' THEN clock_timestamp()
                ELSE recovered_at END
        FROM settled
        WHERE endpoint.id = endpoint_id AND (failing_since IS NULL) = (:state <> 'delivered')
    )
    SELECT id FROM settled
    """
)
_GIVE_UP: Final = text(
    """
    UPDATE delivery SET generation = generation + 1,
        state = CASE WHEN body IS NULL THEN 'cancelled' ELSE 'failed' END
    FROM event
    WHERE event.id = event_id AND next_at <= clock_timestamp() AND (
        state IN ('waiting', 'sending') AND body IS NULL
        OR state = 'waiting' AND attempts - base >= :budget
        OR state = 'sending' AND :most_cut_off <= (
            SELECT count(*) FROM delivery_attempt
            WHERE delivery_id = delivery.id AND number > attempts - :most_cut_off
                AND status IS NULL AND problem IS NULL
        )
    )
    RETURNING delivery.id
    """
)
# Due since it was made, which puts it before whatever waits for its first attempt.
_LET_GO: Final = text(
    "UPDATE delivery SET state = 'waiting', next_at = created_at, generation = generation + 1,"
    " base = base + 1 WHERE state = 'sending' AND next_at <= clock_timestamp() RETURNING id"
)
_MOST_CUT_OFF: Final = 100
"""In a row: an hour of crashes is no reason to give a delivery up, and one that causes them is."""


async def claim(
    connection: AsyncConnection,
    *,
    busy: Mapping[UUID, int],
    each: int,
    most: int,
    budget: int,
    lease: timedelta,
) -> Sequence[Row[Any]]:
    """Take up to *most* deliveries that are due, up to *each* of one endpoint.

    *busy* says how many of each endpoint are being sent already. Each one's attempt is counted
    and written down here, before it is made.
    """
    values = {
        "busy_ids": list(busy),
        "busy_counts": list(busy.values()),
        "each": each,
        "most": most,
        "budget": budget,
        "lease": lease,
    }
    return (await connection.execute(_CLAIM, values)).all()


async def keep_outcome(
    connection: AsyncConnection,
    row: Row[Any],
    *,
    state: str,
    pause: timedelta,
    took_ms: int,
    status: int | None,
    problem: str | None,
    excerpt: str | None,
) -> bool:
    """Say how the attempt of a claim went and what becomes of the delivery.

    Returns whether the claim still holds; where it does not, nothing is kept. What was sent may
    have been erased meanwhile: then nothing is written of the attempt. The endpoint remembers
    since when nothing succeeds.
    """
    values = {"state": state, "pause": pause, "id": row.id, "generation": row.generation}
    values |= {"took_ms": took_ms, "status": status, "problem": problem, "excerpt": excerpt}
    kept = await connection.execute(_KEEP, values | {"number": row.attempts})
    return kept.first() is not None


async def give_up(connection: AsyncConnection, *, budget: int) -> int:
    """End deliveries that have no attempt left, or whose event was erased; return how many."""
    values = {"budget": budget, "most_cut_off": _MOST_CUT_OFF}
    return len((await connection.execute(_GIVE_UP, values)).all())


async def let_go(connection: AsyncConnection) -> int:
    """Put what was cut off with its sender before all that waits; return how many those were.

    The attempt that was cut off is not counted.
    """
    return len((await connection.execute(_LET_GO)).all())
