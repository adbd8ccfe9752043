"""Numbers of the solver beside the doubles they stand for: how far the two may be apart.

The solver computes with exact fractions, the evaluator with doubles that it rounds to six
places when it compares. Where a value is known to lie on the grid of millionths and the double
cannot be off by half of one, both round to the same; elsewhere the rounded value is only known
to be near, and whoever asks must not conclude more than that.
"""

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

import z3

from service.rules.ranges import six_places

MILLIONTH: Final = Fraction(1, 10**6)
_SURE: Final = 0.4e-6
_ULP: Final = 2.0**-52


@dataclass(frozen=True, slots=True)
class Number:
    """A number that may be unknown.

    Attributes:
        known: Whether everything it is made of is known.
        value: The exact value of `scale` times it; whole where the sort is.
        low, high: Between what it lies.
        step: It is a multiple of this (0 is one of anything); None where nothing is known.
        error: How far the double may be from it.
        share: The same as a share of it, where that is known too.
        is_rounded: Whether the double is rounded to six places already.
    """

    known: z3.BoolRef
    value: z3.ArithRef
    low: float
    high: float
    step: Fraction | None
    error: float = 0.0
    share: float | None = 0.0
    scale: int = 1
    is_rounded: bool = False

    @property
    def most(self) -> float:
        """The largest magnitude it can have."""
        return max(abs(self.low), abs(self.high))

    @property
    def is_on_grid(self) -> bool:
        """Whether rounding the double to six places gives exactly this number."""
        whole = self.step is not None and (self.step / MILLIONTH).denominator == 1
        return self.is_rounded or (whole and self.error < _SURE and self.most < 1e9)

    def plain(self) -> z3.ArithRef:
        """Return the number itself as one term."""
        if self.scale == 1:
            return self.value
        return z3.ToReal(self.value) / z3.RealVal(self.scale)


def constant(value: float, *, known: z3.BoolRef) -> Number:
    """Return the number that *value* is written as, such as four fifths for 0.8."""
    part = Fraction(repr(value))
    whole = z3.IntVal(part.numerator)
    error = 0.0 if part == Fraction(value) else math.ulp(value)
    share = error / abs(value) if value else 0.0
    return Number(
        known, whole, value, value, abs(part), error, share, part.denominator,
        is_rounded=six_places(value) == value,
    )  # fmt: skip


def in_step(one: Number, other: Number) -> tuple[z3.ArithRef, z3.ArithRef, int]:
    """Return both values at one scale, which is the last."""
    if one.value.is_int() and other.value.is_int():
        scale = math.lcm(one.scale, other.scale)
        if scale < 10**15:
            return _times(one, scale), _times(other, scale), scale
    return _real(one), _real(other), 1


def _times(number: Number, scale: int) -> z3.ArithRef:
    factor = scale // number.scale
    return number.value if factor == 1 else number.value * z3.IntVal(factor)


def _real(number: Number) -> z3.ArithRef:
    plain = number.plain()
    return z3.ToReal(plain) if plain.is_int() else plain


def add(one: Number, other: Number) -> Number:
    """Return the sum."""
    left, right, scale = in_step(one, other)
    low, high = one.low + other.low, one.high + other.high
    most = max(abs(low), abs(high))
    is_one_sided = (one.low >= 0 and other.low >= 0) or (one.high <= 0 and other.high <= 0)
    share = None
    if is_one_sided and one.share is not None and other.share is not None:
        share = max(one.share, other.share) + _ULP
    return Number(
        z3.And(one.known, other.known), left + right, low, high, _common(one.step, other.step),
        one.error + other.error + most * _ULP, share, scale,
    )  # fmt: skip


def _common(one: Fraction | None, other: Fraction | None) -> Fraction | None:
    if one is None or other is None:
        return None
    denominator = math.lcm(one.denominator, other.denominator)
    return Fraction(math.gcd(int(one * denominator), int(other * denominator)), denominator)


def negative(one: Number) -> Number:
    """Return the opposite."""
    return replace(one, value=-one.value, low=-one.high, high=-one.low)


def scaled(one: Number, factor: Number, part: Fraction) -> Number:
    """Return *one* times the constant *factor*, which is exactly *part*."""
    ends = (one.low * float(part), one.high * float(part))
    if one.value.is_int():
        value, scale = one.value * z3.IntVal(part.numerator), one.scale * part.denominator
        if scale >= 10**15:
            value, scale = z3.ToReal(value) / z3.RealVal(scale), 1
    else:
        value, scale = one.value * z3.RatVal(part.numerator, part.denominator), 1
    most = max(abs(ends[0]), abs(ends[1]))
    share = None if one.share is None else one.share + (factor.share or 0.0) + _ULP
    step = None if one.step is None else one.step * abs(part)
    error = one.error * abs(float(part)) + most * ((factor.share or 0.0) + _ULP)
    return Number(
        z3.And(one.known, factor.known), value, min(ends), max(ends), step,
        error, share, scale,
    )  # fmt: skip


def within(one: Number, low: float | None, high: float | None) -> Number:
    """Return *one* drawn up to *low*, then down to *high*."""
    for bound, is_floor in ((low, True), (high, False)):
        if bound is not None:
            one = _bounded(one, bound, is_floor=is_floor)
    if one.share is not None:
        # A double that is off by more stands beyond the bounds itself.
        one = replace(one, error=min(one.error, 2 * one.share * one.most + _ULP * one.most))
    return one


def _bounded(one: Number, bound: float, *, is_floor: bool) -> Number:
    limit = constant(bound, known=one.known)
    value, edge, scale = in_step(one, limit)
    beyond = value < edge if is_floor else value > edge
    low = max(one.low, bound) if is_floor else min(one.low, bound)
    high = max(one.high, bound) if is_floor else min(one.high, bound)
    return replace(
        one, value=z3.If(beyond, edge, value), low=low, high=high, scale=scale,
        step=_common(one.step, limit.step), error=max(one.error, limit.error), is_rounded=False,
    )  # fmt: skip


def either(test: z3.BoolRef, one: Number, other: Number) -> Number:
    """Return *one* where *test* holds, else *other*."""
    left, right, scale = in_step(one, other)
    is_shared = one.share is not None and other.share is not None
    share = max(one.share or 0.0, other.share or 0.0) if is_shared else None
    return Number(
        z3.If(test, one.known, other.known), z3.If(test, left, right),
        min(one.low, other.low), max(one.high, other.high), _common(one.step, other.step),
        max(one.error, other.error), share, scale,
        one.is_rounded and other.is_rounded,
    )  # fmt: skip
