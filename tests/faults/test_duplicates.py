"""Many at once under one key: one decision, whichever process each reaches."""

import asyncio

import httpx
import psycopg
import pytest

from service.storage import libpq_url
from tests.decisions.rules import LARGE_FLEET
from tests.faults.conftest import client_of, running
from tests.sizes import size

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

KEYS = size(500, quick=25)
AT_ONCE = 20


async def test_twenty_at_once_make_one_decision(database_url: str, key: str) -> None:
    """Keys that twenty requests use at once, on two processes: one decision a key.

    A machine that is slow enough may answer some with 409 after two seconds; they ask again.
    """
    async with running(database_url, processes=2) as server, client_of(server, key) as client:

        async def ask(name: str) -> httpx.Response:
            question = {"rule_set": "fleet_leads", "lead": LARGE_FLEET, "external_id": name}
            while True:
                answer = await client.post(
                    "/v1/qualify", json=question, headers={"Idempotency-Key": name}
                )
                if answer.status_code != 409:
                    return answer
                await asyncio.sleep(float(answer.headers["Retry-After"]))

        for number in range(KEYS):
            answers = await asyncio.gather(*(ask(f"key-{number}") for _ in range(AT_ONCE)))
            assert {answer.status_code for answer in answers} == {200}
            assert len({answer.content for answer in answers}) == 1
            first = [a for a in answers if "idempotency-replayed" not in a.headers]
            assert len(first) == 1
    with psycopg.connect(libpq_url(database_url)) as connection:
        query = "SELECT count(*), count(DISTINCT external_id) FROM decision"
        assert connection.execute(query).fetchone() == (KEYS, KEYS)
