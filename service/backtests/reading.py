"""What a backtest is held against, a piece at a time: decisions of the past, or accounts now."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import anyio
import anyio.to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.accounts import measure_accounts
from service.backtests import store
from service.backtests.account_store import count_accounts
from service.backtests.chunking import Bench
from service.backtests.metering import Definition, Values, known_by
from service.backtests.past import AccountsNow, DecidedPast, Past
from service.backtests.past_store import read_account_piece, read_decision_piece
from service.backtests.replaying import Case
from service.rulesets import LiveRules
from service.storage import transaction

__all__ = ["count_cases", "read_cases", "read_past"]

_LONG: Final = timedelta(minutes=1)


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
    past = await read_past(engine, row, after=after, limit=limit, bench=bench, live=live)
    return await anyio.to_thread.run_sync(
        lambda: [past.case(place) for place in range(len(past.ids))], limiter=turn
    )


async def read_past(
    engine: AsyncEngine,
    row: Row[Any],
    *,
    after: store.Position | None,
    limit: int,
    bench: Bench,
    live: LiveRules,
) -> Past:
    """Return the next piece of the past of the backtest *row*, as `read_cases`."""
    async with transaction(engine, within=_LONG) as connection:
        if row.against == "accounts":
            last = None if after is None else after[1]
            ids, facts, erased = await read_account_piece(connection, row, after=last, limit=limit)
            measured = await _measured(connection, row, ids, bench=bench)
            return AccountsNow(ids, facts, erased, measured, row, bench)
        ids, facts, stood = await read_decision_piece(connection, row, after=after, limit=limit)
    versions = {
        number: (await live.version(row.rule_set, number)).rules
        for number in {each.version for each in stood}
    }
    return DecidedPast(ids, facts, stood, versions)


async def _measured(
    connection: AsyncConnection, row: Row[Any], ids: Sequence[UUID], *, bench: Bench
) -> Mapping[UUID, Values]:
    """Return what base and draft measure of accounts at the instant of the asking."""
    found: dict[UUID, dict[Definition, object]] = {account: {} for account in ids}
    for rules in (bench.undoing.base, bench.undoing.draft):
        measured = await measure_accounts(connection, ids, rules=rules, at=row.created_at)
        for account, values in measured.items():
            found[account] |= known_by(rules, values)
    return found
