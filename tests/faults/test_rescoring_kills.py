"""A rescoring that is killed or cut anywhere, and resumed, is as one that nothing happened to."""

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from service.bulk.rescoring import TakenAway
from service.storage import DatabaseUnavailable, libpq_url, open_engine
from tests.bulk.books import decisions_per_account, fill, go_live, standing_of
from tests.bulk.test_rescoring import rescore
from tests.sizes import size, swept

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ACCOUNTS = size(24_000, quick=9_000)
KILLS = size(3, quick=2)
SEED = 20_261_126
PATIENCE_S = 240
COMMAND = [sys.executable, "-c", "from service.cli import main; main()", "rescore", "book"]


def query(url: str, text: str) -> Any:  # noqa: ANN401 - the first column of the first row
    """Return one value."""
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        row = connection.execute(text.encode()).fetchone()
    return None if row is None else row[0]


def started(url: str) -> subprocess.Popen[str]:
    """Start `goodfit rescore`."""
    environment = os.environ | {"DATABASE_URL": url}
    return subprocess.Popen(
        COMMAND, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


async def killed_behind(url: str, threshold: int) -> None:
    """Start the command and kill it once it is behind *threshold*, wherever it is just then."""
    process = started(url)
    try:
        async with asyncio.timeout(PATIENCE_S):
            while (query(url, "SELECT max(done) FROM rescoring") or 0) <= threshold:
                assert process.poll() is None, process.communicate()
                await asyncio.sleep(0.01)
        await asyncio.sleep(random.Random(threshold).random() * 0.1)
    finally:
        process.kill()
        process.communicate()
    # The lease of whoever was killed runs out in half a minute; the test does not wait for it.
    query(url, "UPDATE rescoring SET lease_until = now() WHERE state = 'running' RETURNING 1")


async def test_killed_again_and_again_every_account_is_decided_once(database_url: str) -> None:
    """After SIGKILLs at random points: one decision each, the very one that it has to be."""
    engine = open_engine(database_url)
    running = await go_live(engine)
    await engine.dispose()
    await asyncio.to_thread(fill, database_url, ACCOUNTS)
    chance = random.Random(SEED)
    places = sorted(chance.randrange(ACCOUNTS // 2) for _ in range(KILLS))
    for place in places:
        await killed_behind(database_url, place)
    done = query(database_url, "SELECT done FROM rescoring")
    assert 0 < done < ACCOUNTS
    process = started(database_url)
    out, error = await asyncio.to_thread(process.communicate, timeout=PATIENCE_S)
    assert process.returncode == 0, error
    assert f"{ACCOUNTS:,} written" in out
    assert decisions_per_account(database_url) == {1: ACCOUNTS}
    with psycopg.connect(libpq_url(database_url)) as connection:
        rows = connection.execute("SELECT key, facts FROM account")
        facts: dict[str, Any] = dict(rows.fetchall())
    for key, stored in standing_of(database_url).items():
        decision = running.rules.decide(facts[key], at=stored["at"], final=True, with_missing=False)
        assert stored["assessed"] == [running.version, decision.verdict, decision.outcome]
        assert stored["trace"] == decision.trace.to_json()
    assert query(database_url, "SELECT count(DISTINCT at) FROM assessment") == 1


@dataclass(slots=True)
class Scissors:
    """Counts the places where a session can be cut, and ends its backend at one of them."""

    url: str
    at: int | None = None
    places: list[str] = field(default_factory=list)

    def pass_by(self, driver: psycopg.AsyncConnection[Any], what: str) -> None:
        """Note one place; end the session there if it is the one."""
        self.places.append(what)
        if len(self.places) - 1 == self.at:
            with psycopg.connect(libpq_url(self.url), autocommit=True) as ours:
                ours.execute("SELECT pg_terminate_backend(%s, 2000)", [driver.info.backend_pid])


@contextmanager
def watched(scissors: Scissors) -> Iterator[None]:
    """Have *scissors* see every statement, COPY and commit in the block."""
    execute, commit = psycopg.AsyncCursor.execute, psycopg.AsyncConnection.commit
    copy = psycopg.AsyncCursor.copy

    async def seen_execute(
        cursor: psycopg.AsyncCursor[Any],
        text: Any,  # noqa: ANN401 - as psycopg takes it
        *rest: Any,  # noqa: ANN401
        **named: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        scissors.pass_by(cursor.connection, f"before {text!s}")
        result = await execute(cursor, text, *rest, **named)
        scissors.pass_by(cursor.connection, f"after {text!s}")
        return result

    @asynccontextmanager
    async def seen_copy(cursor: psycopg.AsyncCursor[Any], text: bytes) -> AsyncIterator[Any]:
        scissors.pass_by(cursor.connection, f"before {text!s}")
        async with copy(cursor, text) as copying:
            scissors.pass_by(cursor.connection, f"within {text!s}")
            yield copying
        scissors.pass_by(cursor.connection, f"after {text!s}")

    async def seen_commit(connection: psycopg.AsyncConnection[Any]) -> None:
        scissors.pass_by(connection, "before commit")
        await commit(connection)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.AsyncCursor, "execute", seen_execute)
        patch.setattr(psycopg.AsyncCursor, "copy", seen_copy)
        patch.setattr(psycopg.AsyncConnection, "commit", seen_commit)
        yield


async def test_cut_before_and_after_every_statement_it_comes_out_the_same(
    database_url: str,
) -> None:
    """Wherever a session ends, a slice is there whole or not at all, and the rest follows."""
    engine = open_engine(database_url)
    await go_live(engine)
    fill(database_url, 16)
    counting = Scissors(database_url)
    with watched(counting):
        await rescore(engine, database_url)
    whole = results(database_url)
    assert len(whole) == 16
    assert {"COPY", "INSERT INTO assessment", "INSERT INTO decision"} <= {
        word
        for word in ("COPY", "INSERT INTO assessment", "INSERT INTO decision")
        if any(word in place for place in counting.places)
    }
    for place in swept(range(len(counting.places)), every=3):
        clear(database_url)
        with watched(Scissors(database_url, at=place)):
            try:
                await rescore(engine, database_url)
            except (DatabaseUnavailable, TakenAway, psycopg.Error):
                query(database_url, "UPDATE rescoring SET lease_until = NULL RETURNING 1")
        if query(database_url, "SELECT count(*) FROM rescoring WHERE state = 'done'") == 0:
            await rescore(engine, database_url)
        assert results(database_url) == whole, counting.places[place]
        assert decisions_per_account(database_url) == {1: 16}, counting.places[place]
    await engine.dispose()


def results(url: str) -> dict[str, Any]:
    """Return how every account stands, whenever that was decided."""
    return {key: row | {"at": None} for key, row in standing_of(url).items()}


def clear(url: str) -> None:
    """Forget what was decided."""
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute("TRUNCATE decision, assessment, rescoring, statement, position CASCADE")
