"""Clients that keep their connections and ask on and on, and what became of each request."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import psycopg

from service.storage import libpq_url, parse_id

__all__ = ["Book", "asking", "check_stored"]

PAUSE_S = 0.08  # steady, and leaves processors to whoever starts meanwhile

LEAD = {"vehicles": 300, "country": "DE", "seniority": "vp", "email_clicks": 4}


@dataclass(slots=True)
class Book:
    """By the client's own name for a request: the decision it was told, or what went wrong."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    async def wait_for(self, more: int) -> None:
        """Wait until so many more requests were answered."""
        enough = len(self.acknowledged) + more
        async with asyncio.timeout(60):
            while len(self.acknowledged) < enough:  # noqa: ASYNC110 - at a moment of its own
                await asyncio.sleep(0.005)


@asynccontextmanager
async def asking(address: str, key: str, *, clients: int) -> AsyncIterator[Book]:
    """Have *clients* ask one question after the other, without a second try, for the block."""
    book, is_over = Book(), asyncio.Event()
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(
        base_url=address, headers=headers, timeout=30, limits=limits, trust_env=False
    ) as client:

        async def ask_on(number: int) -> None:
            count = 0
            while not is_over.is_set():
                await _ask(client, f"client-{number}-{count}", book)
                count += 1
                await asyncio.sleep(PAUSE_S)

        tasks = [asyncio.create_task(ask_on(number)) for number in range(clients)]
        try:
            yield book
        finally:
            is_over.set()
            await asyncio.gather(*tasks)


async def _ask(client: httpx.AsyncClient, name: str, book: Book) -> None:
    question = {"rule_set": "fleet_leads", "lead": LEAD, "external_id": name, "final": True}
    try:
        answer = await client.post("/v1/qualify", json=question, headers={"Idempotency-Key": name})
    except httpx.TransportError as error:
        book.failed[name] = repr(error)
        return
    if answer.status_code == 200:
        book.acknowledged[name] = answer.json()["id"]
    else:
        book.failed[name] = f"{answer.status_code} {answer.text}"


def check_stored(url: str, book: Book) -> None:
    """Check that what was acknowledged is stored, once, and that nothing else is."""
    with psycopg.connect(libpq_url(url)) as connection:
        rows = connection.execute("SELECT external_id, id FROM decision").fetchall()
    stored = {str(name): str(id_) for name, id_ in rows if str(name).startswith("client-")}
    twice = [name for name, count in Counter(name for name, _ in rows).items() if count > 1]
    told = {name: str(parse_id(id_, "dec")) for name, id_ in book.acknowledged.items()}
    assert twice == []
    assert {name: stored.get(name) for name in told} == told
    assert set(stored) - set(told) <= set(book.failed)
