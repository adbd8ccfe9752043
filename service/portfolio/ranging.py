"""Sums over accounts that are in, out, or could be either: a value and its range, pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from service.portfolio.summing import EXACT

__all__ = ["FATES", "NO_AMOUNT", "Amount", "Fate", "Ranged", "fate_of", "other_side"]
__all__ += ["range_of", "sum_of", "summed"]

Fate = Literal["in", "rather_in", "rather_out", "out"]
"""Whether an account is in; `rather` where something that is not known could change it."""
FATES: Final[tuple[Fate, ...]] = ("in", "rather_in", "rather_out", "out")
_OTHER_SIDE: Final[Mapping[Fate, Fate]] = dict(zip(FATES, reversed(FATES), strict=True))
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Amount:
    """What some accounts have of something, and of it what is *above* zero and *below*."""

    total: Decimal
    above: Decimal
    below: Decimal

    @classmethod
    def of(cls, number: Decimal) -> "Amount":
        """Return what one account has."""
        return cls(number, max(number, _ZERO), min(number, _ZERO))

    def __add__(self, other: "Amount") -> "Amount":
        """Return both together, exactly."""
        return Amount(
            EXACT.add(self.total, other.total),
            EXACT.add(self.above, other.above),
            EXACT.add(self.below, other.below),
        )


NO_AMOUNT: Final = Amount(_ZERO, _ZERO, _ZERO)


@dataclass(frozen=True, slots=True)
class Ranged:
    """A sum as things stand, between the least and the most it could be."""

    low: Decimal
    value: Decimal
    high: Decimal


def fate_of(*, is_in: bool, is_sure: bool) -> Fate:
    """Return the fate of an account that *is in* as things stand."""
    if is_sure:
        return "in" if is_in else "out"
    return "rather_in" if is_in else "rather_out"


def other_side(amounts: Mapping[Fate, Amount]) -> dict[Fate, Amount]:
    """Return the same accounts seen from the other side: who is in here is out there."""
    return {_OTHER_SIDE[fate]: amount for fate, amount in amounts.items()}


def range_of(amounts: Mapping[Fate, Amount]) -> Ranged:
    """Return the sum over those that are in.

    The least and the most leave out, or take in, each account that could be either; one
    that has less than nothing makes the sum smaller.
    """
    sure = _of(amounts, "in")
    rather = _of(amounts, "rather_in")
    open_ones = rather + _of(amounts, "rather_out")
    return Ranged(
        EXACT.add(sure.total, open_ones.below),
        EXACT.add(sure.total, rather.total),
        EXACT.add(sure.total, open_ones.above),
    )


def _of(amounts: Mapping[Fate, Amount], fate: Fate) -> Amount:
    return amounts.get(fate, NO_AMOUNT)


def summed(pairs: Iterable[tuple[Fate, Amount]]) -> dict[Fate, Amount]:
    """Return the amounts of each fate together."""
    together: dict[Fate, Amount] = {}
    for fate, amount in pairs:
        together[fate] = together.get(fate, NO_AMOUNT) + amount
    return together


def sum_of(numbers: Iterable[Decimal]) -> Decimal:
    """Return the exact sum of *numbers*."""
    together = _ZERO
    for number in numbers:
        together = EXACT.add(together, number)
    return together
