"""Numbers that are rounded alike everywhere, and ranges of them."""

import math
from dataclasses import dataclass
from typing import Final

LARGEST_EXACT: Final = float(2**53)
"""The largest magnitude a fact or a constant may have: past it doubles skip whole numbers."""

_ROUNDED_BELOW: Final = 1e9


def six_places(x: float) -> float:
    """Return *x* rounded to six decimal places, halves up; unchanged from a magnitude of 1e9.

    Written as `floor(x * 1e6 + 0.5) / 1e6` because every engine computes exactly that
    expression to the same bits. It never falls as *x* grows, so it keeps ranges in order.
    """
    if -_ROUNDED_BELOW < x < _ROUNDED_BELOW:
        return math.floor(x * 1e6 + 0.5) / 1e6
    return x


def whole(x: float) -> float:
    """Return *x* rounded to a whole number, halves away from zero (the language's `round`)."""
    if x == 0:
        return 0.0
    return math.copysign(float(math.floor(abs(x) + 0.5)), x)


@dataclass(frozen=True, slots=True)
class Range:
    """All numbers from *low* to *high*, both ends included; never empty, never infinite."""

    low: float
    high: float

    @property
    def is_point(self) -> bool:
        """Whether exactly one number is left."""
        return self.low == self.high

    def rounded(self) -> "Range":
        """Return the range of the members' roundings to six places."""
        return Range(six_places(self.low), six_places(self.high))

    def within(self, floor: float | None, ceiling: float | None) -> "Range":
        """Return the range with both ends drawn up to *floor* and down to *ceiling*."""
        return Range(limit(self.low, floor, ceiling), limit(self.high, floor, ceiling))


def point(x: float) -> Range:
    """Return the range that holds only *x*."""
    return Range(x, x)


def limit(x: float, floor: float | None, ceiling: float | None) -> float:
    """Return *x* drawn up to *floor*, then down to *ceiling*, where given."""
    if floor is not None and x < floor:
        x = floor
    if ceiling is not None and x > ceiling:
        x = ceiling
    return x


def hull(first: Range, *others: Range) -> Range:
    """Return the smallest range that holds all the given ones."""
    low, high = first.low, first.high
    for other in others:
        low = min(low, other.low)
        high = max(high, other.high)
    return Range(low, high)


def nearest_zero(span: Range) -> float:
    """Return the member closest to 0."""
    return limit(0.0, span.low, span.high)


def add(a: Range, b: Range) -> Range:
    """Return the range of sums."""
    return Range(a.low + b.low, a.high + b.high)


def subtract(a: Range, b: Range) -> Range:
    """Return the range of differences."""
    return Range(a.low - b.high, a.high - b.low)


def negative(a: Range) -> Range:
    """Return the range of opposites."""
    return Range(-a.high, -a.low)


def multiply(a: Range, b: Range) -> Range:
    """Return the range of products."""
    ends = (a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high)
    return Range(min(ends), max(ends))


def divide(a: Range, b: Range) -> Range:
    """Return the range of quotients by a *b* that does not hold 0.

    Raises:
        ZeroDivisionError: If *b* holds 0; the caller splits it first.
    """
    if b.low <= 0 <= b.high:
        msg = "the divisor's range holds 0"
        raise ZeroDivisionError(msg)
    ends = (a.low / b.low, a.low / b.high, a.high / b.low, a.high / b.high)
    return Range(min(ends), max(ends))


def magnitude(a: Range) -> Range:
    """Return the range of absolute values."""
    if a.low >= 0:
        return a
    if a.high <= 0:
        return negative(a)
    return Range(0.0, max(-a.low, a.high))


def smaller(a: Range, b: Range) -> Range:
    """Return the range of the lesser of a member each."""
    return Range(min(a.low, b.low), min(a.high, b.high))


def larger(a: Range, b: Range) -> Range:
    """Return the range of the greater of a member each."""
    return Range(max(a.low, b.low), max(a.high, b.high))


def ratio(x: Range, y: Range, otherwise: Range, *, least: float) -> Range:
    """Return the range of `x / y`, and of *otherwise* where *y* may be 0.

    Args:
        x: The numerator.
        y: The denominator.
        otherwise: The value where the denominator is exactly 0.
        least: The smallest magnitude a denominator other than 0 can have (over 0); `check`
            proves it from the attributes' bounds, so that no quotient is left out.
    """
    parts: list[Range] = []
    if y.high > 0:
        parts.append(divide(x, Range(max(y.low, min(least, y.high)), y.high)))
    if y.low < 0:
        parts.append(divide(x, Range(y.low, min(y.high, max(-least, y.low)))))
    if y.low <= 0 <= y.high:
        parts.append(otherwise)
    return hull(*parts)
