"""The database session ends before or after any statement of the ledger: all or nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import psycopg
import pytest

from service.storage import libpq_url
from tests.accounts.ledger import event
from tests.faults.test_cuts import Scissors, is_asking, watched
from tests.web.serving import Served, serving

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

State = tuple[int, int, int, int]
CALLS: dict[str, tuple[str, str]] = {
    "one event": ("/v1/accounts/north/events", "INSERT INTO account_event"),
    "many events": ("/v1/events", "INSERT INTO parked_event"),
    "many accounts": ("/v1/accounts", "INSERT INTO account"),
    "a merge": ("/v1/accounts/{number}/merge", "INSERT INTO account_merge"),
}


def body_of(call: str, number: str) -> Any:  # noqa: ANN401 - JSON
    """Return what is sent; every *number* is about something of its own."""
    match call:
        case "one event":
            return event(event_id=number)
        case "many events":
            nobody = event(event_id=f"{number}-parked", account="nobody")
            return [event(event_id=number, account="north"), nobody]
        case "many accounts":
            identity = {"system": "crm", "id": number}
            return [{"account": f"made {number}", "facts": {"a": 1}, "identities": [identity]}]
        case _:
            return {"into": "north", "reason": "one company"}


async def ask(served: Served, call: str, number: str) -> httpx.Response:
    """Send one request, whose statements are watched."""
    path = CALLS[call][0].format(number=number)
    token = is_asking.set(True)
    try:
        headers = {"Idempotency-Key": number}
        return await served.ask("POST", path, json=body_of(call, number), headers=headers)
    finally:
        is_asking.reset(token)


@asynccontextmanager
async def furnished(url: str) -> AsyncIterator[Served]:
    """Run an application with accounts to enter events for and to unite."""
    async with serving(url, is_attended=False) as served:
        twins = [{"account": str(n), "facts": {"a": n}} for n in range(100)]
        made = await served.ask("POST", "/v1/accounts", json=[{"account": "north", "facts": {}}])
        assert made.status_code == 200
        assert (await served.ask("POST", "/v1/accounts", json=twins)).status_code == 200
        yield served


def state_of(url: str) -> State:
    """Return how much there is: entries, parked events, accounts that stand, kept answers."""
    query = """
        SELECT (SELECT count(*) FROM account_event), (SELECT count(*) FROM parked_event),
               (SELECT count(*) + 1000 * count(own_facts) FROM account WHERE merged_into IS NULL)
                   + (SELECT count(*) FROM account_identity),
               (SELECT count(*) FROM idempotency)
    """
    with psycopg.connect(libpq_url(url)) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    entries, parked, accounts, answers = row
    return entries, parked, accounts, answers


@pytest.mark.parametrize("call", CALLS)
async def test_a_cut_anywhere_leaves_all_or_nothing(database_url: str, call: str) -> None:
    """After a cut there is everything of a request or nothing, and a retry completes it once."""
    async with furnished(database_url) as served:
        assert (await ask(served, call, "90")).status_code < 300  # fills the caches
        before = state_of(database_url)
        scissors = Scissors(database_url)
        with watched(scissors):
            assert (await ask(served, call, "91")).status_code < 300
        change = [late - early for early, late in zip(before, state_of(database_url), strict=True)]
        assert any(CALLS[call][1] in what for what, _ in scissors.places)
        for number, place in enumerate(dict.fromkeys(scissors.places)):
            before = state_of(database_url)
            whole = tuple(early + more for early, more in zip(before, change, strict=True))
            scissors = Scissors(database_url, at=place)
            with watched(scissors):
                answer = await ask(served, call, str(number))
            after = state_of(database_url)
            assert after in {before, whole}, place
            assert (answer.status_code < 300) <= (after == whole), (place, answer.text)
            assert answer.status_code < 300 or answer.status_code == 503, (place, answer.text)
            again = await ask(served, call, str(number))
            assert again.status_code < 300, (place, again.text)
            assert state_of(database_url) == whole, place
