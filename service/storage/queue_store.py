"""The queue's rows, as whoever operates the service asks about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = ["JobCounts", "count_jobs", "forget_finished", "recover_stalled"]

_COUNTS: Final = text(
    """
    SELECT task_name,
           count(*) FILTER (WHERE status = 'todo' AND is_due),
           count(*) FILTER (WHERE status = 'todo' AND NOT is_due),
           count(*) FILTER (WHERE status = 'doing'),
           count(*) FILTER (WHERE status = 'failed'),
           max(clock_timestamp() - coalesce(scheduled_at, asked_at))
               FILTER (WHERE status = 'todo' AND is_due)
    FROM procrastinate_jobs AS job
    CROSS JOIN LATERAL (
        SELECT scheduled_at IS NULL OR scheduled_at <= clock_timestamp() AS is_due
    ) AS due
    LEFT JOIN LATERAL (
        SELECT min(at) AS asked_at FROM procrastinate_events
        WHERE job_id = job.id AND job.status = 'todo' AND job.scheduled_at IS NULL
    ) AS asked ON true
    WHERE status IN ('todo', 'doing', 'failed')
    GROUP BY task_name ORDER BY task_name
    """
)
_RECOVER: Final = text(
    """
    WITH stalled AS (
        SELECT job.id, job.attempts + 1 < :most AS goes_on FROM procrastinate_jobs AS job
        WHERE status = 'doing' AND NOT EXISTS (
            SELECT FROM procrastinate_workers AS worker
            WHERE worker.id = job.worker_id AND last_heartbeat > clock_timestamp() - :lease
        )
        FOR UPDATE SKIP LOCKED
    )
    UPDATE procrastinate_jobs AS job
    SET status = CASE WHEN goes_on THEN 'todo' ELSE 'failed' END::procrastinate_job_status,
        scheduled_at = CASE WHEN goes_on THEN NULL ELSE scheduled_at END,
        attempts = attempts + 1, worker_id = NULL, abort_requested = false
    FROM stalled WHERE job.id = stalled.id
    RETURNING job.task_name, goes_on
    """
)
_FORGET: Final = text(
    """
    DELETE FROM procrastinate_jobs WHERE id IN (
        SELECT job.id FROM procrastinate_jobs AS job
        WHERE status NOT IN ('todo', 'doing') AND NOT EXISTS (
            SELECT FROM procrastinate_events
            WHERE job_id = job.id AND at > clock_timestamp() - :older
        )
        LIMIT :most FOR UPDATE SKIP LOCKED
    )
    """
)


@dataclass(frozen=True, slots=True)
class JobCounts:
    """How many jobs of one name there are: due, for later, running, given up.

    *oldest* is how long the first of those that are due has been waiting.
    """

    job: str
    waiting: int
    later: int
    running: int
    failed: int
    oldest: timedelta


async def count_jobs(connection: AsyncConnection) -> tuple[JobCounts, ...]:
    """Return the counts of every name that has a job."""
    rows = (await connection.execute(_COUNTS)).all()
    return tuple(
        JobCounts(job, waiting, later, running, failed, oldest or timedelta(0))
        for job, waiting, later, running, failed, oldest in rows
    )


async def recover_stalled(
    connection: AsyncConnection, *, lease: timedelta, most: int
) -> Sequence[tuple[str, bool]]:
    """Let the jobs of workers that gave no sign of life for a *lease* be taken up again.

    Returns:
        The name of each, and whether it goes on; one that was begun *most* times has failed.
    """
    found = await connection.execute(_RECOVER, {"lease": lease, "most": most})
    return [(name, goes_on) for name, goes_on in found]


async def forget_finished(connection: AsyncConnection, *, older: timedelta, most: int) -> int:
    """Remove up to *most* jobs that ended longer ago than *older*; return how many those were."""
    values = {"older": older, "most": most}
    return (await connection.execute(_FORGET, values)).rowcount
