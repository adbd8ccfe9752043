"""Have the statements that wait taken by a process of their own, once their rescoring is done."""

from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.portfolio import store
from service.storage.tables import StatementRow
from service.web import LEASE, Errand, House, run_as_they_come, run_next

__all__ = ["take_next", "working"]


async def _claim_next(connection: AsyncConnection) -> Row[Any] | None:
    return await store.claim_next(connection, lease=LEASE)


_STATEMENT: Final = Errand(
    name="statement", prefix="st", table=StatementRow, claim_next=_claim_next
)


def working(house: House) -> AbstractAsyncContextManager[None]:
    """Have whatever statements wait taken until the block ends."""
    return run_as_they_come(house, _STATEMENT)


async def take_next(house: House) -> bool:
    """Have the oldest statement taken whose rescoring is done; return whether one was.

    Raises as `run_next`.
    """
    return await run_next(house, _STATEMENT)
