"""Sessions and transactions: limits on each, all or nothing, and refusals without data."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import Connection
from sqlalchemy import insert, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from service.settings import Settings
from service.storage import (
    DatabaseNotMigrated,
    DatabaseUnavailable,
    SessionLimits,
    connect_raw,
    database_refusals,
    libpq_url,
    make_uuid,
    measure_skew,
    open_engine,
    read_clock,
    session_limits,
    transaction,
)
from service.storage.tables import AccountRow
from tests.storage.between import Between, socket_of

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
# SQLAlchemy's way of asking: a query of a semicolon.
ASKS_WHETHER_IT_LIVES = b"Q" + (6).to_bytes(4, "big") + b";\0"

pytestmark = pytest.mark.anyio


def account(key: str) -> dict[str, object]:
    """Return the columns of an account."""
    return {
        "id": make_uuid(NOON, key.encode().rjust(8)[-8:]),
        "key": key,
        "facts": {"mail": "ann@fleet.example"},
        "provenance": {},
        "row_version": 1,
        "created_at": NOON,
        "updated_at": NOON,
    }


async def run(engine: AsyncEngine, *statements: str) -> None:
    """Run *statements* in one transaction."""
    async with transaction(engine) as connection:
        for statement in statements:
            await connection.execute(text(statement))


async def count_accounts(engine: AsyncEngine) -> int:
    """Return how many accounts are stored."""
    async with transaction(engine) as connection:
        found: int = (await connection.execute(text("SELECT count(*) FROM account"))).scalar_one()
        return found


async def test_every_session_has_its_limits_role_and_zone(database_url: str) -> None:
    """Pooled or raw, no session can wait for ever, own anything, or speak local time."""
    limits = SessionLimits(
        statement=timedelta(seconds=1.5),
        lock=timedelta(milliseconds=300),
        idle_in_transaction=timedelta(seconds=7),
    )
    query = (
        "SELECT current_user, current_setting('statement_timeout'),"
        " current_setting('lock_timeout'),"
        " current_setting('idle_in_transaction_session_timeout'),"
        " current_setting('TimeZone'), current_setting('search_path')"
    )
    expected = ("goodfit_app", "1500ms", "300ms", "7s", "UTC", "public")
    engine = open_engine(database_url, limits=limits)
    async with transaction(engine) as connection:
        assert tuple((await connection.execute(text(query))).one()) == expected
    async with transaction(engine) as connection:
        assert tuple((await connection.execute(text(query))).one()) == expected
    await engine.dispose()
    raw = await connect_raw(database_url, limits=limits)
    assert await (await raw.execute(query)).fetchone() == expected
    await raw.close()


def test_limits_come_from_the_settings() -> None:
    """What the environment says is what a session gets."""
    settings = Settings(statement_timeout_s=1, lock_timeout_s=0.5, pool_timeout_s=0.2, pool_size=2)
    limits = session_limits(settings)
    assert limits.statement == timedelta(seconds=1)
    assert limits.lock == timedelta(seconds=0.5)
    assert limits.pool_wait == timedelta(seconds=0.2)
    assert limits.pool_size == 2
    assert session_limits(Settings()) == SessionLimits()


async def test_a_transaction_is_committed_when_its_block_ends(engine: AsyncEngine) -> None:
    """After the block, and not a line later, everybody else sees it."""
    async with transaction(engine) as connection:
        await connection.execute(insert(AccountRow).values(account("north")))
        assert await count_accounts(engine) == 0
    assert await count_accounts(engine) == 1


async def test_a_transaction_that_raises_leaves_nothing(engine: AsyncEngine) -> None:
    """Half a request is none."""

    async def fail_halfway() -> None:
        async with transaction(engine) as connection:
            await connection.execute(insert(AccountRow).values(account("north")))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_halfway()
    assert await count_accounts(engine) == 0


async def test_a_cancelled_transaction_leaves_nothing_and_no_session_behind(
    database_url: str,
) -> None:
    """A client that leaves in the middle costs neither data nor a place in the pool."""
    engine = open_engine(database_url, limits=SessionLimits(pool_size=1))

    async def write_and_wait() -> None:
        async with transaction(engine) as connection:
            await connection.execute(insert(AccountRow).values(account("north")))
            await connection.execute(text("SELECT pg_sleep(4)"))

    task = asyncio.create_task(write_and_wait())
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await count_accounts(engine) == 0
    await engine.dispose()


@pytest.mark.parametrize("when", ["before the last statement", "before the commit"])
async def test_a_killed_session_leaves_nothing(
    engine: AsyncEngine, database_url: str, when: str
) -> None:
    """A connection that dies in the middle of a transaction takes all of it along."""

    async def lose_the_connection() -> None:
        async with transaction(engine) as connection:
            await connection.execute(insert(AccountRow).values(account("north")))
            pid = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            with Connection.connect(libpq_url(database_url), autocommit=True) as owner:
                owner.execute("SELECT pg_terminate_backend(%s, 2000)", (pid,))
            if when == "before the last statement":
                await connection.execute(insert(AccountRow).values(account("south")))

    with pytest.raises(DatabaseUnavailable):
        await lose_the_connection()
    assert await count_accounts(engine) == 0, "and the pool has a new session"


async def test_a_restarted_server_costs_at_most_the_transaction_it_cut(
    engine: AsyncEngine, database_url: str
) -> None:
    """Sessions that died idle in the pool are replaced without anybody noticing."""
    await asyncio.gather(*(count_accounts(engine) for _ in range(5)))
    with Connection.connect(libpq_url(database_url), autocommit=True) as owner:
        owner.execute(
            "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert await asyncio.gather(*(count_accounts(engine) for _ in range(5))) == [0] * 5


async def test_a_session_that_takes_the_place_of_a_dead_one_is_not_asked_whether_it_lives(
    database_url: str,
) -> None:
    """It has just answered; were it asked and silent too, the caller would hear of a defect."""
    between = Between(socket_of(database_url), breaks_at=ASKS_WHETHER_IT_LIVES)
    async with await asyncio.start_server(between.meet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        far = make_url(database_url).set(host="127.0.0.1", port=port, query={"sslmode": "disable"})
        engine = open_engine(far.render_as_string(hide_password=False))
        for asked in range(3):
            assert await count_accounts(engine) == 0
            assert between.breaks == asked
        await engine.dispose()


async def test_a_full_pool_refuses_within_a_second(database_url: str) -> None:
    """Waiting longer would only make the queue longer."""
    limits = SessionLimits(pool_size=1, pool_wait=timedelta(seconds=0.2))
    engine = open_engine(database_url, limits=limits)
    async with transaction(engine):
        began = asyncio.get_running_loop().time()
        with pytest.raises(DatabaseUnavailable, match="every database session is in use"):
            await count_accounts(engine)
        assert asyncio.get_running_loop().time() - began < 1
    await engine.dispose()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://ann:secret@127.0.0.1:1/goodfit",
        "postgresql+psycopg://ann:secret@/goodfit?host=/nowhere",
    ],
)
async def test_a_server_that_is_away_is_a_refusal_without_the_password(url: str) -> None:
    """Away is not a bug: the caller is told to come back."""
    engine = open_engine(url)
    with pytest.raises(DatabaseUnavailable) as refused:
        await count_accounts(engine)
    assert refused.value.retry_after_s == 1
    assert "secret" not in repr(refused.value.__cause__)
    with pytest.raises(DatabaseUnavailable):
        await connect_raw(url)
    await engine.dispose()


async def test_a_slow_statement_and_a_held_lock_are_refused_in_time(
    database_url: str, engine: AsyncEngine
) -> None:
    """Deadlines are the server's, so they hold whatever the client does."""
    limits = SessionLimits(
        statement=timedelta(seconds=0.3),
        lock=timedelta(seconds=0.1),
        idle_in_transaction=timedelta(seconds=0.2),
    )
    hurried = open_engine(database_url, limits=limits)
    with pytest.raises(DatabaseUnavailable):
        await run(hurried, "SELECT pg_sleep(2)")
    async with transaction(engine) as connection:
        await connection.execute(text("LOCK TABLE account IN SHARE MODE"))
        with pytest.raises(DatabaseUnavailable) as refused:
            await run(hurried, "UPDATE account SET row_version = 1")
        assert "LockNotAvailable" in str(refused.value.__cause__)

    async def dawdle() -> None:
        async with transaction(hurried) as connection:
            await connection.execute(text("SELECT 1"))
            await asyncio.sleep(0.5)
            await connection.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnavailable):
        await dawdle()
    await hurried.dispose()


