"""Count in the database what is sent, for `/metrics`: the same figures in every process."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from service.delivery import measure_store
from service.storage import to_text, transaction
from service.web import Chore, House, looked_after

__all__ = ["measure", "measuring"]

_EVERY_S: Final = 15.0
_RESULTS: Final = ("delivered", "refused", "timeout", "connection", "address", "secret")
_WITHIN: Final = timedelta(minutes=5)


async def measure(house: House) -> None:
    """Count once."""
    async with transaction(house.engine) as connection:
        endpoints = await measure_store.count_deliveries(connection)
        attempts = await measure_store.count_attempts(connection, within=_WITHIN)
    metrics = house.metrics
    metrics.deliveries.clear()
    metrics.deliveries_oldest_s.clear()
    states = Counter(
        "failing" if one.is_failing and one.state == "enabled" else one.state for one in endpoints
    )
    for state in ("enabled", "failing", "disabled"):
        metrics.endpoints.labels(state).set(states[state])
    for one in endpoints:
        name = to_text("whe", one.id)
        oldest = one.oldest or timedelta(0)
        metrics.deliveries_oldest_s.labels(name).set(oldest.total_seconds())
        for state in ("waiting", "sending", "failed"):
            metrics.deliveries.labels(name, state).set(getattr(one, state))
    for result in _RESULTS:
        metrics.delivery_attempts.labels(result).set(attempts.get(result, 0))


@asynccontextmanager
async def measuring(house: House) -> AsyncIterator[None]:
    """Count every quarter of a minute until the block ends."""

    async def count() -> None:
        await measure(house)

    async with looked_after(Chore("deliveries counted", _EVERY_S, count)):
        yield
