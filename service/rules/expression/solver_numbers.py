"""The solver's halves of the rows that compare and compute numbers."""

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import reduce
from typing import Final

import z3

from service.rules.expression import ast
from service.rules.expression.solver_parts import Maker, Three, real
from service.rules.ranges import Range
from service.rules.solver import numbers
from service.rules.solver.numbers import Number

Compare = Callable[[list[Number]], Three]


def _order(test: Callable[[object, object], z3.BoolRef]) -> Compare:
    def compare(sides: list[Number]) -> Three:
        return _where_known(sides, test)

    return compare


def _where_known(sides: list[Number], test: Callable[[object, object], z3.BoolRef]) -> Three:
    one, other, _ = numbers.in_step(sides[0], sides[1])
    both = z3.And(sides[0].known, sides[1].known)
    holds = test(one, other)
    return Three(z3.And(both, holds), z3.And(both, z3.Not(holds)))


def _in(sides: list[Number]) -> Three:
    item, *others = sides
    holds = z3.Or(
        [z3.And(one == two) for one, two, _ in (numbers.in_step(item, o) for o in others)]
    )
    return Three(z3.And(item.known, holds), z3.And(item.known, z3.Not(holds)))


def _between(sides: list[Number]) -> Three:
    x, low, high = sides
    over = _where_known([low, x], lambda a, b: a <= b)  # type: ignore[operator]
    under = _where_known([x, high], lambda a, b: a <= b)  # type: ignore[operator]
    return Three(z3.And(over.yes, under.yes), z3.Or(over.no, under.no))


COMPARE: Final[Mapping[str, Compare]] = {
    "==": _order(lambda a, b: a == b),
    "!=": _order(lambda a, b: a != b),
    "<": _order(lambda a, b: a < b),  # type: ignore[operator]
    "<=": _order(lambda a, b: a <= b),  # type: ignore[operator]
    ">": _order(lambda a, b: a > b),  # type: ignore[operator]
    ">=": _order(lambda a, b: a >= b),  # type: ignore[operator]
    "in": _in,
    "between": _between,
}
"""The comparisons' halves of the treaty, of numbers and days that are computed."""

Compute = Callable[[Maker, ast.Apply, list[Number]], Number]


def _sum(_terms: Maker, _node: ast.Apply, sides: list[Number]) -> Number:
    return reduce(numbers.add, sides)


def _difference(_terms: Maker, _node: ast.Apply, sides: list[Number]) -> Number:
    return numbers.add(sides[0], numbers.negative(sides[1]))


def _product(terms: Maker, node: ast.Apply, sides: list[Number]) -> Number:
    found = sides[0]
    for place, side in enumerate(sides[1:], 1):
        found = _times(terms, node, found, side, place)
    return found


def _times(terms: Maker, node: ast.Apply, one: Number, other: Number, place: int) -> Number:
    for left, right in ((one, other), (other, one)):
        part = _fixed(right)
        if part is not None:
            return numbers.scaled(left, right, part)
    ends = [a * b for a in (one.low, one.high) for b in (other.low, other.high)]
    slack = max(abs(end) for end in ends) * 1e-9
    span = Range(min(ends) - slack, max(ends) + slack)
    left, right = real(one.plain()), real(other.plain())
    inner = ast.Apply(f"* {place}", node.arguments, node.type, node.span)
    return terms.of_two(inner, [one, other], span, lambda value: value == left * right)


def _fixed(number: Number) -> Fraction | None:
    """Return the exact value of a constant."""
    value = z3.simplify(number.value)
    if z3.is_int_value(value):
        return Fraction(value.as_long(), number.scale)
    if z3.is_rational_value(value):
        return Fraction(value.numerator_as_long(), value.denominator_as_long() * number.scale)
    return None


def _quotient(_terms: Maker, _node: ast.Apply, sides: list[Number]) -> Number:
    part = _fixed(sides[1])
    if part is None:
        msg = "a divisor is a constant"
        raise TypeError(msg)
    return numbers.scaled(sides[0], sides[1], 1 / part)


def _ratio(terms: Maker, node: ast.Apply, sides: list[Number]) -> Number:
    x, y, otherwise = sides
    part = _fixed(y)
    if part:
        quotient = numbers.scaled(x, y, 1 / part)
        known = z3.And(x.known, y.known, otherwise.known)
        return Number(
            known, quotient.value, quotient.low, quotient.high, quotient.step, quotient.error,
            quotient.share, quotient.scale,
        )  # fmt: skip
    least = max(node.least or 1e-300, 1e-300)
    most = x.most / least * (1 + 1e-9)
    span = Range(min(-most, otherwise.low), max(most, otherwise.high))
    top, bottom, rest = (real(side.plain()) for side in sides)

    def wish(value: object) -> object:
        return z3.If(bottom == 0, value == rest, value * bottom == top)

    return terms.of_two(node, sides, span, wish)


def _extreme(*, is_least: bool) -> Compute:
    def compute(_terms: Maker, _node: ast.Apply, sides: list[Number]) -> Number:
        return reduce(lambda a, b: _one_of(a, b, is_least=is_least), sides)

    return compute


def _one_of(one: Number, other: Number, *, is_least: bool) -> Number:
    left, right, _ = numbers.in_step(one, other)
    found = numbers.either(left < right if is_least else left > right, one, other)
    pick = min if is_least else max
    return Number(
        z3.And(one.known, other.known), found.value, pick(one.low, other.low),
        pick(one.high, other.high), found.step, found.error, None, found.scale, found.is_rounded,
    )  # fmt: skip


def _clamp(_terms: Maker, _node: ast.Apply, sides: list[Number]) -> Number:
    x, low, high = sides
    return _one_of(_one_of(x, low, is_least=False), high, is_least=True)


def _magnitude(_terms: Maker, _node: ast.Apply, sides: list[Number]) -> Number:
    (one,) = sides
    other = numbers.negative(one)
    found = numbers.either(one.value >= 0, one, other)
    low = 0.0 if one.low <= 0 <= one.high else min(abs(one.low), abs(one.high))
    return Number(
        one.known, found.value, low, one.most, found.step, one.error, one.share, found.scale,
        one.is_rounded,
    )  # fmt: skip


def _round(terms: Maker, node: ast.Apply, sides: list[Number]) -> Number:
    (one,) = sides
    key = ("round", terms.key(node), terms.subject(node), str(one.known))
    if key not in terms.guesses.made:
        whole = z3.FreshInt("round")
        room = z3.RealVal(Fraction(0.5 + one.error + 1e-9))
        plain = real(one.plain())
        near = z3.ToReal(whole)
        terms.guesses.laws += [near >= plain - room, near <= plain + room]
        terms.guesses.made[key] = whole
    low, high = math.floor(one.low - one.error), math.ceil(one.high + one.error)
    return Number(one.known, terms.guesses.made[key], low, high, Fraction(1), is_rounded=True)


COMPUTE: Final[Mapping[str, Compute]] = {
    "+": _sum,
    "-": _difference,
    "*": _product,
    "/": _quotient,
    "negate": lambda _terms, _node, sides: numbers.negative(sides[0]),
    "ratio": _ratio,
    "min": _extreme(is_least=True),
    "max": _extreme(is_least=False),
    "abs": _magnitude,
    "clamp": _clamp,
    "round": _round,
}
"""The halves of the rows that compute; ages and sizes are `MEASURE`."""
