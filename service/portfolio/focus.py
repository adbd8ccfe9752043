"""The portfolio as it would be if we served fewer: who stays, who goes, what is left; pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from service.portfolio.ranging import (
    NO_AMOUNT,
    Amount,
    Fate,
    Ranged,
    fate_of,
    other_side,
    range_of,
)
from service.portfolio.slicing import Slice
from service.portfolio.summing import EXACT
from service.rules import Decision
from service.rules.model import Model

__all__ = ["QUANTITIES", "Focus", "Mean", "Order", "Side", "fate_kept", "fate_under", "focus_of"]

QUANTITIES: Final = ("accounts", "revenue", "cost", "margin", "support_hours")

Order = tuple[Decimal, int]
"""Revenue, and the number of entries it is made of."""


def fate_under(model: Model, decision: Decision) -> Fate:
    """Return whether an account goes under other rules: they disqualify it.

    It surely does where every outcome that is possible disqualifies, and surely stays where
    none does.
    """
    goes = {one.id: one.verdict == "disqualify" for one in model.outcomes}
    possible = {goes[outcome] for outcome in decision.possible_outcomes}
    return fate_of(is_in=goes[decision.outcome], is_sure=len(possible) == 1)


def fate_kept(slices: Mapping[str, str], keep: Sequence[Slice]) -> Fate:
    """Return whether an account goes where only those in *keep* are served.

    Texts under one name are alternatives, names narrow each other. Of whom a name is not
    told stays as things stand, and could go.
    """
    is_sure = True
    for name in {one.name for one in keep}:
        told = slices.get(name)
        if told is None:
            is_sure = False
        elif told not in {one.value for one in keep if one.name == name}:
            return "in"
    return fate_of(is_in=False, is_sure=is_sure)


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean as things stand, between the least and the most it could be."""

    low: Decimal
    value: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Those who stay, or those who go: each quantity with its range.

    *order_value* is the mean amount of their entries of revenue; None where there are none,
    or where the statement is older than their count.
    """

    sums: Mapping[str, Ranged]
    order_value: Mean | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Focus:
    """Both sides; together they are the whole, to the last digit."""

    stays: Side
    goes: Side
    whole: Mapping[str, Decimal]


def focus_of(
    sums: Mapping[Fate, Mapping[str, Amount]],
    orders: Mapping[Fate, Order] | None,
    open_orders: Collection[tuple[Fate, Order]],
) -> Focus:
    """Return both sides.

    *sums* are quantities by fate; *orders* the entries of revenue by fate, or None, and
    *open_orders* those of each account that could be on either side.
    """
    going = {
        name: {fate: each.get(name, NO_AMOUNT) for fate, each in sums.items()}
        for name in QUANTITIES
    }
    whole: dict[str, Decimal] = {}
    for name, by_fate in going.items():
        together = NO_AMOUNT
        for amount in by_fate.values():
            together += amount
        whole[name] = together.total
    return Focus(
        stays=Side(
            sums={name: range_of(other_side(by_fate)) for name, by_fate in going.items()},
            order_value=_mean(orders, open_orders, sure="out", rather="rather_out"),
        ),
        goes=Side(
            sums={name: range_of(by_fate) for name, by_fate in going.items()},
            order_value=_mean(orders, open_orders, sure="in", rather="rather_in"),
        ),
        whole=whole,
    )


def _mean(
    orders: Mapping[Fate, Order] | None,
    open_orders: Collection[tuple[Fate, Order]],
    *,
    sure: Fate,
    rather: Fate,
) -> Mean | None:
    if orders is None:
        return None
    certain = orders.get(sure, (Decimal(0), 0))
    standing = _plus(certain, orders.get(rather, (Decimal(0), 0)))
    if standing[1] <= 0:
        return None
    free = [order for _, order in open_orders if order[1] > 0]
    # By doubles, because there may be a hundred thousand; the means themselves are decimals.
    free.sort(key=lambda order: float(order[0]) / order[1])
    value = _ratio(standing)
    low = _extreme(certain, free)
    high = _extreme(certain, free[::-1], is_most=True)
    return Mean(min(low, value), value, max(high, value))


def _extreme(certain: Order, free: Sequence[Order], *, is_most: bool = False) -> Decimal:
    """Return the least mean that *certain* and any of *free* have, or the most.

    Taken in the order of their own means, one more of them helps until it does not.
    """
    taken = certain
    for order in free:
        if taken[1] > 0 and (_ratio(order) <= _ratio(taken)) is is_most:
            break
        taken = _plus(taken, order)
    return _ratio(taken) if taken[1] > 0 else Decimal(0)


def _plus(one: Order, other: Order) -> Order:
    return EXACT.add(one[0], other[0]), one[1] + other[1]


def _ratio(order: Order) -> Decimal:
    return order[0] / order[1]
