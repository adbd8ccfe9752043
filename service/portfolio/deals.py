"""Deals and customers by group: how many were won and stayed, how long it took, how large.

Pure. What is not known of a deal counts for nothing but itself: it is told apart, and never
taken for a no.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from service.portfolio.exact_tests import clopper_pearson
from service.portfolio.middles import Middle, middle_of

__all__ = ["Deal", "Group", "Rate", "days_between", "deals_by", "group_of", "rate_of"]

WON: Final = "won"
LOST: Final = "lost"
CHURNED: Final = "churned"
RENEWED: Final = "renewed"
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """One outcome, and what it is taken apart by.

    Attributes:
        days: From the opening of the deal to its end; None where nobody knows when it began.
        groups: Name to text; a name that is not there is not known.
    """

    result: str
    days: float | None
    amount: Decimal | None
    groups: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """*yes* of *known*, and the exact 95 % interval; all are None where nothing is known."""

    yes: int
    known: int
    rate: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What became of some deals. *value* is None for those of which the group is not known.

    Attributes:
        wins: Of those that were won or lost.
        churn: Those that churned, of those that churned or renewed.
        days: Of those that were won.
        amounts: Of those that were won, each to the double that is nearest.
        won_amount: The exact sum of them.
    """

    value: str | None
    deals: int
    wins: Rate
    churn: Rate
    days: Middle
    amounts: Middle
    won_amount: Decimal


def days_between(opened_at: datetime | None, at: datetime) -> float | None:
    """Return how many days a deal took; None where it is not known, or did not begin before."""
    if opened_at is None or opened_at > at:
        return None
    return (at - opened_at) / _DAY


def rate_of(yes: int, known: int) -> Rate:
    """Return a rate with its interval (Clopper and Pearson's)."""
    if known == 0:
        return Rate(yes=0, known=0, rate=None, low=None, high=None)
    low, high = clopper_pearson(yes, known)
    return Rate(yes=yes, known=known, rate=yes / known, low=low, high=high)


def group_of(deals: Sequence[Deal], *, value: str | None = None) -> Group:
    """Return what became of *deals*."""
    won = [deal for deal in deals if deal.result == WON]
    results = [deal.result for deal in deals]
    churned = results.count(CHURNED)
    amounts = [deal.amount for deal in won if deal.amount is not None]
    return Group(
        value=value,
        deals=len(deals),
        wins=rate_of(len(won), len(won) + results.count(LOST)),
        churn=rate_of(churned, churned + results.count(RENEWED)),
        days=middle_of([deal.days for deal in won if deal.days is not None]),
        amounts=middle_of([float(amount) for amount in amounts]),
        won_amount=sum(amounts, Decimal(0)),
    )


def deals_by(deals: Iterable[Deal], name: str) -> list[Group]:
    """Return the groups of *deals* under *name*, by value; those not known stand last."""
    parts = apart(deals, lambda deal: deal.groups.get(name))
    return [group_of(parts[value], value=value) for value in _in_order(parts)]


def apart(
    deals: Iterable[Deal], value_of: Callable[[Deal], str | None]
) -> dict[str | None, list[Deal]]:
    """Return *deals* by what *value_of* says of each."""
    parts: dict[str | None, list[Deal]] = {}
    for deal in deals:
        parts.setdefault(value_of(deal), []).append(deal)
    return parts


def _in_order(values: Iterable[str | None]) -> list[str | None]:
    return sorted(values, key=lambda value: (value is None, value or ""))
