"""The database session ends before or after any statement: every end state is legal.

A few requests show which places there are; then the same request is sent once for each,
and cut there by ending its session's backend.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg
import pytest

from service.storage import libpq_url
from service.storage.wire import Wire
from tests.decisions.rules import FLEET_ACCOUNTS, FLEET_LEADS, LARGE_FLEET, release
from tests.web.serving import Served, serving

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

LEAD = {"rule_set": "fleet_leads", "lead": LARGE_FLEET}
ACCOUNT = {"rule_set": "fleet_accounts", "account_key": "north"}
REQUESTS: dict[str, tuple[str, Any, int]] = {
    "a lead": ("/v1/qualify", LEAD, 1),
    "an account": ("/v1/qualify", ACCOUNT, 1),
    "an array": ("/v1/qualify/batch", [LEAD, ACCOUNT, LEAD | {"idempotency_key": "own"}], 3),
}
_APART = ("INSERT INTO decision", "INSERT INTO idempotency", "INSERT INTO assessment")
STATEMENTS = {
    "a lead": ("WITH given AS MATERIALIZED",),  # all of it, committed as it ends
    "an account": _APART,
    "an array": _APART,
}
is_asking = ContextVar("is_asking", default=False)


@dataclass(slots=True)
class Scissors:
    """Notes the places where a session can be cut, and cuts at one of them.

    A place is what happens there and for which time: a request now and then has more
    statements than usual, to learn of releases again.
    """

    url: str
    at: tuple[str, int] | None = None
    places: list[tuple[str, int]] = field(default_factory=list)
    has_cut: bool = False

    def pass_by(self, driver: psycopg.AsyncConnection[Any], what: str) -> None:
        """Note one place of the request; end the session's backend if it is the one."""
        if not is_asking.get():
            return  # a chore between requests
        place = (what, sum(what == other for other, _ in self.places))
        self.places.append(place)
        if place == self.at:
            self.has_cut = True
            with psycopg.connect(libpq_url(self.url), autocommit=True) as ours:
                pid = driver.info.backend_pid
                ours.execute("SELECT pg_terminate_backend(%s, 2000)", [pid])


@contextmanager
def watched(scissors: Scissors) -> Iterator[None]:
    """Have *scissors* see every statement and commit in the block, whoever sends it."""
    execute, commit = psycopg.AsyncCursor.execute, psycopg.AsyncConnection.commit
    fetch_all = Wire.fetch_all

    async def seen_fetch(wire: Wire, statement: bytes, parameters: Sequence[object] = ()) -> Any:  # noqa: ANN401 - rows
        text = statement.decode()
        scissors.pass_by(wire.connection, f"before {text}")
        rows = await fetch_all(wire, statement, parameters)
        scissors.pass_by(wire.connection, f"after {text}")
        return rows

    async def seen_execute(
        cursor: psycopg.AsyncCursor[Any],
        query: Any,  # noqa: ANN401 - as psycopg takes it
        *rest: Any,  # noqa: ANN401
        **named: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        text = query.decode() if isinstance(query, bytes) else str(query)
        scissors.pass_by(cursor.connection, f"before {text}")
        result = await execute(cursor, query, *rest, **named)
        scissors.pass_by(cursor.connection, f"after {text}")
        return result

    async def seen_commit(connection: psycopg.AsyncConnection[Any]) -> None:
        scissors.pass_by(connection, "before commit")
        await commit(connection)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.AsyncCursor, "execute", seen_execute)
        patch.setattr(psycopg.AsyncConnection, "commit", seen_commit)
        patch.setattr(Wire, "fetch_all", seen_fetch)
        yield


@asynccontextmanager
async def furnished(url: str) -> AsyncIterator[Served]:
    """Run an application with rules and an account."""
    async with serving(url) as served:
        for source in (FLEET_LEADS, FLEET_ACCOUNTS):
            await release(served.app.house, source)
        facts = {"facts": {"vehicles": 150, "paid": True}}
        made = await served.ask("PUT", "/v1/accounts/north", json=facts)
        assert made.status_code == 201
        yield served


async def ask(served: Served, request: str, key: str) -> httpx.Response:
    """Send one of the requests under a key."""
    path, body, _ = REQUESTS[request]
    if isinstance(body, list):
        body = [one | {"idempotency_key": key} if "idempotency_key" in one else one for one in body]
    headers = {"Idempotency-Key": f"all {key}"}
    token = is_asking.set(True)
    try:
        return await served.ask("POST", path, json=body, headers=headers)
    finally:
        is_asking.reset(token)


def state_of(url: str) -> tuple[int, int, int]:
    """Return how many decisions, kept answers and assessed decisions there are."""
    query = """
        SELECT (SELECT count(*) FROM decision), (SELECT count(*) FROM idempotency),
               (SELECT count(*) FROM assessment JOIN decision ON decision.id = decision_id)
    """
    with psycopg.connect(libpq_url(url)) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    decisions, answers, assessed = row
    return decisions, answers, assessed


def clear(url: str) -> None:
    """Forget what was decided."""
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute("TRUNCATE decision, idempotency, assessment")


@pytest.mark.parametrize("request_", REQUESTS)
async def test_a_cut_anywhere_leaves_all_or_nothing(database_url: str, request_: str) -> None:
    """After a cut there is everything of a request or nothing, and a retry completes it once."""
    decisions = REQUESTS[request_][2]
    async with furnished(database_url) as served:
        assert (await ask(served, request_, "first")).status_code == 200  # fills the caches
        whole = state_of(database_url)
        assert whole[0] == decisions
        for number, place in enumerate(await places_of(served, request_, database_url)):
            clear(database_url)
            scissors = Scissors(database_url, at=place)
            with watched(scissors):
                answer = await ask(served, request_, str(number))
            is_always_passed = any(statement in place[0] for statement in STATEMENTS[request_])
            assert scissors.has_cut or not is_always_passed, place
            after_the_cut = state_of(database_url)
            assert after_the_cut in {whole, (0, 0, 0)}, place
            if answer.status_code == 200:
                assert after_the_cut == whole, place
            else:
                assert answer.status_code == 503, answer.text
                assert "retry-after" in answer.headers
            again = await ask(served, request_, str(number))
            assert again.status_code == 200, (place, again.text)
            assert state_of(database_url) == whole, place


async def places_of(served: Served, request: str, url: str) -> list[tuple[str, int]]:
    """Return every place at which *request* may be cut, as a few of its kind pass them."""
    places: dict[tuple[str, int], None] = {}
    for number in range(3):
        scissors = Scissors(url)
        with watched(scissors):
            assert (await ask(served, request, f"counted {number}")).status_code == 200
        places |= dict.fromkeys(scissors.places)
    named = {what.partition(" (")[0] for what, _ in places}
    for statement in STATEMENTS[request]:
        assert {f"before {statement}", f"after {statement}"} <= named
    if STATEMENTS[request] is _APART:  # a lead's may be that of a key which is read again
        assert "before commit" in named
    return list(places)
