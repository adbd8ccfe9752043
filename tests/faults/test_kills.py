"""SIGKILL under load: what was acknowledged is there, once."""

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass, field

import httpx
import psycopg
import pytest

from service.storage import libpq_url, parse_id
from tests.decisions.rules import LARGE_FLEET
from tests.faults.conftest import Server, client_of, running
from tests.sizes import size

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

KILLS = {1: size(20, quick=5), 2: size(20, quick=20)}
"""By the number of processes that serve."""
CLIENTS = 24
SEED = 20_261_122
OVER_WITHIN_S = 150
ACKNOWLEDGED_BEFORE_A_KILL = (1, 40)


@dataclass(slots=True)
class Book:
    """What the clients saw: by their own name for a request, the decision it was told."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    broken: int = 0
    replayed: int = 0


async def ask_until_told(client: httpx.AsyncClient, name: str, book: Book) -> None:
    """Send one request under one key until it is answered, as a careful client does."""
    question = {"rule_set": "fleet_leads", "lead": LARGE_FLEET, "external_id": name}
    while True:
        try:
            answer = await client.post(
                "/v1/qualify", json=question, headers={"Idempotency-Key": name}
            )
        except httpx.TransportError:
            book.broken += 1
            await asyncio.sleep(0.02)
            continue
        if answer.status_code == 200:
            book.acknowledged[name] = answer.json()["id"]
            book.replayed += "idempotency-replayed" in answer.headers
            return
        assert answer.status_code in {409, 503}, answer.text
        await asyncio.sleep(0.1)


async def ask_lines_until_cut(client: httpx.AsyncClient, name: str, book: Book) -> None:
    """Send a stream of lines and note each result that arrives before a kill cuts it off."""
    lines = [
        json.dumps(
            {"rule_set": "fleet_leads", "lead": LARGE_FLEET, "external_id": f"{name}-{number}"}
        )
        for number in range(1, 401)
    ]
    request = client.build_request(
        "POST",
        "/v1/qualify/batch",
        content="\n".join(lines),
        headers={"Content-Type": "application/x-ndjson"},
    )
    try:
        answer = await client.send(request, stream=True)
        async for line in answer.aiter_lines():
            result = json.loads(line)
            book.acknowledged[f"{name}-{result['line']}"] = result["decision"]["id"]
    except (httpx.TransportError, json.JSONDecodeError):
        book.broken += 1


def rows_of(url: str) -> list[tuple[str, str]]:
    """Return every stored decision: the client's name for it, and its id."""
    with psycopg.connect(libpq_url(url)) as connection:
        return [
            (name, str(id_))
            for name, id_ in connection.execute("SELECT external_id, id FROM decision")
        ]


async def kill_again_and_again(server: Server, book: Book, *, processes: int) -> None:
    """Kill some of the server's processes, each soon after something was acknowledged."""
    rng = random.Random(SEED)
    for _ in range(KILLS[processes]):
        await server.wait_for(processes)
        enough = len(book.acknowledged) + rng.randint(*ACKNOWLEDGED_BEFORE_A_KILL)
        async with asyncio.timeout(30):
            while len(book.acknowledged) < enough:  # noqa: ASYNC110 - at a moment of its own
                await asyncio.sleep(0.001)
        await server.kill_one()


@pytest.mark.parametrize("processes", [1, 2])
async def test_twenty_kills_lose_and_double_nothing(
    database_url: str, key: str, processes: int
) -> None:
    """Whatever was acknowledged is stored, and a retried request made one decision.

    A client whose process was killed asks again at another one, which finds by the key what
    the dead one had written.
    """
    book = Book()
    async with (
        asyncio.timeout(OVER_WITHIN_S),
        running(database_url, processes=processes) as server,
        client_of(server, key) as client,
    ):
        killing = asyncio.create_task(kill_again_and_again(server, book, processes=processes))

        async def one_after_the_other(number: int) -> None:
            count = 0
            while not killing.done():
                await ask_until_told(client, f"client-{number}-{count}", book)
                count += 1

        await asyncio.gather(killing, *(one_after_the_other(number) for number in range(CLIENTS)))
    stored = Counter(name for name, _ in rows_of(database_url))
    ids = dict(rows_of(database_url))
    assert book.broken >= KILLS[processes]  # the kills came under load
    assert len(book.acknowledged) > 5 * KILLS[processes]
    assert [name for name, count in stored.items() if count > 1] == []
    lost = [
        name
        for name, id_ in book.acknowledged.items()
        if ids.get(name) != str(parse_id(id_, "dec"))
    ]
    assert lost == []
    assert set(stored) == set(book.acknowledged)


async def test_lines_that_were_answered_are_stored(database_url: str, key: str) -> None:
    """A stream that a kill cuts off loses no line whose result had arrived."""
    book = Book()
    rng = random.Random(SEED)
    async with (
        asyncio.timeout(OVER_WITHIN_S),
        running(database_url) as server,
        client_of(server, key) as client,
    ):
        for number in range(5):
            await server.wait_for(1)
            enough = len(book.acknowledged) + rng.randint(1, 60)
            asking = asyncio.create_task(ask_lines_until_cut(client, f"stream-{number}", book))
            while len(book.acknowledged) < enough:  # noqa: ASYNC110 - at a moment of its own
                await asyncio.sleep(0.001)
            await server.kill_one()
            await asking
    ids = dict(rows_of(database_url))
    assert book.broken >= 1
    assert book.acknowledged
    for name, id_ in book.acknowledged.items():
        assert ids[name] == str(parse_id(id_, "dec"))
