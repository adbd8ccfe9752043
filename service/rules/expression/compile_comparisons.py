"""The comparisons' halves of the treaty in generated code, on values and on ranges."""

import ast as python
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from service.rules.expression import ast
from service.rules.expression import compile_pieces as pieces
from service.rules.expression.ast import Kind
from service.rules.expression.compile_logic import every
from service.rules.expression.compile_parts import (
    Answer,
    Block,
    Part,
    View,
    guarded,
    point,
    unknown_names,
)
from service.rules.expression.compile_pieces import NONE
from service.rules.ranges import six_places

Comparison = Callable[[Block, ast.Apply, list[Part]], Answer]

_YES: Final = python.Constant(True)  # noqa: FBT003  the literal
_NO: Final = python.Constant(False)  # noqa: FBT003  the literal


def _order(operator: type[python.cmpop], opposite: type[python.cmpop]) -> Comparison:
    """Return the meaning of an order: yes where all pairs are in it, no where none is."""
    rises = operator in {python.Lt, python.LtE}

    def compare(block: Block, node: ast.Apply, parts: list[Part]) -> Answer:
        left, right = (
            _rank(block, side, part, node) for side, part in zip(node.arguments, parts, strict=True)
        )
        unknown = unknown_names([left, right])
        if left.is_point and right.is_point:
            expr: python.expr = pieces.compare(left.low, operator(), right.low)
            return Answer(guarded(unknown, expr), sure=not unknown)
        worst, best = (left.high, left.low) if rises else (left.low, left.high)
        against, with_ = (right.low, right.high) if rises else (right.high, right.low)
        surely = pieces.compare(worst, operator(), against)
        never = pieces.compare(best, opposite(), with_)
        expr = pieces.choose(surely, _YES, pieces.choose(never, _NO, NONE))
        return Answer(guarded(unknown, expr), sure=False)

    return compare


def _equality(*, alike: bool) -> Comparison:
    def compare(block: Block, node: ast.Apply, parts: list[Part]) -> Answer:
        kind = node.arguments[0].type.kind
        left, right = parts
        if kind is Kind.NUMBER:
            left, right = (
                block.rounded(part, side) for part, side in zip(parts, node.arguments, strict=True)
            )
        unknown = unknown_names([left, right])
        if kind is Kind.GRADE and block.view is View.OPEN:
            same = pieces.call(block.names.bound(same_band), left.low, right.low)
            answer = Answer(block.local(guarded(unknown, same)), sure=False)
            flipped = pieces.choose(pieces.is_none(answer.expr), NONE, pieces.negate(answer.expr))
            return answer if alike else Answer(flipped, sure=False)
        if left.is_point and right.is_point:
            operator = python.Eq() if alike else python.NotEq()
            expr: python.expr = pieces.compare(left.low, operator, right.low)
            if any(isinstance(part, ast.Constant) for part in node.arguments):
                return Answer(guarded(unknown, expr), sure=not unknown)
            return Answer(
                guarded(unknown, _of_one_list(block, node, left, expr, alike=alike)),
                sure=not unknown,
            )
        return _equal_ranges(block, left, right, alike=alike)

    return compare


def _of_one_list(
    block: Block, node: ast.Apply, left: Part, expr: python.expr, *, alike: bool
) -> python.expr:
    """Return *expr*, where a value outside a choice's list is equal to none, itself included."""
    kind = node.arguments[0].type
    if kind.kind is not Kind.CHOICE or not any(part.type.other for part in node.arguments):
        return expr
    members = block.names.bound(frozenset(kind.members))
    if alike:
        return pieces.both([expr, pieces.compare(left.low, python.In(), members)])
    return pieces.either([expr, pieces.compare(left.low, python.NotIn(), members)])


def _equal_ranges(block: Block, left: Part, right: Part, *, alike: bool) -> Answer:
    a, b = block.bind(left), block.bind(right)
    unknown = unknown_names([a, b])
    apart = pieces.either(
        [pieces.compare(a.high, python.Lt(), b.low), pieces.compare(b.high, python.Lt(), a.low)]
    )
    points = pieces.both(
        [pieces.compare(part.low, python.Eq(), part.high) for part in (a, b) if not part.is_point]
    )
    yes, no = (_YES, _NO) if alike else (_NO, _YES)
    expr = pieces.choose(apart, no, pieces.choose(points, yes, NONE))
    return Answer(guarded(unknown, expr), sure=False)


