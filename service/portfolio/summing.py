"""What accounts add up to: the number, the money, and how much of it is known."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Final

__all__ = ["EXACT", "NOTHING", "Sums", "share", "total"]

EXACT: Final = Context(prec=100)
"""Sums of money keep every digit: a million accounts of fourteen digits and a rate's places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Some accounts together.

    Attributes:
        certain: Of how many the outcome cannot change by what is not known.
        measured: Of how many all revenue and cost is reported.
    """

    accounts: int = 0
    certain: int = 0
    measured: int = 0
    revenue: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)

    @property
    def margin(self) -> Decimal:
        """What is left of the revenue after the cost to serve."""
        return EXACT.subtract(self.revenue, self.cost)

    def __add__(self, other: "Sums") -> "Sums":
        """Return both together."""
        return Sums(
            accounts=self.accounts + other.accounts,
            certain=self.certain + other.certain,
            measured=self.measured + other.measured,
            revenue=EXACT.add(self.revenue, other.revenue),
            cost=EXACT.add(self.cost, other.cost),
        )


NOTHING: Final = Sums()


def total(sums: Iterable[Sums]) -> Sums:
    """Return all of *sums* together, exactly."""
    together = NOTHING
    for one in sums:
        together += one
    return together


def share(part: Decimal | int, whole: Decimal | int) -> float | None:
    """Return what share *part* is of *whole*; None of nothing, or of less than nothing."""
    return float(Decimal(part) / Decimal(whole)) if whole > 0 else None
