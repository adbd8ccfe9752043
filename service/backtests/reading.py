"""What a backtest is held against, a piece at a time: decisions of the past, or accounts now."""

from typing import Any

import anyio
import anyio.to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.backtests import store
from service.backtests.account_store import count_accounts, read_accounts
from service.backtests.chunking import Bench, account_case_of, case_of
from service.backtests.replaying import Case
from service.rulesets import LiveRules
from service.storage import transaction

__all__ = ["count_cases", "read_cases"]


async def count_cases(connection: AsyncConnection, row: Row[Any]) -> int | None:
    """Return how many cases the backtest *row* has; None from a million on."""
    count = count_accounts if row.against == "accounts" else store.count_decisions
    return await count(connection, row)


async def read_cases(
    engine: AsyncEngine,
    row: Row[Any],
    *,
    after: store.Position | None,
    limit: int,
    bench: Bench,
    live: LiveRules,
    turn: anyio.CapacityLimiter,
) -> list[Case]:
    """Return up to *limit* cases of the backtest *row* that come *after* a position, in order.

    An account is decided by the base here, in a thread under *turn*: that is its "before".
    """
    if row.against == "accounts":
        async with transaction(engine) as connection:
            last = None if after is None else after[1]
            accounts = await read_accounts(connection, row, after=last, limit=limit)
        return await anyio.to_thread.run_sync(
            lambda: [account_case_of(each, backtest=row, bench=bench) for each in accounts],
            limiter=turn,
        )
    async with transaction(engine) as connection:
        decisions = await store.read_decisions(connection, row, after=after, limit=limit)
    asked = {
        number: frozenset((await live.version(row.rule_set, number)).rules.attributes)
        for number in {each.version for each in decisions}
    }
    return [case_of(each, asked=asked[each.version]) for each in decisions]