async def test_a_database_without_the_schema_says_what_to_run(empty_database_url: str) -> None:
    """Forgetting to migrate is answered with the command that does it."""
    engine = open_engine(empty_database_url)
    with pytest.raises(DatabaseNotMigrated, match="goodfit migrate"):
        await count_accounts(engine)
    await engine.dispose()


@pytest.mark.parametrize(
    ("statement", "kept"),
    [
        ("INSERT INTO account SELECT * FROM account", "uq_account_key|pk_account"),
        ("SELECT 'ann@fleet.example'::integer", "InvalidTextRepresentation"),
        ('SELECT \'{"mail": "ann@fleet.example\'::jsonb', "InvalidTextRepresentation"),
        ("UPDATE account SET row_version = 0", "ck_account_row_version"),
        ("UPDATE account SET created_at = NULL", "created_at"),
    ],
)
async def test_no_error_and_no_log_repeats_a_value(
    engine: AsyncEngine, caplog: pytest.LogCaptureFixture, statement: str, kept: str
) -> None:
    """Postgres's DETAIL and the driver's parameters stay where they are."""
    async with transaction(engine) as connection:
        await connection.execute(insert(AccountRow).values(account("north")))
    with (
        caplog.at_level(logging.DEBUG),
        pytest.raises(DBAPIError, match=kept) as failed,
    ):
        await run(engine, statement)
    shown = f"{failed.value} {failed.value!r} {failed.value.orig} {failed.value.orig!r}"
    literal = shown.replace(statement, "")  # the statement itself is ours, its data is not
    assert "ann@" not in literal
    assert "north" not in literal
    assert "north" not in caplog.text


