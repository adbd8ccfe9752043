"""The database session ends before or after any statement of an override: all or nothing."""

from typing import Any

import httpx
import psycopg
import pytest

from service.storage import libpq_url
from tests.decisions.rules import LARGE_FLEET
from tests.decisions.words import because
from tests.faults.test_cuts import Scissors, furnished, is_asking, watched
from tests.web.serving import Served

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

State = tuple[int, int, int, int, int]
WRITES = ("UPDATE verdict_override", "INSERT INTO verdict_override", "INSERT INTO audit_entry")


async def ask(served: Served, path: str, body: Any, *, key: str) -> httpx.Response:  # noqa: ANN401 - JSON
    """Send one request, whose statements are watched."""
    token = is_asking.set(True)
    try:
        return await served.ask("POST", path, json=body, headers={"Idempotency-Key": key})
    finally:
        is_asking.reset(token)


def state_of(url: str) -> State:
    """Return how many overrides there are, in force and ended, audited, answered and decided."""
    query = """
        SELECT (SELECT count(*) FROM verdict_override WHERE withdrawn_at IS NULL),
               (SELECT count(*) FROM verdict_override WHERE withdrawn_at IS NOT NULL),
               (SELECT count(*) FROM audit_entry WHERE action LIKE 'decisions.%'),
               (SELECT count(*) FROM idempotency),
               (SELECT count(*) FROM decision WHERE verdict = 'qualify')
    """
    with psycopg.connect(libpq_url(url)) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    in_force, ended, audited, answered, decided = row
    return in_force, ended, audited, answered, decided


async def test_a_cut_anywhere_leaves_one_word_in_force(database_url: str) -> None:
    """After a cut the old word stands or the new one, never both or none; a retry completes it."""
    async with furnished(database_url) as served:
        lead = {"rule_set": "fleet_leads", "lead": LARGE_FLEET}
        decision = (await served.ask("POST", "/v1/qualify", json=lead)).json()
        path = f"/v1/decisions/{decision['id']}/override"
        body = because(verdict="review")
        assert (await ask(served, path, body, key="first")).status_code == 201
        scissors = Scissors(database_url)
        with watched(scissors):
            assert (await ask(served, path, body, key="counted")).status_code == 201
        named = " ".join(what for what, _ in scissors.places)
        assert all(write in named for write in WRITES)
        for number, place in enumerate(dict.fromkeys(scissors.places)):
            before = state_of(database_url)
            in_force, ended, audited, answered, decided = before
            whole = (in_force, ended + 1, audited + 1, answered + 1, decided)
            scissors = Scissors(database_url, at=place)
            with watched(scissors):
                answer = await ask(served, path, body, key=str(number))
            after = state_of(database_url)
            assert after in {before, whole}, place
            assert (answer.status_code == 201) <= (after == whole), (place, answer.text)
            assert answer.status_code in {201, 503}, (place, answer.text)
            again = await ask(served, path, body, key=str(number))
            assert again.status_code == 201, (place, again.text)
            assert state_of(database_url) == whole, place
