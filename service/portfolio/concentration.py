"""Concentration: how few accounts cause how much, beside what they leave."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from service.portfolio.summing import share

__all__ = ["BURDENS", "PERCENTS", "Concentration", "Top", "how_many"]

PERCENTS: Final = (1, 5, 10)
BURDENS: Final = ("support_hours", "custom_hours", "escalations", "cost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Top:
    """The accounts that cause most of one burden: together so much of it, and of the margin.

    *revenue* and *margin* are theirs.
    """

    percent: int
    accounts: int
    amount: Decimal
    of: Decimal
    revenue: Decimal
    margin: Decimal
    of_margin: Decimal

    @property
    def burden_share(self) -> float | None:
        """Their share of the burden; None where nobody causes any."""
        return share(self.amount, self.of)

    @property
    def margin_share(self) -> float | None:
        """Their share of the margin; None where there is none to share."""
        return share(self.margin, self.of_margin)


@dataclass(frozen=True, slots=True)
class Concentration:
    """One burden, and the few who cause most of it."""

    burden: str
    of: Decimal
    tops: tuple[Top, ...]


def how_many(accounts: int, percent: int) -> int:
    """Return how many accounts the top *percent* are: at least one where there is any."""
    return -(-accounts * percent // 100)
