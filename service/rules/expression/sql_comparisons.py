"""Comparisons in SQL: on ranges, on places of choices and bands, on plain values."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from sqlglot import exp

from service.rules.expression import ast
from service.rules.expression import sql_pieces as pieces
from service.rules.expression.ast import Kind
from service.rules.expression.compile_shape import has_score, is_rounded
from service.rules.expression.evaluate import Mode
from service.rules.expression.sql_columns import Columns
from service.rules.expression.sql_dialects import Dialect
from service.rules.expression.sql_numbers import Reckoner
from service.rules.expression.sql_parts import Part, point
from service.rules.expression.sql_pieces import Sql
from service.rules.ranges import six_places

_TRUE: Final = pieces.boolean(value=True)
_FALSE: Final = pieces.boolean(value=False)
_FLIPPED: Final = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


def ranges(operator: str, a: Part, b: Part) -> Sql:
    """Return `a operator b` on rounded parts: NULL where it depends on what is missing."""
    if a.is_point and b.is_point:
        return pieces.binary(operator, a.low, b.low)
    match operator:
        case "<":
            return _less(a, b)
        case ">":
            return _less(b, a)
        case ">=":
            return pieces.negation(_less(a, b))
        case "<=":
            return pieces.negation(_less(b, a))
        case "==":
            return _equal(a, b)
        case _:
            return pieces.negation(_equal(a, b))


def _less(a: Part, b: Part) -> Sql:
    sure = pieces.binary("<", a.high, b.low)
    never = pieces.binary(">=", a.low, b.high)
    return pieces.case((sure, _TRUE), (never, _FALSE))


def _equal(a: Part, b: Part) -> Sql:
    apart = [pieces.binary("<", a.high, b.low), pieces.binary("<", b.high, a.low)]
    single = [pieces.binary("==", p.low, p.high) for p in (a, b) if not p.is_point]
    same = pieces.binary("==", a.low, b.low)
    return pieces.case((pieces.either(apart), _FALSE), (pieces.both(single), same))


def number_in(x: Part, numbers: Sequence[float]) -> Sql:
    """Return whether the rounded number *x* is one of *numbers*."""
    rounded = sorted({six_places(number) for number in numbers})
    among = pieces.among(x.low, [pieces.number(number) for number in rounded])
    if x.is_point:
        return among
    is_point = pieces.binary("==", x.low, x.high)
    inside = [
        pieces.both(
            [
                pieces.binary("<=", x.low, pieces.number(number)),
                pieces.binary("<=", pieces.number(number), x.high),
            ]
        )
        for number in rounded
    ]
    touched = pieces.case((pieces.either(inside), pieces.null()), otherwise=_FALSE)
    missing = (pieces.is_null(x.low), pieces.null())
    return pieces.case(missing, (is_point, among), otherwise=touched)


def grade_in(x: Part, members: Sequence[str], wanted: Sequence[str]) -> Sql:
    """Return whether all bands from place *x.low* to *x.high* are in *wanted*, or none is."""
    places = {place for place, member in enumerate(members) if member in wanted}
    others = [place for place in range(len(members)) if place not in places]
    all_in = pieces.both([_misses(x, place) for place in others])
    none_in = pieces.both([_misses(x, place) for place in sorted(places)])
    return pieces.case((pieces.is_null(x.low), pieces.null()), (all_in, _TRUE), (none_in, _FALSE))


def _misses(x: Part, place: int) -> Sql:
    below = pieces.binary("<", x.high, pieces.whole(place))
    above = pieces.binary("<", pieces.whole(place), x.low)
    return pieces.either([below, above])


def choices(operator: str, sides: Sequence[tuple[ast.Node, Sql]]) -> Sql:
    """Return the comparison of two values of one choice; a value outside it equals none."""
    (left_node, left), (right_node, right) = sides
    members = left_node.type.members
    if operator in _FLIPPED:
        return pieces.binary(operator, rank(left, members), rank(right, members))
    same = pieces.binary("==", left, right)
    has_constant = isinstance(left_node, ast.Constant) or isinstance(right_node, ast.Constant)
    if not has_constant and (left_node.type.other or right_node.type.other):
        listed = pieces.among(left, [pieces.text(member) for member in members])
        same = pieces.case((same, listed), (pieces.binary("!=", left, right), _FALSE))
    return same if operator == "==" else pieces.negation(same)


def rank(piece: Sql, members: Sequence[str]) -> Sql:
    """Return the place of a choice among its *members*; NULL of NULL."""
    if isinstance(piece, exp.Literal):
        return pieces.whole(members.index(str(piece.this)))
    return pieces.case(
        *(
            (pieces.binary("==", piece, pieces.text(member)), pieces.whole(place))
            for place, member in enumerate(members)
        )
    )


def plain(operator: str, left: Sql, right: Sql) -> Sql:
    """Return the comparison of two texts, days or truths; NULL where one is NULL."""
    return pieces.binary(operator, left, right)


# --- the treaty's rows ---------------------------------------------------------------------------


class Sides(Protocol):
    """What a comparison needs of the translator: its sides as values, parts and columns."""

    dialect: Dialect
    columns: Columns

    @property
    def reckoner(self) -> Reckoner:
        """What operations on numbers need."""

    def value(self, node: ast.Node) -> Sql:
        """Return a value that is no number."""

    def part(self, node: ast.Node, mode: Mode) -> Part:
        """Return a number or the places of a grade's bands."""

    def pushed(self, node: ast.Node, wrap: Callable[[ast.Node], ast.Node]) -> Sql:
        """Return a function of a text that we compute."""


