"""From numbers to places on paper, and the round values at which an axis is marked."""

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

__all__ = ["Scale", "spread", "ticks"]

_ROUND: Final = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight line from numbers *low*..*high* to places *start*..*end*."""

    low: float
    high: float
    start: float
    end: float

    def at(self, number: float | Decimal) -> float:
        """Return the place of *number*; where all numbers are one, the start."""
        if self.high == self.low:
            return self.start
        share = (float(number) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def ticks(low: float, high: float, *, about: int = 5) -> tuple[Decimal, ...]:
    """Return about *about* round numbers from *low* to *high*: multiples of 1, 2 or 5 times a ten.

    They are exact: 0.1, not a double near it.
    """
    if not low < high:
        return (Decimal(repr(low)),)
    raw = (high - low) / max(about, 1)
    ten = Decimal(1).scaleb(math.floor(math.log10(raw)))
    step = next((ten * each for each in _ROUND if float(ten * each) >= raw), ten * 10)
    first = math.ceil(Decimal(repr(low)) / step - Decimal("1e-9"))
    last = math.floor(Decimal(repr(high)) / step + Decimal("1e-9"))
    return tuple(step * place for place in range(first, last + 1))


def spread(wanted: list[float], *, apart: float, low: float, high: float) -> list[float]:
    """Return places near the *wanted* ones, in their order, at least *apart* and within bounds.

    Where there is not room for all, they start at *low* and pass *high*.
    """
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    placed = [0.0] * len(wanted)
    least = low
    for index in order:
        placed[index] = least = max(wanted[index], least)
        least += apart
    most = high
    for index in reversed(order):
        placed[index] = min(placed[index], most)
        most = placed[index] - apart
    if order and placed[order[0]] < low:
        for step, index in enumerate(order):
            placed[index] = low + step * apart
    return placed
