"""The whale curve: margins added up from the most profitable account to the least.

It rises to a peak with the last account that brings more than it consumes, and falls by what
the tail takes back (Kaplan and Narayanan 2001).
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from service.portfolio.summing import EXACT, share

__all__ = ["ENDS", "POINTS", "Ranked", "WhaleCurve", "every"]

POINTS: Final = 200
"""About how many points of the curve are told; the peak and the end are always among them."""
ENDS: Final = 10
"""How many of the most and the least profitable accounts are named."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """An account at an end of the curve."""

    key: str
    name: str | None
    outcome: str | None
    revenue: Decimal
    cost: Decimal

    @property
    def margin(self) -> Decimal:
        """What is left of the revenue after the cost to serve."""
        return EXACT.subtract(self.revenue, self.cost)


@dataclass(frozen=True, slots=True, kw_only=True)
class WhaleCurve:
    """How much accounts leave, taken from the most profitable one on.

    Attributes:
        makers, takers: How many bring more than they consume, and how many less.
        peak: What the makers leave together.
        taken: What the takers take back of it, not negative.
        measured: Of how many accounts all revenue and cost is reported; of the others the
            ledger is no more than we know.
    """

    accounts: int
    measured: int
    makers: int
    takers: int
    peak: Decimal
    taken: Decimal
    points: tuple[tuple[int, Decimal], ...]
    most: tuple[Ranked, ...]
    least: tuple[Ranked, ...]

    @property
    def end(self) -> Decimal:
        """What everybody leaves together."""
        return EXACT.subtract(self.peak, self.taken)

    @property
    def takers_share(self) -> float | None:
        """Which share of accounts consumes more than it brings."""
        return share(self.takers, self.accounts)

    @property
    def taken_share(self) -> float | None:
        """Which share of the peak the tail takes back."""
        return share(self.taken, self.peak)


def every(accounts: int) -> int:
    """Return how far apart the points of a curve over so many accounts are."""
    return max(1, -(-accounts // POINTS))
