"""The database session ends before or after any statement of an outcome: all or nothing."""

from typing import Any

import httpx
import psycopg
import pytest

from service.storage import libpq_url
from tests.faults.test_cuts import Scissors, is_asking, watched
from tests.outcomes.test_outcomes import outcome
from tests.web.serving import Served, serving

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

CALLS = {
    "one outcome": ("/v1/outcomes", "INSERT INTO outcome_event"),
    "many outcomes": ("/v1/outcomes", "INSERT INTO outcome_event"),
    "a withdrawal": ("/v1/outcomes/{id}/withdraw", "UPDATE outcome_event"),
}


def body_of(call: str, number: int) -> Any:  # noqa: ANN401 - JSON
    """Return what is sent; every *number* is about something of its own."""
    match call:
        case "one outcome":
            return outcome(number)
        case "many outcomes":
            return [outcome(number), outcome(number, result="lost"), outcome(1_000 + number)]
        case _:
            return {"reason": "they never signed"}


async def ask(served: Served, call: str, number: int) -> httpx.Response:
    """Send one request, whose statements are watched."""
    path = CALLS[call][0]
    if call == "a withdrawal":
        kept = await served.ask("POST", "/v1/outcomes", json=outcome(number))
        path = path.format(id=kept.json()["id"])
    token = is_asking.set(True)
    try:
        headers = {"Idempotency-Key": str(number)}
        return await served.ask("POST", path, json=body_of(call, number), headers=headers)
    finally:
        is_asking.reset(token)


def state_of(url: str) -> tuple[int, int, int, int]:
    """Return how much there is: outcomes, withdrawn ones, entries of the audit, kept answers."""
    query = """
        SELECT (SELECT count(*) FROM outcome_event),
               (SELECT count(withdrawn_at) FROM outcome_event),
               (SELECT count(*) FROM audit_entry), (SELECT count(*) FROM idempotency)
    """
    with psycopg.connect(libpq_url(url)) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    outcomes, withdrawn, entries, answers = row
    return outcomes, withdrawn, entries, answers


@pytest.mark.parametrize("call", CALLS)
async def test_a_cut_anywhere_leaves_all_or_nothing(database_url: str, call: str) -> None:
    """After a cut there is everything of a request or nothing, and a retry completes it once."""
    async with serving(database_url, is_attended=False) as served:
        told = [outcome(number) for number in range(100)] if call == "a withdrawal" else []
        assert (await served.ask("POST", "/v1/outcomes", json=told)).status_code == 200
        assert (await ask(served, call, 90)).status_code < 300  # fills the caches
        before = state_of(database_url)
        scissors = Scissors(database_url)
        with watched(scissors):
            assert (await ask(served, call, 91)).status_code < 300
        change = [late - early for early, late in zip(before, state_of(database_url), strict=True)]
        assert any(CALLS[call][1] in what for what, _ in scissors.places)
        for number, place in enumerate(dict.fromkeys(scissors.places)):
            before = state_of(database_url)
            whole = tuple(early + more for early, more in zip(before, change, strict=True))
            scissors = Scissors(database_url, at=place)
            with watched(scissors):
                answer = await ask(served, call, number)
            after = state_of(database_url)
            assert after in {before, whole}, place
            assert (answer.status_code < 300) <= (after == whole), (place, answer.text)
            assert answer.status_code < 300 or answer.status_code == 503, (place, answer.text)
            again = await ask(served, call, number)
            assert again.status_code < 300, (place, again.text)
            assert state_of(database_url) == whole, place
