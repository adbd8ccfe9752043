"""Run jobs as they come, on procrastinate: many at a time, each until it is done or given up.

A worker says every third of a lease that it lives. The jobs of one that has not said so for a
whole lease are let go by whichever worker notices.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any, Final

import psycopg
from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import DeleteJobCondition
from procrastinate.jobs import Job as QueuedJob

from service.queue.registered import Work
from service.storage import (
    QUEUE_SCHEMA,
    DatabaseNotMigrated,
    DatabaseUnavailable,
    Job,
    SessionLimits,
    defer,
    libpq_url,
    prepare_session,
    read_queue_schema,
    recover_stalled,
    session_limits,
    transaction,
)
from service.web import Chore, House, journal, looked_after

__all__ = ["running_jobs"]

_MOST_ATTEMPTS: Final = 12
_MOST_STALLS: Final = 5
_LONGEST_PAUSE_S: Final = 900
_AGAIN_S: Final = 1.0
_PRUNE_EVERY_S: Final = 3_600.0
_log = journal("queue")


@asynccontextmanager
async def running_jobs(house: House, works: Mapping[Job, Work]) -> AsyncIterator[None]:
    """Carry out what the queue holds until the block ends; what runs then may come to its end."""
    # It writes every job's args, and errors with their words.
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL + 1)
    task = asyncio.create_task(_run_for_ever(house, works), name="jobs")
    lease = timedelta(seconds=house.settings.job_lease_s)
    recovering = Chore("stalled jobs", lease.total_seconds() / 3, partial(_recover, house, lease))
    pruning = Chore("finished jobs", _PRUNE_EVERY_S, partial(_ask_to_prune, house))
    try:
        async with looked_after(recovering), looked_after(pruning):
            yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _run_for_ever(house: House, works: Mapping[Job, Work]) -> None:
    """Run a worker; where the database takes it down, another one a second later."""
    while True:
        try:
            await _check_schema(house)
            await _run(house, works)
        except (DatabaseUnavailable, DatabaseNotMigrated) as error:
            _log.warning("jobs delayed", why=str(error))
        except (ConnectorException, psycopg.Error, OSError) as error:
            _log.warning("jobs delayed", kind=type(error).__qualname__)
        await asyncio.sleep(_AGAIN_S)


async def _check_schema(house: House) -> None:
    """Refuse a queue that is older than what the library here speaks to."""
    async with transaction(house.engine) as connection:
        found = await read_queue_schema(connection)
    if found is None or found < QUEUE_SCHEMA:
        words = "the queue's tables are older than this version needs; run `goodfit migrate`"
        raise DatabaseNotMigrated(words)


async def _run(house: House, works: Mapping[Job, Work]) -> None:
    settings = house.settings
    app = _app_of(house, works)
    async with app.open_async():
        await app.run_worker_async(
            queues=["goodfit"],
            concurrency=settings.jobs_at_once,
            fetch_job_polling_interval=settings.look_for_jobs_every_s,
            update_heartbeat_interval=settings.job_lease_s / 3,
            stalled_worker_timeout=settings.job_lease_s,
            shutdown_graceful_timeout=settings.shutdown_s,
            delete_jobs=DeleteJobCondition.SUCCESSFUL,
            listen_notify=False,
            install_signal_handlers=False,
        )


def _app_of(house: House, works: Mapping[Job, Work]) -> App:
    limits = session_limits(house.settings)
    connector = PsycopgConnector(
        conninfo=libpq_url(house.engine.url.render_as_string(hide_password=False)),
        kwargs={"application_name": "goodfit jobs", "connect_timeout": 2},
        configure=partial(_configure, limits=limits),
        min_size=1,
        max_size=4,
        timeout=limits.connect.total_seconds(),
    )
    app = App(connector=connector)
    for job, work in works.items():
        register = app.task(name=job.value, queue="goodfit", retry=_Again(), pass_context=True)
        register(partial(_carry_out, work))
    return app


async def _configure(connection: psycopg.AsyncConnection[Any], *, limits: SessionLimits) -> None:
    await prepare_session(connection, limits=limits)


async def _carry_out(work: Work, context: JobContext, **args: Any) -> None:  # noqa: ANN401 - JSON
    try:
        await work(**args)
    # The front door of jobs. Whatever went wrong is noted by its kind, since its words may hold
    # what people sent, and raised again: the queue decides whether it is tried once more.
    except Exception as error:
        job = context.job
        tell = _log.error if job.attempts + 1 >= _MOST_ATTEMPTS else _log.warning
        kind = type(error).__qualname__
        tell("job failed", job=job.task_name, number=job.id, attempt=job.attempts + 1, kind=kind)
        raise


class _Again(BaseRetryStrategy):
    """Try again after 2 s, 4 s, 8 s ... a quarter of an hour: for some two hours."""

    def get_retry_decision(
        self, *, exception: BaseException, job: QueuedJob
    ) -> RetryDecision | None:
        """Return when *job* is tried again; None where it was tried often enough."""
        del exception
        if job.attempts + 1 >= _MOST_ATTEMPTS:
            return None
        return RetryDecision(retry_in={"seconds": min(2 ** (job.attempts + 1), _LONGEST_PAUSE_S)})


async def _recover(house: House, lease: timedelta) -> None:
    async with transaction(house.engine) as connection:
        found = await recover_stalled(connection, lease=lease, most=_MOST_STALLS)
    for name, goes_on in found:
        tell = _log.warning if goes_on else _log.error
        tell("job of a dead worker", job=name, goes_on=goes_on)


async def _ask_to_prune(house: House) -> None:
    async with transaction(house.engine) as connection:
        await defer(connection, Job.FORGET_FINISHED, queueing_lock=Job.FORGET_FINISHED.value)
