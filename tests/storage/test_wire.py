"""A session of its own answers as the driver does, and never gives one answer for another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from service.storage import DatabaseUnavailable, LoneSession, SessionLimits, libpq_url

pytestmark = pytest.mark.anyio
PATIENCE_S = 10.0
WHO = b"SELECT pg_backend_pid()"


@pytest.fixture
async def session(database_url: str) -> AsyncIterator[LoneSession]:
    """A session on a database of its own, and little patience."""
    session = LoneSession(database_url, limits=SessionLimits(transaction=timedelta(seconds=1)))
    yield session
    await session.close()


def end_session(url: str, pid: int) -> None:
    """End a session of the server, and wait until it is gone."""
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


@pytest.mark.parametrize(
    ("statement", "parameters", "expected"),
    [
        (b"SELECT 1 WHERE false", (), []),
        (b"SELECT NULL::text, true, 1.5::float8", (), [(None, True, 1.5)]),
        (b"SELECT $1::text, $2::bigint", ("50 % of %s, $1 'ä\\", 1 << 40), None),
        (b"SELECT $1::bytea, $2::text", (bytes(range(256)), "after bytes"), None),
        (b"SELECT $1::bytea", (bytearray(b"\x00\xff'"),), [(b"\x00\xff'",)]),
        (b"SELECT $1::bytea[]", ([b"\x00", b"\\x41", b""],), [([b"\x00", b"\\x41", b""],)]),
        (b"SELECT ARRAY[$1::uuid]", (UUID(int=7),), [([UUID(int=7)],)]),
        (b"SELECT $1::integer IS NULL", (None,), [(True,)]),
        (b"SELECT g FROM generate_series(1, 3) AS g", (), [(1,), (2,), (3,)]),
    ],
)
async def test_rows_are_what_the_driver_makes_of_them(
    session: LoneSession,
    statement: bytes,
    parameters: tuple[object, ...],
    expected: list[tuple[object, ...]] | None,
) -> None:
    """The first time, when it is prepared, and the times after."""
    for _ in range(3):
        rows = await session.fetch_all(statement, parameters)
        assert rows == ([parameters] if expected is None else expected)


async def test_what_does_not_fit_the_line_at_once_arrives_whole(session: LoneSession) -> None:
    """Sixteen megabytes there and back, many times what a socket takes."""
    sent = bytes(range(256)) * 65_536
    assert await session.fetch_all(b"SELECT $1::bytea", (sent,)) == [(sent,)]
    assert await session.fetch_all(b"SELECT length($1::bytea)", (sent,)) == [(len(sent),)]


async def test_a_statement_at_fault_says_no_value_and_spoils_nothing(session: LoneSession) -> None:
    """What is wrong with it is told; the same session answers the next."""
    [(pid,)] = await session.fetch_all(WHO, ())
    for _ in range(2):
        with pytest.raises(psycopg.errors.InvalidTextRepresentation) as caught:
            await session.fetch_all(b"SELECT $1::integer", ("ann@example.com",))
        assert "ann@example.com" not in str(caught.value)
    with pytest.raises(psycopg.errors.SyntaxError):
        await session.fetch_all(b"SELEC 1", ())
    assert await session.fetch_all(WHO, ()) == [(pid,)]


async def test_one_that_was_ended_at_rest_is_opened_again(
    session: LoneSession, database_url: str
) -> None:
    """Nobody who asks next hears of it."""
    for _ in range(3):
        [(pid,)] = await session.fetch_all(WHO, ())
        end_session(database_url, pid)
        [(other,)] = await session.fetch_all(WHO, ())
        assert other != pid


async def test_one_that_ends_while_it_is_asked_is_unavailable(
    session: LoneSession, database_url: str
) -> None:
    """Whether it was committed is unknown, so it is not asked again; the next question is."""
    [(pid,)] = await session.fetch_all(WHO, ())
    asked = asyncio.create_task(session.fetch_all(b"SELECT pg_sleep(0.8)", ()))
    await asyncio.sleep(0.1)
    await asyncio.to_thread(end_session, database_url, pid)
    with pytest.raises(DatabaseUnavailable):
        await asked
    assert await session.fetch_all(b"SELECT 2", ()) == [(2,)]


async def test_one_that_takes_too_long_is_cut_off(session: LoneSession) -> None:
    """By the limit of its transactions, whatever the server does."""
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(DatabaseUnavailable):
            await session.fetch_all(b"SELECT pg_sleep(30)", ())
        assert await session.fetch_all(b"SELECT 3", ()) == [(3,)]


async def test_whoever_stops_waiting_leaves_no_answer_behind(session: LoneSession) -> None:
    """The next question is never told what the last one asked for."""
    for number in range(5):
        asked = asyncio.create_task(session.fetch_all(b"SELECT 'old', pg_sleep(0.05)", ()))
        await asyncio.sleep(0.01 * number)
        asked.cancel()
        with suppress(asyncio.CancelledError):
            await asked
        assert await session.fetch_all(b"SELECT $1::text", (str(number),)) == [(str(number),)]


async def test_a_closed_session_is_opened_when_it_is_needed(session: LoneSession) -> None:
    """Closing twice is closing once."""
    await session.close()
    assert await session.fetch_all(b"SELECT 4", ()) == [(4,)]
    await session.close()
    await session.close()
    assert await session.fetch_all(b"SELECT 4", ()) == [(4,)]
