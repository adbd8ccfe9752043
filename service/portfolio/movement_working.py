"""Work out why every account moved that did, between two statements."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from service.decisions import Several, read_several
from service.portfolio import store
from service.portfolio.attributing import kept_of, pairs_of, whys_of
from service.portfolio.movement_store import list_moved
from service.portfolio.passing import Found, Piece
from service.portfolio.reading import Statement, existing, statement_of
from service.portfolio.scenario_asking import since_of
from service.rulesets import LiveRules
from service.storage import transaction

__all__ = ["Movements"]

_AT_ONCE: Final = 100
_LONG: Final = timedelta(minutes=10)


class Movements:
    """Tells of each account that moved how much rules, data and time did."""

    def __init__(self, row: Row[Any], after: Statement, live: LiveRules) -> None:
        self._since = since_of(row.question)
        self._after = after
        self._live = live
        self._moved: Sequence[Row[Any]] | None = None
        self._read = 0

    @property
    def total(self) -> int:
        """How many accounts moved."""
        return len(self._moved or ())

    async def read(self, engine: AsyncEngine, *, after: UUID | None) -> Piece | None:
        """Return the next piece; None after the last."""
        del after
        if self._moved is None:
            self._moved = await self._all(engine)
        accounts = self._moved[self._read : self._read + _AT_ONCE]
        if not accounts:
            return None
        self._read += len(accounts)
        several = await read_several(engine, pairs_of(accounts), live=self._live)
        return Piece(accounts, partial(self._judge, accounts, several))

    async def _all(self, engine: AsyncEngine) -> Sequence[Row[Any]]:
        async with transaction(engine, within=_LONG) as connection:
            await store.allow_long(connection)
            row = await existing(connection, self._after.rule_set, self._since)
            return await list_moved(connection, statement_of(row), self._after, slices=())

    def _judge(self, accounts: Sequence[Row[Any]], several: Several) -> tuple[Found, int]:
        whys = whys_of(several, self._after.terms)
        found: Found = [
            {
                "account_id": account.account_id,
                "before": account.outcome_before,
                "after": account.outcome_after,
                "moves": kept_of(why),
            }
            for account, why in zip(accounts, whys, strict=True)
        ]
        return found, sum(why.group is None for why in whys)
