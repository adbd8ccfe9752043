"""What the metrics of accounts that flip were, measured when they are shown: none is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import anyio.to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.accounts import measure_accounts
from service.backtests import store
from service.rules import RuleSet, load_rule_set
from service.rulesets import LiveRules
from service.storage import transaction

__all__ = ["FlipMetrics"]

Measured = Mapping[UUID, Mapping[str, float | None]]


@dataclass(frozen=True, slots=True)
class FlipMetrics:
    """The rules of a backtest against accounts that measure, and the clock it was asked at."""

    rules: tuple[RuleSet, ...]
    at: datetime

    @classmethod
    async def of(
        cls, backtest: Row[tuple[object, ...]], *, engine: AsyncEngine, live: LiveRules
    ) -> "FlipMetrics":
        """Return those of *backtest*; against decisions each has kept its own facts."""
        if backtest.against != "accounts":
            return cls((), backtest.created_at)
        base = (await live.version(backtest.rule_set, backtest.base_version)).rules
        async with transaction(engine) as connection:
            document = await store.find_document(connection, backtest.id)
        draft = await anyio.to_thread.run_sync(load_rule_set, document)
        return cls(tuple(one for one in (base, draft) if one.metrics), backtest.created_at)

    async def read(self, connection: AsyncConnection, flips: Sequence[Row[object]]) -> Measured:
        """Return what accounts of *flips* come to: as the draft measures them, else the base.

        The ledger is read as it is now, at the clock of the backtest.
        """
        names = {metric.name for rules in self.rules for metric in rules.metrics}
        accounts = sorted({one.account_id for one in flips if names.intersection(one.facts)})
        found: dict[UUID, dict[str, float | None]] = {account: {} for account in accounts}
        for rules in self.rules if accounts else ():
            measured = await measure_accounts(connection, accounts, rules=rules, at=self.at)
            for account, values in measured.items():
                found[account] |= values
        return found
