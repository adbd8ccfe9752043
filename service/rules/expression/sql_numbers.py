"""Numbers in SQL: the same operations in the same order as `ranges`, an end at a time.

A missing number is NULL at both ends, and every operation on it gives NULL. `LEAST` and
`GREATEST` skip NULL in some engines, so they only see numbers that are NULL together.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from typing import Final

from sqlglot import exp

from service.rules.expression import ast
from service.rules.expression import sql_pieces as pieces
from service.rules.expression.sql_columns import Columns
from service.rules.expression.sql_dialects import Dialect
from service.rules.expression.sql_parts import Part, point
from service.rules.expression.sql_pieces import Sql

_ZERO: Final = pieces.number(0.0)
_ONE: Final = pieces.number(1.0)
_HALF: Final = pieces.number(0.5)
_MILLION: Final = pieces.number(1e6)
_ROUNDED_BELOW: Final = pieces.number(1e9)
_ALL_WHOLE_FROM: Final = pieces.number(float(2**53))
_MOST: Final = pieces.number(-pieces.LOWEST)
_LEAST: Final = pieces.number(pieces.LOWEST)

ADDED_AT_ONCE: Final = 125
"""How many terms of a sum stand in one expression."""


@dataclass(frozen=True, slots=True)
class Reckoner:
    """What an operation on numbers needs: where to keep columns, the dialect, and the clock.

    *today* is a day, or the column that holds the day of each row.
    """

    columns: Columns
    dialect: Dialect
    today: date | str

    def bind(self, part: Part) -> Part:
        """Return *part* as something that may be used several times."""
        low = self.columns.bind(part.low)
        return point(low) if part.is_point else Part(low, self.columns.bind(part.high))

    def each(self, part: Part, change: Callable[[Sql], Sql]) -> Part:
        """Return *part* with both ends changed by a function that never falls."""
        held = self.bind(part)
        low = self.columns.bind(change(held.low))
        return point(low) if part.is_point else Part(low, self.columns.bind(change(held.high)))

    def rounded(self, part: Part) -> Part:
        """Return *part* rounded to six places, as `ranges.six_places` does."""
        return self.each(part, _six_places)

    def within(self, part: Part, floor: float | None, ceiling: float | None) -> Part:
        """Return *part* drawn up to *floor*, then down to *ceiling*, where given."""
        if floor is None and ceiling is None:
            return part
        return self.each(part, lambda end: _limited(end, floor, ceiling))

    def sum(self, terms: Sequence[Sql]) -> Sql:
        """Return the sum from the left; a long one in several columns."""
        total = terms[0]
        for place, term in enumerate(terms[1:], start=1):
            total = _plus(total, term)
            if place % ADDED_AT_ONCE == 0:
                total = self.columns.bind(total)
        return self.columns.bind(total)


def hull(reckoner: Reckoner, first: Part, second: Part) -> Part:
    """Return the smallest range that holds both; NULL where one is NULL."""
    a, b = reckoner.bind(first), reckoner.bind(second)
    bind = reckoner.columns.bind
    return Part(bind(pieces.lesser(a.low, b.low)), bind(pieces.greater(a.high, b.high)))


def _plus(total: Sql, term: Sql) -> Sql:
    """Return `total + term` without brackets round *total*: SQL adds from the left."""
    left = pieces.own(total) if isinstance(total, exp.Add) else pieces.bracketed(total)
    return exp.Add(this=left, expression=pieces.bracketed(term))


def _six_places(end: Sql) -> Sql:
    scaled = pieces.binary("+", pieces.binary("*", end, _MILLION), _HALF)
    small = pieces.binary("/", pieces.as_double(pieces.function("FLOOR", scaled)), _MILLION)
    is_small = pieces.binary("<", pieces.function("ABS", end), _ROUNDED_BELOW)
    return pieces.case((is_small, small), otherwise=end)


def _limited(end: Sql, floor: float | None, ceiling: float | None) -> Sql:
    branches = []
    if floor is not None:
        branches.append((pieces.binary("<", end, pieces.number(floor)), pieces.number(floor)))
    if ceiling is not None:
        branches.append((pieces.binary(">", end, pieces.number(ceiling)), pieces.number(ceiling)))
    return pieces.case(*branches, otherwise=end)


# --- the treaty's rows ---------------------------------------------------------------------------

Compute = Callable[[Reckoner, ast.Apply, list[Part]], Part]


def _added(reckoner: Reckoner, _node: ast.Apply, parts: list[Part]) -> Part:
    low = reckoner.sum([part.low for part in parts])
    if all(part.is_point for part in parts):
        return point(low)
    return Part(low, reckoner.sum([part.high for part in parts]))


def _subtracted(reckoner: Reckoner, _node: ast.Apply, parts: list[Part]) -> Part:
    a, b = parts
    low = reckoner.columns.bind(pieces.binary("-", a.low, b.high))
    if a.is_point and b.is_point:
        return point(low)
    return Part(low, reckoner.columns.bind(pieces.binary("-", a.high, b.low)))


def _negated(reckoner: Reckoner, _node: ast.Apply, parts: list[Part]) -> Part:
    (a,) = parts
    low = reckoner.columns.bind(pieces.negative(a.high))
    return point(low) if a.is_point else Part(low, reckoner.columns.bind(pieces.negative(a.low)))


def _product(reckoner: Reckoner, first: Part, second: Part) -> Part:
    a, b = reckoner.bind(first), reckoner.bind(second)
    bind = reckoner.columns.bind
    if a.is_point and b.is_point:
        return point(bind(pieces.binary("*", a.low, b.low)))
    ends = [bind(pieces.binary("*", x, y)) for x in _ends(a) for y in _ends(b)]
    return _spanned(reckoner, ends)


def _multiplied(reckoner: Reckoner, _node: ast.Apply, parts: list[Part]) -> Part:
    return reduce(lambda a, b: _product(reckoner, a, b), parts)


def _divided(reckoner: Reckoner, _node: ast.Apply, parts: list[Part]) -> Part:
    a, b = parts
    bind = reckoner.columns.bind
    if a.is_point:
        return point(bind(pieces.binary("/", a.low, b.low)))
    return _spanned(reckoner, [bind(pieces.binary("/", end, b.low)) for end in _ends(a)])


def _ends(part: Part) -> tuple[Sql, ...]:
    return (part.low,) if part.is_point else (part.low, part.high)


def _spanned(reckoner: Reckoner, ends: Sequence[Sql]) -> Part:
    """Return the range of *ends*, which are NULL together or not at all."""
    bind = reckoner.columns.bind
    return Part(bind(pieces.extreme("LEAST", ends)), bind(pieces.extreme("GREATEST", ends)))


def _pairwise(choose: Callable[[Sql, Sql], Sql]) -> Compute:
    def compute(reckoner: Reckoner, _node: ast.Apply, parts: list[Part]) -> Part:
        return reduce(lambda a, b: _chosen(reckoner, choose, a, b), parts)

    return compute


def _chosen(
    reckoner: Reckoner, choose: Callable[[Sql, Sql], Sql], first: Part, second: Part
) -> Part:
    a, b = reckoner.bind(first), reckoner.bind(second)
    low = reckoner.columns.bind(choose(a.low, b.low))
    if a.is_point and b.is_point:
        return point(low)
    return Part(low, reckoner.columns.bind(choose(a.high, b.high)))


def _clamped(reckoner: Reckoner, _node: ast.Apply, parts: list[Part]) -> Part:
    x, low, high = parts
    raised = _chosen(reckoner, pieces.greater, x, low)
    return _chosen(reckoner, pieces.lesser, raised, high)


def _magnitude(reckoner: Reckoner, _node: ast.Apply, parts: list[Part]) -> Part:
    a = reckoner.bind(parts[0])
    bind = reckoner.columns.bind
    if a.is_point:
        return point(bind(pieces.function("ABS", a.low)))
    is_up, is_down = pieces.binary(">=", a.low, _ZERO), pieces.binary("<=", a.high, _ZERO)
    below, above = bind(pieces.negative(a.low)), bind(pieces.negative(a.high))
    low = pieces.case((is_up, a.low), (is_down, above), (pieces.is_known(a.low), _ZERO))
    larger = pieces.binary(">", below, a.high)
    high = pieces.case((is_up, a.high), (is_down, below), (larger, below), otherwise=a.high)
    return Part(bind(low), bind(high))


def _whole(reckoner: Reckoner, _node: ast.Apply, parts: list[Part]) -> Part:
    def whole(end: Sql) -> Sql:
        size = pieces.function("ABS", end)
        raised = pieces.as_double(pieces.function("FLOOR", pieces.binary("+", size, _HALF)))
        # From 2^53 every double is whole, and a whole number may be too large for `FLOOR`.
        is_whole = pieces.binary(">=", size, _ALL_WHOLE_FROM)
        is_below = pieces.binary("<", end, _ZERO)
        return pieces.case((is_whole, end), (is_below, pieces.negative(raised)), otherwise=raised)

    return reckoner.each(parts[0], whole)


def _ratio(reckoner: Reckoner, node: ast.Apply, parts: list[Part]) -> Part:
    x, y, otherwise = (reckoner.bind(part) for part in parts)
    bind = reckoner.columns.bind
    is_missing = pieces.either([pieces.is_null(part.low) for part in (x, y, otherwise)])
    if x.is_point and y.is_point and otherwise.is_point:
        quotient = pieces.binary("/", x.low, y.low)
        by_zero = pieces.binary("==", y.low, _ZERO)
        branches = ((is_missing, pieces.null()), (by_zero, otherwise.low))
        return point(bind(pieces.case(*branches, otherwise=quotient)))
    least = pieces.number(node.least or 0.0)
    up = pieces.binary(">", y.high, _ZERO)
    least_up = bind(pieces.lesser(least, y.high))
    above = _quotients(reckoner, x, Part(bind(pieces.greater(y.low, least_up)), y.high), up)
    down = pieces.binary("<", y.low, _ZERO)
    least_down = bind(pieces.greater(pieces.negative(least), y.low))
    below = _quotients(reckoner, x, Part(y.low, bind(pieces.lesser(y.high, least_down))), down)
    zero = pieces.both([pieces.binary("<=", y.low, _ZERO), pieces.binary(">=", y.high, _ZERO)])
    lows = [above.low, below.low, pieces.case((zero, otherwise.low))]
    highs = [above.high, below.high, pieces.case((zero, otherwise.high))]
    low = pieces.extreme("LEAST", [pieces.coalesce(end, _MOST) for end in lows])
    high = pieces.extreme("GREATEST", [pieces.coalesce(end, _LEAST) for end in highs])
    nothing = (is_missing, pieces.null())
    return Part(
        bind(pieces.case(nothing, otherwise=low)), bind(pieces.case(nothing, otherwise=high))
    )


def _quotients(reckoner: Reckoner, x: Part, y: Part, where: Sql) -> Part:
    """Return the range of quotients by *y*, which does not hold 0, and NULL elsewhere."""
    bind = reckoner.columns.bind
    ends = [
        bind(pieces.case((where, pieces.binary("/", a, b)))) for a in _ends(x) for b in _ends(y)
    ]
    return _spanned(reckoner, ends)


COMPUTE: Final[Mapping[str, Compute]] = {
    "+": _added,
    "-": _subtracted,
    "*": _multiplied,
    "/": _divided,
    "min": _pairwise(pieces.lesser),
    "max": _pairwise(pieces.greater),
    "negate": _negated,
    "abs": _magnitude,
    "round": _whole,
    "ratio": _ratio,
    "clamp": _clamped,
}
"""The halves of the rows that make numbers from numbers."""


# --- numbers from days and lists -----------------------------------------------------------------


def _days(reckoner: Reckoner, day: Sql) -> Sql:
    today = reckoner.today
    now = pieces.column(today) if isinstance(today, str) else pieces.day(today)
    return pieces.as_double(reckoner.dialect.days(now, day))


def _months(reckoner: Reckoner, day: Sql) -> Sql:
    """Return `12 * (y - y0) + (m - m0) - (day < day0 ? 1 : 0)`, as rule sets count months."""
    year, month, number = _calendar(day)
    now = _calendar_of(reckoner.today)
    years = pieces.binary("-", now[0], year)
    months = pieces.binary("-", now[1], month)
    begun = pieces.binary("<", now[2], number)
    started = pieces.case((begun, _ONE), otherwise=_ZERO)
    whole = pieces.binary("+", pieces.binary("*", pieces.number(12.0), years), months)
    return pieces.binary("-", whole, started)


def _calendar_of(today: date | str) -> tuple[Sql, ...]:
    if isinstance(today, str):
        return _calendar(pieces.column(today))
    return tuple(pieces.number(float(part)) for part in (today.year, today.month, today.day))


def _calendar(day: Sql) -> tuple[Sql, ...]:
    """Return the year, month and day of the month of *day*."""
    return tuple(
        pieces.as_double(exp.Extract(this=exp.var(unit), expression=pieces.own(day)))
        for unit in ("YEAR", "MONTH", "DAY")
    )


def _size(reckoner: Reckoner, items: Sql) -> Sql:
    """Guarded, because some engines call the size of NULL -1."""
    size = pieces.as_double(reckoner.dialect.size(items))
    return pieces.case((pieces.is_known(items), size))


MEASURE: Final[Mapping[str, Callable[[Reckoner, Sql], Sql]]] = {
    "age_days": _days,
    "age_months": _months,
    "size": _size,
}
"""The halves of the rows that make a number from a day or a list; NULL of NULL."""
