"""A statement that was taken, and the positions in it: what every view is made of."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.portfolio import store
from service.portfolio.slicing import Slice, check_slices
from service.portfolio.summing import EXACT
from service.web import Refusal

__all__ = ["Position", "Span", "Statement", "StatementNotFound", "Terms"]
__all__ += ["existing", "read_position", "read_positions", "read_statement", "statement_of"]


class StatementNotFound(Refusal):
    """The rule set has no such statement, or none yet."""

    code: ClassVar[str] = "statement_not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a statement calls revenue, cost, value and growth, and what it calls high.

    Attributes:
        since: Entries of the ledger after it count; None where all do.
        window: The same in the rule set's words.
    """

    revenue_metric: str
    cost_metric: str
    value_score: str
    growth_score: str
    value_from: float
    growth_from: float
    since: datetime | None
    window: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The portfolio under one rule set as of *at*. It never changes."""

    id: UUID
    rule_set: str
    version: int
    digest: str
    at: datetime
    terms: Terms
    slices: tuple[str, ...]
    accounts: int
    revenue: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Span:
    """A score: from *low* to *high* while something is unknown, else the two are one."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where one account stands, those merged into it included.

    Attributes:
        decision_id, version, verdict, outcome: None where it was never decided.
        certain: Whether nothing that is unknown could change the outcome.
        in_grace: A grace period decided; nothing is said of the account itself.
        is_measured: Its sources report what revenue and cost are made of. Where they do not,
            the sums are those of what the ledger holds, and mean nothing of the account.
        costs: By driver.
        slices: Name to text; a name that is not there is not known.
        letters: What `gates`, `rules` and `outcomes` came to while more may be known: a letter
            each, `y`, `n` or `u`. None where the statement's version did not decide it.
        orders: Entries of revenue; None where the statement is older than their count.
    """

    account_id: UUID
    key: str
    name: str | None
    decision_id: UUID | None
    version: int | None
    verdict: str | None
    outcome: str | None
    certain: bool
    scores: Mapping[str, Span]
    customer_since: date | None
    in_grace: bool
    is_measured: bool
    revenue: Decimal
    cost: Decimal
    costs: Mapping[str, Decimal]
    support_hours: Decimal
    custom_hours: Decimal
    escalations: int
    slices: Mapping[str, str]
    letters: Mapping[str, str] | None = None
    orders: int | None = None

    @property
    def margin(self) -> Decimal:
        """What is left of the revenue after the cost to serve."""
        return EXACT.subtract(self.revenue, self.cost)


async def read_statement(
    connection: AsyncConnection, slug: str, *, at: datetime | None = None
) -> Statement:
    """Return the newest statement of the rule set *slug* at or before *at*, or of all.

    Raises:
        StatementNotFound: If there is none.
    """
    row = await store.find_newest(connection, slug, at=at)
    if row is None:
        when = "yet" if at is None else "that early"
        words = f"the rule set has no statement {when}; POST its `statements` takes one"
        raise StatementNotFound(words)
    return statement_of(row)


async def existing(connection: AsyncConnection, slug: str, statement_id: UUID) -> Row[Any]:
    """Return the row of a statement of *slug*, whatever its state.

    Raises:
        StatementNotFound: If there is none.
    """
    row = await store.find(connection, statement_id)
    if row is None or row.rule_set != slug:
        words = "the rule set has no statement with this id; GET its `statements` lists them"
        raise StatementNotFound(words)
    return row


async def read_positions(
    connection: AsyncConnection, statement: Statement, *, slices: Sequence[Slice] = ()
) -> AsyncIterator[Position]:
    """Yield the positions of *statement* that are in all *slices*, by account.

    Raises:
        BadSlice: If the statement cannot be taken apart so.
    """
    check_slices(statement.slices, slices)
    async for row in store.stream_positions(connection, statement.id, slices=slices):
        yield position_of(row)


async def read_position(
    connection: AsyncConnection, statement: Statement, account_id: UUID
) -> Position | None:
    """Return the position of one account; None where it has none in *statement*."""
    row = await store.find_position(connection, statement.id, account_id)
    return None if row is None else position_of(row)


def statement_of(row: Row[Any]) -> Statement:
    """Return what a row of a statement that is done says."""
    return Statement(
        id=row.id,
        rule_set=row.rule_set,
        version=row.version,
        digest=row.digest,
        at=row.at,
        terms=terms_of(row),
        slices=tuple(row.slices),
        accounts=row.accounts,
        revenue=row.revenue,
        cost=row.cost,
    )


def terms_of(row: Row[Any]) -> Terms:
    """Return the terms in a row of a statement."""
    return Terms(**{field.name: getattr(row, field.name) for field in fields(Terms)})


def position_of(row: Row[Any]) -> Position:
    """Return what a row of a position says."""
    told = {field.name: getattr(row, field.name) for field in fields(Position)}
    told["scores"] = {name: Span(*ends) for name, ends in row.scores.items()}
    told["costs"] = {driver: Decimal(amount) for driver, amount in row.costs.items()}
    return Position(**told)
