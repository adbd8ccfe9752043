"""Have the imports that wait read by a process of their own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.imports import store
from service.storage import transaction
from service.storage.tables import ImportRow
from service.web import LEASE, Chore, Errand, House, looked_after, run_as_they_come, run_next

__all__ = ["sweep", "work_on_next", "working"]

_FILE_WITHIN: Final = timedelta(hours=24)
_SWEEP_EVERY_S: Final = 600.0


async def _claim_next(connection: AsyncConnection) -> Row[Any] | None:
    return await store.claim_next(connection, lease=LEASE)


_IMPORT: Final = Errand(name="import", prefix="imp", table=ImportRow, claim_next=_claim_next)


@asynccontextmanager
async def working(house: House) -> AsyncIterator[None]:
    """Have whatever imports wait read, and files that nobody wants forgotten, for the block."""
    chore = Chore("imports", _SWEEP_EVERY_S, lambda: sweep(house))
    async with run_as_they_come(house, _IMPORT), looked_after(chore):
        yield


async def work_on_next(house: House) -> bool:
    """Have the oldest import that waits read to its end; return whether one was.

    There is one at a time in a deployment. Raises as `run_next`.
    """
    return await run_next(house, _IMPORT)


async def sweep(house: House) -> None:
    """Fail imports whose files never came, and forget files of those that have ended."""
    async with transaction(house.engine) as connection:
        words = "no file came within a day; ask again"
        await store.end_by_itself(connection, older_than=_FILE_WITHIN, words=words)
        await store.drop_stray_parts(connection)
