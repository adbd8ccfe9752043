"""How large and how small the numbers of an expression can get, known before any fact is."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Final

from service.rules import ranges
from service.rules.expression import ast
from service.rules.ranges import LARGEST_EXACT, Range, hull, point

LARGEST: Final = 1e300
SMALLEST: Final = 1e-300
_SIX_PLACES: Final = 1e-6
_ANY_AGE_DAYS: Final = Range(-3_652_058.0, 3_652_058.0)
_ANY_AGE_MONTHS: Final = Range(-119_988.0, 119_988.0)
ANY_NUMBER: Final = Range(-LARGEST_EXACT, LARGEST_EXACT)
ANY_COUNT: Final = Range(0.0, LARGEST_EXACT)
UNBOUNDED: Final[Mapping[str, Range]] = {
    "age_days": _ANY_AGE_DAYS,
    "age_months": _ANY_AGE_MONTHS,
    "size": ANY_COUNT,
}
"""What a number made from a missing date or list can be."""


@dataclass(frozen=True, slots=True)
class Measure:
    """All values a number can take, and the least magnitude it can have when it is not 0."""

    span: Range
    least: float

    @property
    def is_safe(self) -> bool:
        """Whether no value can overflow to infinity or underflow to 0."""
        return max(abs(self.span.low), abs(self.span.high)) <= LARGEST and self.least >= SMALLEST


def of_attribute(minimum: float | None, maximum: float | None) -> Measure:
    """Return the measure of a number attribute: its bounds, else 2^53, in steps of 1e-6."""
    low = -LARGEST_EXACT if minimum is None else minimum
    high = LARGEST_EXACT if maximum is None else maximum
    return Measure(Range(low, high), max(_SIX_PLACES, low, -high))


def rounded(measure: Measure) -> Measure:
    """Return the measure after rounding to six places."""
    span = measure.span.rounded()
    return Measure(span, max(_SIX_PLACES, span.low, -span.high))


def measure(node: ast.Node, names: Mapping[str, Measure]) -> Measure:
    """Return what the number *node* can be; *names* measures attributes, derived and scores."""
    match node:
        case ast.Constant(value=float(value)):
            return Measure(point(value), abs(value) if value else math.inf)
        case ast.Attribute(name=name) | ast.Derived(name=name) | ast.Score(name=name):
            return names[name]
        case ast.Choose(then=then, otherwise=otherwise):
            return _either(measure(then, names), measure(otherwise, names))
        case ast.Apply(operator=operator, arguments=arguments):
            if operator in UNBOUNDED:
                return Measure(UNBOUNDED[operator], 1.0)
            return _apply(operator, [measure(part, names) for part in arguments], node.least)
        case _:
            msg = f"not a number: {node!r}"
            raise TypeError(msg)


def _either(*measures: Measure) -> Measure:
    return Measure(hull(*(m.span for m in measures)), min(m.least for m in measures))


def _apply(operator: str, parts: list[Measure], least: float | None) -> Measure:
    first = parts[0]
    match operator:
        case "+":
            return reduce(_sum, parts)
        case "-":
            return _sum(first, _opposite(parts[1]))
        case "negate":
            return _opposite(first)
        case "*":
            return reduce(_product, parts)
        case "/":
            return _quotient(first, parts[1])
        case "ratio":
            span = ranges.ratio(*(m.span for m in parts), least=least or parts[1].least)
            return Measure(span, min(_quotient_least(first, parts[1]), parts[2].least))
        case "abs":
            return Measure(ranges.magnitude(first.span), first.least)
        case "round":
            span = Range(ranges.whole(first.span.low), ranges.whole(first.span.high))
            return Measure(span, 1.0)
        case "min":
            return Measure(
                reduce(ranges.smaller, (m.span for m in parts)), min(m.least for m in parts)
            )
        case "max":
            return Measure(
                reduce(ranges.larger, (m.span for m in parts)), min(m.least for m in parts)
            )
        case "clamp":
            span = ranges.smaller(ranges.larger(first.span, parts[1].span), parts[2].span)
            return Measure(span, min(m.least for m in parts))
        case _:
            msg = f"`{operator}` gives no number"
            raise ValueError(msg)


def _opposite(a: Measure) -> Measure:
    return Measure(ranges.negative(a.span), a.least)


def _sum(a: Measure, b: Measure) -> Measure:
    """Return the measure of a sum.

    Where signs may differ, what cancellation leaves is at least one unit in the last place
    of the smaller addend.
    """
    span = ranges.add(a.span, b.span)
    same_sign = (a.span.low >= 0 and b.span.low >= 0) or (a.span.high <= 0 and b.span.high <= 0)
    least = min(a.least, b.least)
    if not same_sign and math.isfinite(least):
        least = math.ulp(least)
    return Measure(span, least)


def _product(a: Measure, b: Measure) -> Measure:
    return Measure(ranges.multiply(a.span, b.span), a.least * b.least * (1 - 2**-52))


def _quotient(a: Measure, b: Measure) -> Measure:
    return Measure(ranges.divide(a.span, b.span), _quotient_least(a, b))


def _quotient_least(a: Measure, b: Measure) -> float:
    largest = max(abs(b.span.low), abs(b.span.high))
    return a.least / largest * (1 - 2**-52) if largest else math.inf
