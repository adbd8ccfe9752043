"""The database session ends before or after any statement: every end state is legal.

A first request counts the statements; then each is cut, once before and once after it,
by ending the session's backend, and so is the commit.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import Connection, event

from service.storage import libpq_url
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


@dataclass(slots=True)
class Scissors:
    """Counts the places where a session can be cut, and cuts at one of them."""

    url: str
    at: int = -1
    place: int = 0
    cut: list[str] = field(default_factory=list)

    def pass_by(self, connection: Connection, what: str) -> None:
        """Note one place; end the session's backend if it is the one."""
        if self.place == self.at:
            self.cut.append(what)
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.AsyncConnection)
            with psycopg.connect(libpq_url(self.url), autocommit=True) as ours:
                pid = driver.info.backend_pid
                ours.execute("SELECT pg_terminate_backend(%s, 2000)", [pid])
        self.place += 1


@contextmanager
def watched(served: Served, scissors: Scissors) -> Iterator[None]:
    """Have *scissors* see every statement and commit in the block."""
    engine = served.app.house.engine.sync_engine

    def before(connection: Connection, *rest: object) -> None:
        scissors.pass_by(connection, f"before {rest[1]}")

    def after(connection: Connection, *rest: object) -> None:
        scissors.pass_by(connection, f"after {rest[1]}")

    def commit(connection: Connection) -> None:
        scissors.pass_by(connection, "before commit")

    heard = {"before_cursor_execute": before, "after_cursor_execute": after, "commit": commit}
    for name, listener in heard.items():
        event.listen(engine, name, listener)
    try:
        yield
    finally:
        for name, listener in heard.items():
            event.remove(engine, name, listener)


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
    return await served.ask("POST", path, json=body, headers={"Idempotency-Key": f"all {key}"})


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
        counting = Scissors(database_url)
        with watched(served, counting):
            await ask(served, request_, "counted")
        assert counting.place > 8
        cuts = []
        for place in range(counting.place):
            clear(database_url)
            scissors = Scissors(database_url, at=place)
            with watched(served, scissors):
                answer = await ask(served, request_, str(place))
            cuts += scissors.cut
            after_the_cut = state_of(database_url)
            assert after_the_cut in {whole, (0, 0, 0)}, scissors.cut
            if answer.status_code == 200:
                assert after_the_cut == whole, scissors.cut
            else:
                assert answer.status_code == 503, answer.text
                assert "retry-after" in answer.headers
            again = await ask(served, request_, str(place))
            assert again.status_code == 200, (scissors.cut, again.text)
            assert state_of(database_url) == whole, scissors.cut
        assert len(cuts) == counting.place
        assert sum(cut == "before commit" for cut in cuts) >= 1
