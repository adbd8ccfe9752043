"""Have the rescorings that wait worked off by a process of their own."""

from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rescorings import store
from service.storage.tables import RescoringRow
from service.web import LEASE, Errand, House, run_as_they_come, run_next

__all__ = ["work_on_next", "working"]


async def _claim_next(connection: AsyncConnection) -> Row[Any] | None:
    return await store.claim_next(connection, lease=LEASE)


_RESCORING: Final = Errand(
    name="rescoring", prefix="rsc", table=RescoringRow, claim_next=_claim_next
)


def working(house: House) -> AbstractAsyncContextManager[None]:
    """Have whatever rescorings wait worked on until the block ends."""
    return run_as_they_come(house, _RESCORING)


async def work_on_next(house: House) -> bool:
    """Have the oldest rescoring that waits worked on to its end; return whether one was.

    There is one at a time in a deployment. Raises as `run_next`.
    """
    return await run_next(house, _RESCORING)