Compare = Callable[[Sides, ast.Apply], Sql]


def _compared(sides: Sides, node: ast.Apply) -> Sql:
    left, right = node.arguments
    return _asked(sides, node, node.operator, (left, right))


def _asked(
    sides: Sides, node: ast.Apply, operator: str, arguments: tuple[ast.Node, ast.Node]
) -> Sql:
    match node.arguments[0].type.kind:
        case Kind.NUMBER:
            a, b = (_number(sides, node, argument) for argument in arguments)
            return ranges(operator, a, b)
        case Kind.GRADE:
            a, b = (sides.reckoner.bind(sides.part(one, Mode.PLAIN)) for one in arguments)
            return ranges(operator, a, b)
        case Kind.CHOICE:
            return choices(operator, [(one, _value(sides, one)) for one in arguments])
        case _:
            left, right = (sides.value(argument) for argument in arguments)
            return pieces.binary(operator, left, right)


def _number(sides: Sides, node: ast.Apply, argument: ast.Node) -> Part:
    """Return a side rounded to six places; a range only where *node* contains a score."""
    if isinstance(argument, ast.Constant) and isinstance(argument.value, float):
        return point(pieces.number(six_places(argument.value)))
    part = sides.part(argument, Mode.SCORED if has_score(node) else Mode.PLAIN)
    return sides.reckoner.bind(part if is_rounded(argument) else sides.reckoner.rounded(part))


def _value(sides: Sides, node: ast.Node) -> Sql:
    return sides.columns.bind(sides.value(node))


def _between(sides: Sides, node: ast.Apply) -> Sql:
    x, low, high = node.arguments
    return pieces.both([_asked(sides, node, "<=", (low, x)), _asked(sides, node, "<=", (x, high))])


def _in(sides: Sides, node: ast.Apply) -> Sql:
    item, items = node.arguments
    constants = items.value if isinstance(items, ast.Constant) else None
    if not isinstance(constants, tuple):
        value, listed = _value(sides, item), _value(sides, items)
        given = [side for side in (value, listed) if not isinstance(side, exp.Literal)]
        known = pieces.both([pieces.is_known(side) for side in given])
        return pieces.case((known, sides.dialect.has_item(listed, value)))
    if item.type.kind is Kind.NUMBER:
        numbers = [float(one) for one in constants]
        return number_in(_number(sides, node, item), numbers)
    texts = list(dict.fromkeys(str(one) for one in constants))
    if item.type.kind is Kind.GRADE:
        part = sides.reckoner.bind(sides.part(item, Mode.PLAIN))
        return grade_in(part, item.type.members, texts)
    return pieces.among(_value(sides, item), [pieces.text(one) for one in texts])


COMPARE: Final[Mapping[str, Compare]] = {
    "==": _compared,
    "!=": _compared,
    "<": _compared,
    "<=": _compared,
    ">": _compared,
    ">=": _compared,
    "in": _in,
    "between": _between,
}
"""The comparisons' halves; each decides itself what a missing side means."""


def _contains(sides: Sides, node: ast.Apply) -> Sql:
    return sides.dialect.contains(*(sides.value(part) for part in node.arguments))


def _starts(sides: Sides, node: ast.Apply) -> Sql:
    return sides.dialect.starts(*(_value(sides, part) for part in node.arguments))


def _ends(sides: Sides, node: ast.Apply) -> Sql:
    return sides.dialect.ends(*(_value(sides, part) for part in node.arguments))


def _matches(sides: Sides, node: ast.Apply) -> Sql:
    part, pattern = node.arguments
    if sides.dialect.matches is None or not isinstance(pattern, ast.Constant):
        return sides.pushed(
            part, lambda leaf: ast.Apply("matches", (leaf, pattern), ast.TRUTH, node.span)
        )
    return sides.dialect.matches(sides.value(part), str(pattern.value))


TESTS: Final[Mapping[str, Compare]] = {
    "contains": _contains,
    "startsWith": _starts,
    "endsWith": _ends,
    "matches": _matches,
}
"""The halves of the tests of texts; every engine gives NULL where an operand is."""
