"""The middle of some numbers: quartiles, and a 95 % interval of the median.

The interval reaches from one of the numbers to another, chosen by the binomial distribution,
so it assumes nothing of how they are spread (H. A. David and H. N. Nagaraja, *Order
Statistics*, 2003, section 7.1). Quartiles are interpolated as in R. J. Hyndman and Y. Fan,
*Am. Statist.* 50 (1996), number 7.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import Final

from service.portfolio.exact_tests import binomial_p

__all__ = ["Middle", "middle_of"]

_TAIL: Final = 0.025


@dataclass(frozen=True, slots=True, kw_only=True)
class Middle:
    """Of *count* numbers the quartiles and the median, with its interval.

    *low* and *high* are None where there are too few numbers (five or fewer) for an interval
    that holds the true median in 95 of 100 cases. All are None where there is no number.
    """

    count: int
    lower_quartile: float | None
    median: float | None
    upper_quartile: float | None
    low: float | None
    high: float | None


def middle_of(numbers: Sequence[float]) -> Middle:
    """Return the middle of *numbers*."""
    ordered = sorted(numbers)
    if not ordered:
        return Middle(
            count=0, lower_quartile=None, median=None, upper_quartile=None, low=None, high=None
        )
    low, high = _interval(ordered)
    return Middle(
        count=len(ordered),
        lower_quartile=_quantile(ordered, 0.25),
        median=_quantile(ordered, 0.5),
        upper_quartile=_quantile(ordered, 0.75),
        low=low,
        high=high,
    )


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = (len(ordered) - 1) * share
    below = floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _interval(ordered: Sequence[float]) -> tuple[float, float] | tuple[None, None]:
    """Return the narrowest two numbers, alike from both ends, that hold the median."""
    count = len(ordered)
    # The largest *out* of which as few numbers lie below the median in one case of forty.
    least, most = 0, count // 2
    while least < most:
        out = (least + most + 1) // 2
        if binomial_p(count - out + 1, count, baseline=0.5) <= _TAIL:
            least = out
        else:
            most = out - 1
    if least == 0:
        return None, None
    return ordered[least - 1], ordered[count - least]
