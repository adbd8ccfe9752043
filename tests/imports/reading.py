"""An import from asking to its last row, in one call; and how it ended."""

from typing import Any

from service.bulk.importing import carry_out
from service.imports import FORMATS, store
from service.storage import transaction
from service.web import LEASE
from tests.web.serving import Served

__all__ = ["imported", "problems_of", "queued", "read_next"]


async def queued(served: Served, content: bytes, **sent: object) -> dict[str, Any]:
    """Ask for an import and send its file; return it as it waits."""
    asked = await served.ask("POST", "/v1/accounts/import", json=sent)
    assert asked.status_code == 201, asked.text
    address = asked.headers["location"]
    headers = {"Content-Type": FORMATS[asked.json()["format"]]}
    answer = await served.ask("PUT", f"{address}/file", content=content, headers=headers)
    assert answer.status_code == 202, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def read_next(served: Served) -> None:
    """Read the import that is next, in this process."""
    house = served.app.house
    async with transaction(house.engine) as connection:
        row = await store.claim_next(connection, lease=LEASE)
    assert row is not None
    await carry_out(row, engine=house.engine, clock=house.clock)


async def imported(served: Served, content: bytes, **sent: object) -> dict[str, Any]:
    """Import a file and return how that ended."""
    waiting = await queued(served, content, **sent)
    await read_next(served)
    shown: dict[str, Any] = (
        await served.ask("GET", f"/v1/accounts/imports/{waiting['id']}")
    ).json()
    return shown


async def problems_of(served: Served, done: dict[str, Any]) -> dict[int, str]:
    """Return the rows that were not taken: code by line."""
    answer = await served.ask("GET", f"/v1/accounts/imports/{done['id']}/problems?limit=200")
    return {one["line"]: one["code"] for one in answer.json()["data"]}
