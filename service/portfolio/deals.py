"""Deals and customers by group: how many were won and stayed, how long it took, how large.

Pure. What is not known of a deal counts for nothing but itself: it is told apart, and never
taken for a no.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from service.portfolio.exact_tests import clopper_pearson
from service.portfolio.middles import Middle, middle_of

__all__ = ["CHURNED", "LOST", "RENEWED", "WON", "Deal", "Group", "Part", "Rate"]
__all__ += ["days_between", "group_of", "part_of", "parts_by", "rate_of"]

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


@dataclass(frozen=True, slots=True)
class Part:
    """Deals that share a value, counted once for all that is said of them.

    Attributes:
        results: How many ended in which way.
        days, amounts: Of those that were won, where it is known; *sizes* are the amounts as
            the doubles that are nearest.
    """

    value: str | None
    results: Mapping[str, int]
    days: Sequence[float]
    amounts: Sequence[Decimal]
    sizes: Sequence[float]


def part_of(deals: Sequence[Deal], *, value: str | None = None) -> Part:
    """Return *deals*, counted."""
    won = [deal for deal in deals if deal.result == WON]
    amounts = [deal.amount for deal in won if deal.amount is not None]
    return Part(
        value,
        Counter([deal.result for deal in deals]),
        sorted(deal.days for deal in won if deal.days is not None),
        amounts,
        sorted(map(float, amounts)),
    )


def parts_by(deals: Iterable[Deal], name: str) -> list[Part]:
    """Return *deals* by what each has under *name*; those of which it is not known stand last."""
    parts: dict[str | None, list[Deal]] = defaultdict(list)
    for deal in deals:
        parts[deal.groups.get(name)].append(deal)
    return [part_of(parts[value], value=value) for value in _in_order(parts)]


def group_of(part: Part) -> Group:
    """Return what became of the deals of a *part*."""
    results = part.results
    won, churned = results.get(WON, 0), results.get(CHURNED, 0)
    return Group(
        value=part.value,
        deals=sum(results.values()),
        wins=rate_of(won, won + results.get(LOST, 0)),
        churn=rate_of(churned, churned + results.get(RENEWED, 0)),
        days=middle_of(part.days),
        amounts=middle_of(part.sizes),
        won_amount=sum(part.amounts, Decimal(0)),
    )


def _in_order(values: Iterable[str | None]) -> list[str | None]:
    return sorted(values, key=lambda value: (value is None, value or ""))
