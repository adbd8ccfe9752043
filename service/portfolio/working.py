"""Have statements taken, and scenarios worked out, by processes of their own as they come.

A statement waits for its rescoring; a scenario for nothing.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.portfolio import scenario_store, store
from service.storage.tables import ScenarioRow, StatementRow
from service.web import LEASE, Errand, House, run_as_they_come, run_next

__all__ = ["take_next", "work_out_next", "working"]


async def _claim_next(connection: AsyncConnection) -> Row[Any] | None:
    return await store.claim_next(connection, lease=LEASE)


_STATEMENT: Final = Errand(
    name="statement", prefix="st", table=StatementRow, claim_next=_claim_next
)


async def _claim_scenario(connection: AsyncConnection) -> Row[Any] | None:
    return await scenario_store.claim(connection, lease=LEASE)


_SCENARIO: Final = Errand(
    name="scenario", prefix="scn", table=ScenarioRow, claim_next=_claim_scenario
)


@asynccontextmanager
async def working(house: House) -> AsyncIterator[None]:
    """Have whatever waits taken and worked out until the block ends."""
    async with run_as_they_come(house, _STATEMENT), run_as_they_come(house, _SCENARIO):
        yield


async def take_next(house: House) -> bool:
    """Have the oldest statement taken whose rescoring is done; return whether one was.

    Raises as `run_next`.
    """
    return await run_next(house, _STATEMENT)


async def work_out_next(house: House) -> bool:
    """Have the oldest scenario that waits worked out; return whether one was.

    Raises as `run_next`.
    """
    return await run_next(house, _SCENARIO)
