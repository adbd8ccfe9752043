"""Deliveries as they are sent: claimed, kept, given up. SQL only, by the database's clock."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = [
    "claim",
    "give_up",
    "keep_attempt",
    "let_go",
    "note_failure",
    "note_success",
    "settle",
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
            WHERE endpoint_id = endpoint.id AND delivery.state IN ('waiting', 'sending')
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
_SETTLE: Final = text(
    """
    UPDATE delivery SET state = :state,
        next_at = clock_timestamp() + CAST(:pause AS interval),
        delivered_at = CASE WHEN :state = 'delivered' THEN clock_timestamp() END
    WHERE id = :id AND generation = :generation AND state = 'sending' RETURNING id
    """
)
_ATTEMPT: Final = text(
    """
    UPDATE delivery_attempt
    SET took_ms = :took_ms, status = :status, problem = :problem, excerpt = :excerpt
    WHERE delivery_id = :id AND number = :number AND EXISTS (
        SELECT FROM delivery JOIN event ON event.id = event_id
        WHERE delivery.id = :id AND body IS NOT NULL
    )
    """
)
_GIVE_UP: Final = text(
    """
    UPDATE delivery SET generation = generation + 1,
        state = CASE WHEN body IS NULL THEN 'cancelled' ELSE 'failed' END
    FROM event
    WHERE event.id = event_id AND state IN ('waiting', 'sending')
        AND next_at <= clock_timestamp() AND (attempts - base >= :budget OR body IS NULL)
    RETURNING delivery.id
    """
)
# Due since it was made, which puts it before whatever waits for its first attempt.
_LET_GO: Final = text(
    "UPDATE delivery SET state = 'waiting', next_at = created_at, generation = generation + 1"
    " WHERE state = 'sending' AND next_at <= clock_timestamp() AND attempts - base < :budget"
    " RETURNING id"
)
_FAILURE: Final = text(
    "UPDATE endpoint SET failing_since = clock_timestamp() WHERE id = :id AND failing_since IS NULL"
)
_SUCCESS: Final = text(
    "UPDATE endpoint SET failing_since = NULL, recovered_at = clock_timestamp()"
    " WHERE id = :id AND failing_since IS NOT NULL"
)


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


async def settle(
    connection: AsyncConnection, row: Row[Any], *, state: str, pause: timedelta = timedelta(0)
) -> bool:
    """Say what became of a claimed delivery; return whether the claim still holds."""
    values = {"state": state, "pause": pause, "id": row.id, "generation": row.generation}
    return (await connection.execute(_SETTLE, values)).first() is not None


async def keep_attempt(
    connection: AsyncConnection,
    row: Row[Any],
    *,
    took_ms: int,
    status: int | None,
    problem: str | None,
    excerpt: str | None,
) -> None:
    """Write down how the attempt of a claim went, unless what was sent has been erased."""
    values = {"took_ms": took_ms, "status": status, "problem": problem, "excerpt": excerpt}
    await connection.execute(_ATTEMPT, {**values, "id": row.id, "number": row.attempts})


async def give_up(connection: AsyncConnection, *, budget: int) -> int:
    """End deliveries whose last attempt was cut off, or whose event was erased; return how many."""
    return len((await connection.execute(_GIVE_UP, {"budget": budget})).all())


async def let_go(connection: AsyncConnection, *, budget: int) -> int:
    """Put what was cut off with its sender before all that waits; return how many those were."""
    return len((await connection.execute(_LET_GO, {"budget": budget})).all())


async def note_failure(connection: AsyncConnection, endpoint_id: UUID) -> None:
    """Remember since when nothing succeeds."""
    await connection.execute(_FAILURE, {"id": endpoint_id})


async def note_success(connection: AsyncConnection, endpoint_id: UUID) -> None:
    """Forget since when nothing succeeded."""
    await connection.execute(_SUCCESS, {"id": endpoint_id})
