"""What the ledger adds up to, account by account, in the database: SQL only."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final
from uuid import UUID

import anyio.to_thread
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts.metric_sql import LAST_KNOWN, REPORTED, Statement, statement_of
from service.rules import Metric, RuleSet, as_measured

__all__ = ["measure_accounts", "measure_all", "reported_kinds"]

Values = Mapping[str, float | None]

_KEPT: Final = 256
_AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Metrics, told apart by the digest of their rule set and by their names."""

    digest: str
    names: tuple[str, ...]
    of_all: bool
    metrics: tuple[Metric, ...] = field(compare=False)


@lru_cache(maxsize=_KEPT)
def _prepared(wanted: _Wanted) -> tuple[Statement, TextClause]:
    statement = statement_of(wanted.metrics, of_all=wanted.of_all)
    return statement, text(statement.text)


async def measure_accounts(
    connection: AsyncConnection,
    ids: Sequence[UUID],
    *,
    rules: RuleSet,
    at: datetime,
    known_at: datetime | None = None,
    also: Sequence[Metric] = (),
) -> dict[UUID, Values]:
    """Return what *rules* measures of the accounts *ids* at the clock *at*, in one statement.

    What was recorded, or taken back, after *known_at* does not count. *also* are further
    metrics, of names that say for these rules what they measure.
    """
    metrics = (*rules.metrics, *also)
    if not metrics:
        return {account: {} for account in ids}
    statement, written = await _statement(rules.digest, metrics, of_all=False)
    parameters = {**statement.parameters(at, known_at=known_at), "ids": list(ids)}
    rows = await connection.execute(written, parameters)
    return {row[0]: _values(metrics, row[1:]) for row in rows}


async def measure_all(
    connection: AsyncConnection, *, rules: RuleSet, at: datetime
) -> AsyncIterator[tuple[UUID, Values]]:
    """Yield every account that stands for itself, with what *rules* measures of it, in one pass."""
    statement, written = await _statement(rules.digest, rules.metrics, of_all=True)
    found = await connection.stream(
        written, statement.parameters(at), execution_options={"yield_per": _AT_ONCE}
    )
    async for row in found:
        yield row[0], _values(rules.metrics, row[1:])


async def reported_kinds(
    connection: AsyncConnection, account_id: UUID, *, at: datetime
) -> frozenset[str]:
    """Return the kinds that some source of an account reports now, or has told of by *at*."""
    given = {"id": account_id, "at": at, "known_at": LAST_KNOWN}
    rows = await connection.execute(text(REPORTED), given)
    return frozenset(rows.scalars())


async def _statement(
    digest: str, metrics: Sequence[Metric], *, of_all: bool
) -> tuple[Statement, TextClause]:
    """Return the statement, written in a thread: its conditions are translated the first time."""
    names = tuple(metric.name for metric in metrics)
    wanted = _Wanted(digest, names, of_all, tuple(metrics))
    return await anyio.to_thread.run_sync(_prepared, wanted)


def _values(metrics: Sequence[Metric], numbers: Sequence[float | None]) -> Values:
    names = (metric.name for metric in metrics)
    return dict(zip(names, map(as_measured, numbers), strict=True))