def _rank(block: Block, node: ast.Node, part: Part, comparison: ast.Apply) -> Part:
    """Return *part* as something that Python orders as the language does."""
    if node.type.kind is Kind.NUMBER:
        return block.rounded(part, node)
    if node.type.kind is not Kind.CHOICE:
        return part
    members = comparison.arguments[0].type.members
    places = {member: float(place) for place, member in enumerate(members)}
    if isinstance(node, ast.Constant):
        return point(pieces.constant(places[str(node.value)]))
    table = block.names.bound(block.names.shared(("ranks", members), places))
    return point(pieces.item(table, part.low), part.unknown)


def _in(block: Block, node: ast.Apply, parts: list[Part]) -> Answer:
    item, items = parts
    listed = node.arguments[1]
    unknown = unknown_names(parts)
    if node.arguments[0].type.kind is Kind.NUMBER and isinstance(listed, ast.Constant):
        return _in_numbers(block, node, item, listed)
    if not isinstance(listed, ast.Constant) or not isinstance(listed.value, tuple):
        expr: python.expr = pieces.compare(item.low, python.In(), items.low)
        return Answer(guarded(unknown, expr), sure=not unknown)
    members = block.names.bound(block.names.shared(("set", listed.value), frozenset(listed.value)))
    if node.arguments[0].type.kind is Kind.GRADE and block.view is View.OPEN:
        within = pieces.call(block.names.bound(bands_within), item.low, members)
        return Answer(guarded(unknown, within), sure=False)
    return Answer(
        guarded(unknown, pieces.compare(item.low, python.In(), members)), sure=not unknown
    )


def _in_numbers(block: Block, node: ast.Apply, item: Part, listed: ast.Constant) -> Answer:
    values = listed.value if isinstance(listed.value, tuple) else ()
    numbers = frozenset(six_places(value) for value in values if isinstance(value, float))
    members = block.names.bound(block.names.shared(("numbers", values), numbers))
    rounded = block.rounded(item, node.arguments[0])
    if rounded.is_point:
        expr: python.expr = pieces.compare(rounded.low, python.In(), members)
        return Answer(guarded(rounded.unknown, expr), sure=not rounded.unknown)
    hit = pieces.call(block.names.bound(range_meets), rounded.low, rounded.high, members)
    return Answer(guarded(rounded.unknown, hit), sure=False)


def _between(block: Block, node: ast.Apply, parts: list[Part]) -> Answer:
    x, low, high = node.arguments
    held = block.bind(parts[0])
    at_most = COMPARE["<="]
    above = ast.Apply("<=", (low, x), node.type, node.span)
    below = ast.Apply("<=", (x, high), node.type, node.span)
    sides = [at_most(block, above, [parts[1], held]), at_most(block, below, [held, parts[2]])]
    return every(block, sides)


COMPARE: Final[Mapping[str, Comparison]] = MappingProxyType(
    {
        "==": _equality(alike=True),
        "!=": _equality(alike=False),
        "<": _order(python.Lt, python.GtE),
        "<=": _order(python.LtE, python.Gt),
        ">": _order(python.Gt, python.LtE),
        ">=": _order(python.GtE, python.Lt),
        "in": _in,
        "between": _between,
    }
)
"""By row of the treaty; each says itself what an unknown side means."""


def same_band(a: frozenset[str], b: frozenset[str]) -> bool | None:
    """Return whether two grades are the same band, or None where both may still be."""
    if len(a) == 1 and len(b) == 1:
        return a == b
    return None if a & b else False


def bands_within(bands: frozenset[str], wanted: frozenset[str]) -> bool | None:
    """Return whether a grade is in *wanted*, or None where only some of its bands are."""
    if bands <= wanted:
        return True
    return None if bands & wanted else False


def range_meets(low: float, high: float, numbers: frozenset[float]) -> bool | None:
    """Return whether a number of a range is one of *numbers*, or None where it may be."""
    if low == high:
        return low in numbers
    return None if any(low <= number <= high for number in numbers) else False
