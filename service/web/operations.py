"""What whoever runs the service asks it: alive, ready, how much."""

from datetime import timedelta
from typing import ClassVar

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import QueuePool

from service.storage import is_migrated, list_partitions, measure_skew, transaction
from service.web.house import House, InHouse
from service.web.refusals import Fault, Refusal

__all__ = ["NotReady", "operations"]

operations = APIRouter(tags=["operate"])


class NotReady(Refusal):
    """The process lives but should get no requests now; each fault is one reason."""

    code: ClassVar[str] = "not_ready"


class Health(BaseModel):
    """One word: `alive` or `ready`."""

    status: str


@operations.get("/livez", operation_id="isAlive")
async def is_alive() -> Health:
    """Answer as long as the process can answer anything; asks nobody else."""
    return Health(status="alive")


@operations.get("/readyz", operation_id="isReady")
async def is_ready(house: InHouse) -> Health:
    """Answer 200 where requests can be served: database, schema, clock, partitions."""
    async with transaction(house.engine) as connection:
        faults = await _reasons_against(connection, house)
    if faults:
        words = "this process cannot serve requests now; see errors"
        raise NotReady(words, faults=faults, headers={"Retry-After": "2"})
    return Health(status="ready")


@operations.get("/metrics", operation_id="readMetrics", response_class=Response)
async def metrics(house: InHouse) -> Response:
    """Return this process's counters in Prometheus' text format; any secret key opens it."""
    pool = house.engine.pool
    if isinstance(pool, QueuePool):
        house.metrics.pool.labels("used").set(pool.checkedout())
        house.metrics.pool.labels("idle").set(pool.checkedin())
    return Response(house.metrics.render(), media_type=house.metrics.content_type)


async def _reasons_against(connection: AsyncConnection, house: House) -> list[Fault]:
    if not await is_migrated(connection):
        words = "the schema is older than this version needs; run `goodfit migrate`"
        return [Fault(code="schema", message=words)]
    faults = []
    skew = await measure_skew(connection, now=house.clock)
    limit = timedelta(seconds=house.settings.clock_skew_limit_s)
    if abs(skew) > limit:
        words = f"this clock is {skew / timedelta(milliseconds=1):.0f} ms off the database's"
        faults.append(Fault(code="clock", message=f"{words}; synchronise both"))
    partition = f"decision_{house.clock():%Y_%m}"
    if partition not in await list_partitions(connection):
        words = "no partition of its own awaits this month's decisions; run `goodfit migrate`"
        faults.append(Fault(code="partition", message=words))
    return faults