async def test_a_raw_sessions_errors_repeat_no_value_either(database_url: str) -> None:
    """The shared writer's failures are as quiet as the pool's."""
    raw = await connect_raw(database_url)
    with pytest.raises(psycopg.Error) as failed, database_refusals():
        await raw.execute("SELECT %s::integer", ("ann@fleet.example",))
    assert "ann@" not in f"{failed.value} {failed.value!r}"
    await raw.close()


async def test_json_is_stored_as_it_was_sent(engine: AsyncEngine) -> None:
    """Whole numbers past 64 bits, floats and every script survive the round trip."""
    facts = {"big": 2**70, "tenth": 0.1, "name": "Größe 東京 \U0001f980", "none": None, "list": []}
    async with transaction(engine) as connection:
        await connection.execute(insert(AccountRow).values({**account("north"), "facts": facts}))
    async with transaction(engine) as connection:
        stored = (await connection.execute(text("SELECT facts FROM account"))).scalar_one()
    assert stored == facts


async def test_the_databases_clock_goes_on_within_a_transaction(engine: AsyncEngine) -> None:
    """Leases and windows read the clock, not the transaction's start."""
    async with transaction(engine) as connection:
        first = await read_clock(connection)
        await asyncio.sleep(0.01)
        second = await read_clock(connection)
    assert first.utcoffset() == timedelta(0)
    assert second - first >= timedelta(milliseconds=10)


@pytest.mark.parametrize(
    ("off", "measured"),
    [
        (timedelta(0), timedelta(0)),
        (timedelta(seconds=2), timedelta(seconds=2)),
        (timedelta(seconds=-2), timedelta(seconds=-2)),
    ],
)
async def test_a_clock_that_is_off_is_measured(
    engine: AsyncEngine, off: timedelta, measured: timedelta
) -> None:
    """Readiness can refuse a process that lives in another moment."""
    async with transaction(engine) as connection:
        skew = await measure_skew(connection, now=lambda: datetime.now(UTC) + off)
    assert abs(skew - measured) < timedelta(milliseconds=100)


async def test_a_slow_answer_is_not_mistaken_for_a_clock_that_is_off(engine: AsyncEngine) -> None:
    """What the round trip explains is not called skew."""
    readings = iter((timedelta(seconds=-1), timedelta(seconds=1)))
    async with transaction(engine) as connection:
        skew = await measure_skew(connection, now=lambda: datetime.now(UTC) + next(readings))
    assert skew == timedelta(0)


async def test_a_long_transaction_may_ask_for_longer(database_url: str) -> None:
    """The limit is the default, not the law."""
    engine = open_engine(database_url, limits=SessionLimits(transaction=timedelta(seconds=0.2)))
    async with transaction(engine, within=timedelta(seconds=3)) as connection:
        await connection.execute(text("SELECT pg_sleep(0.4)"))
    with pytest.raises(DatabaseUnavailable):
        await run(engine, "SELECT pg_sleep(0.4)")
    await engine.dispose()
