"""A file of events through the import of the service, by HTTP and its worker; timed."""

import itertools
import random
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine

from service.bulk.importing import carry_out
from service.imports import store
from service.storage import transaction

__all__ = ["import_accounts", "import_events"]

_LEASE: Final = timedelta(minutes=10)
_PIECE: Final = 5_000


async def import_accounts(
    client: httpx.AsyncClient, engine: AsyncEngine, *, rows: int
) -> tuple[float, float]:
    """Import so many new accounts; return how long sending and reading took, in seconds."""
    lines = (f"imported-{n},Imported {n},{5 + n * 31 % 2000},core\n" for n in range(rows))
    head = "account,name,employees,segment\n"
    return await _imported(client, engine, head, lines, what="accounts")


async def import_events(
    client: httpx.AsyncClient, engine: AsyncEngine, *, keys: Sequence[str], rows: int
) -> tuple[float, float]:
    """Import so many events of *keys*; return how long sending and reading took, in seconds."""
    dice = random.Random(20_261_126)
    begin = datetime.now(UTC) - timedelta(days=400)

    def line(number: int) -> str:
        at = begin + timedelta(minutes=dice.randrange(1, 500_000))
        amount = dice.randrange(1, 400_000)
        key = keys[dice.randrange(len(keys))]
        return f"imported-{number},{key},revenue,{at:%Y-%m-%dT%H:%M:%SZ},{amount / 100:.2f}\n"

    lines = (line(number) for number in range(rows))
    head = "event_id,account,kind,at,amount\n"
    return await _imported(client, engine, head, lines, what="events")


async def _imported(
    client: httpx.AsyncClient, engine: AsyncEngine, head: str, lines: Iterator[str], *, what: str
) -> tuple[float, float]:
    async def content() -> AsyncIterator[bytes]:
        yield head.encode()
        while piece := "".join(itertools.islice(lines, _PIECE)):
            yield piece.encode()

    began_s = time.perf_counter()
    sent = {"what": what, "source": "source-0"}
    asked = (await client.post("/v1/accounts/import", json=sent)).raise_for_status()
    address = asked.headers["location"]
    headers = {"Content-Type": "text/csv"}
    answer = await client.put(f"{address}/file", content=content(), headers=headers)
    answer.raise_for_status()
    sent_s = time.perf_counter() - began_s
    async with transaction(engine) as connection:
        row = await store.claim_next(connection, lease=_LEASE)
    if row is None:
        raise AssertionError("it is queued, and nobody else works here")
    began_s = time.perf_counter()
    await carry_out(row, engine=engine, clock=lambda: datetime.now(UTC))
    took_s = time.perf_counter() - began_s
    done = (await client.get(address)).json()
    if done["state"] != "done" or done["result"]["bad"]:
        raise AssertionError(f"the import was to take every row: {done}")
    return sent_s, took_s
