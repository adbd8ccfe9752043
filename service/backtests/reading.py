"""What a backtest is held against, a piece at a time: decisions of the past, or accounts now."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import anyio
import anyio.to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.accounts import measure_accounts
from service.backtests import store
from service.backtests.account_store import count_accounts, read_accounts
from service.backtests.chunking import Bench, account_case_of, case_of
from service.backtests.metering import Definition, Values, known_by
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
            measured = await _measured(connection, row, accounts, bench=bench)
        return await anyio.to_thread.run_sync(
            lambda: [
                account_case_of(each, backtest=row, bench=bench, measured=measured[each.id])
                for each in accounts
            ],
            limiter=turn,
        )
    async with transaction(engine) as connection:
        decisions = await store.read_decisions(connection, row, after=after, limit=limit)
    versions = {
        number: (await live.version(row.rule_set, number)).rules
        for number in {each.version for each in decisions}
    }
    return [case_of(each, version=versions[each.version]) for each in decisions]


async def _measured(
    connection: AsyncConnection, row: Row[Any], accounts: Sequence[Row[Any]], *, bench: Bench
) -> Mapping[UUID, Values]:
    """Return what base and draft measure of *accounts* at the instant of the asking."""
    ids = [each.id for each in accounts]
    found: dict[UUID, dict[Definition, object]] = {account: {} for account in ids}
    for rules in (bench.undoing.base, bench.undoing.draft):
        measured = await measure_accounts(connection, ids, rules=rules, at=row.created_at)
        for account, values in measured.items():
            found[account] |= known_by(rules, values)
    return found
