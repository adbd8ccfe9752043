"""Work that waits in the queue: its names, and how a room asks for it.

A job is written by the caller's own transaction: data and job are committed together, or
neither is. It is carried out after that commit, by another process, at least once: a worker
may be killed after the work and before it could say so. So whatever a job does may be done
twice.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = ["Job", "defer"]


class Job(StrEnum):
    """Every job there is. What each does is registered by `service.queue`."""

    FORGET_FINISHED = "forget_finished_jobs"
    TRANSLATE_INTAKE = "translate_intake"
    RESYNC_CONNECTION = "resync_connection"
    WRITE_BACK = "write_back"
    ERASE_SUBJECT = "erase_subject"


# An UPDATE where the same work waits already: it locks that job until we commit, so that no
# worker can take it up before it can see what we have written.
_DEFER: Final = text(
    """
    INSERT INTO procrastinate_jobs
        (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at)
    VALUES ('goodfit', :job, :priority, :lock, :queueing_lock, :args, :scheduled_at)
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO UPDATE
    SET priority = GREATEST(procrastinate_jobs.priority, excluded.priority),
        scheduled_at = CASE WHEN excluded.scheduled_at < procrastinate_jobs.scheduled_at
            THEN excluded.scheduled_at
            WHEN excluded.scheduled_at IS NOT NULL THEN procrastinate_jobs.scheduled_at END
    RETURNING id
    """
).bindparams(bindparam("args", type_=JSONB))


async def defer(
    connection: AsyncConnection,
    job: Job,
    args: Mapping[str, Any] | None = None,
    *,
    lock: str | None = None,
    queueing_lock: str | None = None,
    schedule_at: datetime | None = None,
    priority: int = 0,
) -> int:
    """Ask for a job in the transaction of *connection*, by one statement; return its number.

    Args:
        connection: Of the transaction that causes the work.
        job: What is to be done.
        args: What the work is called with, by name; JSON, and ids rather than what people sent,
            for whoever operates the service reads them.
        lock: Jobs with the same one run one at a time, in the order in which they were asked for.
        queueing_lock: Where a job with the same one waits already, that one stands for both,
            with the args it has, at the sooner of both instants. One that has begun does not.
        schedule_at: Not before this instant; by default as soon as there is a turn.
        priority: A higher one comes first.

    A transaction that asks for several with a *queueing_lock* asks in the order of those, or
    two of them may wait for each other.
    """
    values = {
        "job": job.value,
        "priority": priority,
        "lock": lock,
        "queueing_lock": queueing_lock,
        "args": dict(args or {}),
        "scheduled_at": schedule_at,
    }
    return int((await connection.execute(_DEFER, values)).scalar_one())
