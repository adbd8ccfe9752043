"""The way to the database: sessions with limits, and one transaction per request.

Every session, pooled or raw, runs as the role `goodfit_app`, in UTC, and under a
statement, a lock and an idle timeout.
"""

import asyncio
import functools
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
from sqlalchemy import event, exc, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from service.settings import Settings
from service.storage.deadlines import cut_off_after
from service.storage.refusals import DatabaseUnavailable, as_refusal, without_values

__all__ = [
    "APP_ROLE",
    "SessionLimits",
    "connect_raw",
    "database_refusals",
    "driver_of",
    "libpq_url",
    "measure_skew",
    "open_engine",
    "prepare_session",
    "read_clock",
    "session_limits",
    "transaction",
]

APP_ROLE: Final = "goodfit_app"

_WITHIN: Final = "goodfit_within"
_IS_NEW: Final = "goodfit_is_new"
_PING_WITHIN: Final = timedelta(seconds=0.5)
# For all of it: waiting for the pool, asking an old session whether it lives, opening
# another. libpq alone would wait two seconds for a server that says nothing.
_SESSION_WITHIN_S: Final = 1.6

_SESSION: Final = (
    "SELECT set_config('TimeZone', 'UTC', false), set_config('search_path', 'public', false),"
    " set_config('statement_timeout', %s, false),"
    " set_config('lock_timeout', %s, false),"
    " set_config('idle_in_transaction_session_timeout', %s, false),"
    " set_config('role', %s, false)"
)
# Not orjson: a whole number past 64 bits is valid JSON and must not become an error here.
_dump_json: Final = functools.partial(
    json.dumps, allow_nan=False, ensure_ascii=False, separators=(",", ":")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """How long anything may take, and how many sessions one process opens."""

    statement: timedelta = timedelta(seconds=5)
    lock: timedelta = timedelta(seconds=2)
    idle_in_transaction: timedelta = timedelta(seconds=10)
    transaction: timedelta = timedelta(seconds=4)
    """Longer than a wait for a lock, which has an answer of its own."""
    connect: timedelta = timedelta(seconds=2)
    pool_wait: timedelta = timedelta(seconds=1)
    pool_size: int = 5


def session_limits(settings: Settings) -> SessionLimits:
    """Return the limits that *settings* ask for."""
    return SessionLimits(
        statement=timedelta(seconds=settings.statement_timeout_s),
        lock=timedelta(seconds=settings.lock_timeout_s),
        idle_in_transaction=timedelta(seconds=settings.idle_in_transaction_timeout_s),
        transaction=timedelta(seconds=settings.transaction_timeout_s),
        connect=timedelta(seconds=settings.connect_timeout_s),
        pool_wait=timedelta(seconds=settings.pool_timeout_s),
        pool_size=settings.pool_size,
    )


def open_engine(url: str, *, limits: SessionLimits | None = None) -> AsyncEngine:
    """Return a pool of sessions on *url* (`postgresql+psycopg://...`); it connects on first use.

    Errors carry no parameters and none of the values Postgres would print.
    """
    limits = limits or SessionLimits()
    engine = create_async_engine(
        url,
        hide_parameters=True,
        json_serializer=_dump_json,
        pool_size=limits.pool_size,
        max_overflow=0,
        pool_timeout=limits.pool_wait.total_seconds(),
        connect_args=_connect_arguments(limits),
    )

    def prepare(connection: Any, record: ConnectionPoolEntry) -> None:  # noqa: ANN401 - an untyped adapter
        cursor = connection.cursor()
        cursor.execute(_SESSION, _session_values(limits))
        cursor.close()
        connection.commit()
        record.info[_IS_NEW] = True

    def check_alive(connection: Any, record: ConnectionPoolEntry, proxy: object) -> None:  # noqa: ANN401 - an untyped adapter
        # SQLAlchemy's own check would wait for ever for a backend that has stopped. One that was
        # just made has answered: a second that did not would be no refusal but somebody's bug.
        del proxy
        if record.info.pop(_IS_NEW, False):
            return
        with cut_off_after(_driver_of(record.driver_connection), _PING_WITHIN):
            try:
                engine.dialect.do_ping(connection)
            except psycopg.Error as error:
                raise exc.DisconnectionError("the session does not answer") from error

    event.listen(engine.sync_engine, "connect", prepare)
    event.listen(engine.sync_engine, "checkout", check_alive)
    engine = engine.execution_options(**{_WITHIN: limits.transaction})
    event.listen(engine.sync_engine, "handle_error", _remove_values)
    return engine


async def connect_raw(
    url: str, *, limits: SessionLimits | None = None
) -> psycopg.AsyncConnection[tuple[Any, ...]]:
    """Return one psycopg connection outside the pool, in autocommit, with the same session.

    For the shared writer, COPY and LISTEN. Run statements within `database_refusals()`.

    Raises:
        DatabaseUnavailable: If there is no connection within `limits.connect`.
        DatabaseNotMigrated: If the role is missing.
    """
    limits = limits or SessionLimits()
    with database_refusals():
        connection = await psycopg.AsyncConnection.connect(
            libpq_url(url), autocommit=True, **_connect_arguments(limits)
        )
        try:
            await prepare_session(connection, limits=limits)
        except BaseException:
            await connection.close()
            raise
    return connection


async def prepare_session(
    connection: psycopg.AsyncConnection[Any], *, limits: SessionLimits
) -> None:
    """Give a session that was opened elsewhere the role, the clock and the limits of ours."""
    await connection.execute(_SESSION, _session_values(limits))
    if not connection.autocommit:
        await connection.commit()


@asynccontextmanager
async def transaction(
    engine: AsyncEngine, *, within: timedelta | None = None
) -> AsyncIterator[AsyncConnection]:
    """Open one transaction; it is committed when the block ends and rolled back if it raises.

    Send no answer inside the block: only after it is anything kept. The whole of it may
    take *within*, by default what the engine's limits say (4 s); past that the session is
    cut off, whether or not the server still answers.

    Raises:
        DatabaseUnavailable: If there is no session within the pool's wait, the server is
            away, busy or over a timeout. Whether a commit that was cut off took place is
            then unknown; a retry with the same Idempotency-Key finds out.
        DatabaseNotMigrated: If the schema or the role is missing.
    """
    limit = within or engine.get_execution_options()[_WITHIN]
    with database_refusals(), ExitStack() as watch:
        async with AsyncExitStack() as session:
            try:
                async with asyncio.timeout(_SESSION_WITHIN_S):
                    connection = await session.enter_async_context(engine.begin())
            except TimeoutError:
                words = "the database does not answer in time; try again in a second"
                raise DatabaseUnavailable(words) from None
            watch.enter_context(cut_off_after(await driver_of(connection), limit))
            yield connection


@contextmanager
def database_refusals() -> Iterator[None]:
    """Turn the driver's errors that are nobody's bug into the two refusals of this floor."""
    try:
        yield
    except (exc.TimeoutError, exc.DBAPIError, psycopg.Error) as error:
        if isinstance(error, psycopg.Error):
            error.args = (without_values(error),)
        refusal = as_refusal(error)
        if refusal is None:
            raise
        raise refusal from error


async def read_clock(connection: AsyncConnection) -> datetime:
    """Return the database's clock now (not the transaction's start), in UTC."""
    clock: datetime = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
    return clock


async def measure_skew(connection: AsyncConnection, *, now: Callable[[], datetime]) -> timedelta:
    """Return by how much our clock is certainly ahead of the database's (behind: negative).

    The round trip cannot be told from skew, so what it could explain is taken off:
    zero where the database's instant lies between our two readings.
    """
    before = now()
    theirs = await read_clock(connection)
    after = now()
    if theirs < before:
        return before - theirs
    if theirs > after:
        return after - theirs
    return timedelta(0)


async def driver_of(connection: AsyncConnection) -> psycopg.AsyncConnection[Any]:
    """Return psycopg's connection under *connection*, in the same transaction.

    For statements where the way through SQLAlchemy costs more than the statement; errors are
    the driver's own.
    """
    return _driver_of((await connection.get_raw_connection()).driver_connection)


def libpq_url(url: str) -> str:
    """Return *url* without SQLAlchemy's driver, as psycopg and libpq read it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def _driver_of(connection: object) -> psycopg.AsyncConnection[Any]:
    if not isinstance(connection, psycopg.AsyncConnection):
        raise AssertionError("a session of the pool is a psycopg connection")  # noqa: TRY004 - a bug, not a type to check
    return connection


def _connect_arguments(limits: SessionLimits) -> dict[str, Any]:
    return {
        "application_name": "goodfit",
        "connect_timeout": max(1, round(limits.connect.total_seconds())),
        "tcp_user_timeout": 10_000,  # ms: a vanished host is noticed, not waited for
    }


def _session_values(limits: SessionLimits) -> tuple[str, str, str, str]:
    return (
        _milliseconds(limits.statement),
        _milliseconds(limits.lock),
        _milliseconds(limits.idle_in_transaction),
        APP_ROLE,
    )


def _milliseconds(duration: timedelta) -> str:
    return f"{max(1, round(duration / timedelta(milliseconds=1)))}ms"


def _remove_values(context: ExceptionContext) -> None:
    """Take what Postgres quotes of people's data out of an error before anybody logs it."""
    original = context.original_exception
    if not isinstance(original, psycopg.Error):
        return
    words = without_values(original)
    original.args = (words,)
    if context.sqlalchemy_exception is not None:
        context.sqlalchemy_exception.args = (words,)
