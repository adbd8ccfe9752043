"""Pieces of SQL as trees: every literal typed, every operand in brackets where it needs them.

A piece may be used in several places: whoever puts one into another puts in a copy of it.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

from sqlglot import exp

from service.rules.expression.ast import ConstantValue

Sql = exp.Expr

_OPERATORS: Final[dict[str, type[exp.Binary]]] = {
    "==": exp.EQ, "!=": exp.NEQ, "<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE,
    "+": exp.Add, "-": exp.Sub, "*": exp.Mul, "/": exp.Div,
}  # fmt: skip

_SINGLE: Final = (
    exp.Column, exp.Literal, exp.Boolean, exp.Null, exp.Func, exp.Paren, exp.Case, exp.Subquery,
)  # fmt: skip

LOWEST: Final = -1e308
"""Below every number that an expression can have; stands for what is not there."""


def own(piece: Sql) -> Sql:
    """Return *piece* to be put somewhere: a copy where it already stands somewhere else."""
    return piece.copy() if piece.parent is not None else piece


def column(name: str) -> exp.Column:
    """Return the column *name*, quoted."""
    return exp.Column(this=exp.Identifier(this=name, quoted=True))


def number(value: float) -> Sql:
    """Return *value* as a double: no engine may read it as a decimal or a whole number."""
    written = str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return _cast(exp.Literal.string(written), exp.DType.DOUBLE)


def text(value: str) -> Sql:
    """Return *value* in quotes."""
    return exp.Literal.string(value)


def day(value: date) -> Sql:
    """Return *value* as a date."""
    return _cast(exp.Literal.string(value.isoformat()), exp.DType.DATE)


def constant(value: ConstantValue) -> Sql:
    """Return a constant as a literal of its type.

    Raises:
        TypeError: If it is a list; lists of constants stand only beside `in`.
    """
    if isinstance(value, bool):
        return boolean(value=value)
    if isinstance(value, float):
        return number(value)
    if isinstance(value, str):
        return text(value)
    if isinstance(value, date):
        return day(value)
    msg = "a list of constants stands only beside `in`"
    raise TypeError(msg)


def whole(value: int) -> Sql:
    """Return a place or a count."""
    return exp.Literal.number(value) if value >= 0 else exp.Neg(this=exp.Literal.number(-value))


def boolean(*, value: bool) -> Sql:
    """Return TRUE or FALSE."""
    return exp.Boolean(this=value)


def null() -> Sql:
    """Return NULL."""
    return exp.Null()


def bracketed(piece: Sql) -> Sql:
    """Return *piece* such that it can be an operand."""
    is_single = isinstance(piece, _SINGLE) and not isinstance(piece, exp.Binary)
    return own(piece) if is_single else exp.Paren(this=own(piece))


def binary(operator: str, left: Sql, right: Sql) -> Sql:
    """Return `left operator right`; division is that of doubles."""
    kind = _OPERATORS[operator]
    if kind is exp.Div:
        return exp.Div(this=bracketed(left), expression=bracketed(right), typed=True, safe=False)
    return kind(this=bracketed(left), expression=bracketed(right))


def negative(piece: Sql) -> Sql:
    """Return the opposite of a number."""
    return exp.Neg(this=bracketed(piece))


def negation(piece: Sql) -> Sql:
    """Return NOT; NULL stays NULL."""
    return exp.Not(this=bracketed(piece))


def both(pieces: Sequence[Sql]) -> Sql:
    """Return AND over *pieces*, TRUE of none, as a tree of little depth."""
    return _connected(exp.And, pieces, empty=True)


def either(pieces: Sequence[Sql]) -> Sql:
    """Return OR over *pieces*, FALSE of none, as a tree of little depth."""
    return _connected(exp.Or, pieces, empty=False)


def _connected(kind: type[exp.Connector], pieces: Sequence[Sql], *, empty: bool) -> Sql:
    if not pieces:
        return boolean(value=empty)
    if len(pieces) == 1:
        return own(pieces[0])
    middle = len(pieces) // 2
    left = _connected(kind, pieces[:middle], empty=empty)
    right = _connected(kind, pieces[middle:], empty=empty)
    return kind(this=bracketed(left), expression=bracketed(right))


def joined(pieces: Sequence[Sql]) -> Sql:
    """Return the texts one after the other, as a tree of little depth."""
    if not pieces:
        return text("")
    if len(pieces) == 1:
        return own(pieces[0])
    middle = len(pieces) // 2
    left, right = joined(pieces[:middle]), joined(pieces[middle:])
    return exp.DPipe(this=bracketed(left), expression=bracketed(right), safe=False)


def total(pieces: Sequence[Sql]) -> Sql:
    """Return the sum of whole numbers, in any order."""
    if not pieces:
        return whole(0)
    if len(pieces) == 1:
        return own(pieces[0])
    middle = len(pieces) // 2
    return binary("+", total(pieces[:middle]), total(pieces[middle:]))


def case(*branches: tuple[Sql, Sql], otherwise: Sql | None = None) -> Sql:
    """Return CASE WHEN ... THEN ... END; without *otherwise* the rest is NULL."""
    return exp.Case(
        ifs=[exp.If(this=own(test), true=own(value)) for test, value in branches],
        default=None if otherwise is None else own(otherwise),
    )


def is_null(piece: Sql) -> Sql:
    """Return whether *piece* is NULL."""
    return exp.Is(this=bracketed(piece), expression=exp.Null())


def is_known(piece: Sql) -> Sql:
    """Return whether *piece* is not NULL."""
    return exp.Not(this=is_null(piece))


def coalesce(piece: Sql, otherwise: Sql) -> Sql:
    """Return *piece*, or *otherwise* where it is NULL."""
    return function("COALESCE", piece, otherwise)


def function(name: str, *arguments: Sql) -> Sql:
    """Return a call that every dialect writes alike."""
    return exp.Anonymous(this=name, expressions=[own(argument) for argument in arguments])


def among(piece: Sql, values: Sequence[Sql]) -> Sql:
    """Return `piece IN (values)`; NULL of NULL."""
    return exp.In(this=bracketed(piece), expressions=[own(value) for value in values])


def as_double(piece: Sql) -> Sql:
    """Return *piece* cast to a double."""
    return _cast(own(piece), exp.DType.DOUBLE)


def _cast(piece: Sql, kind: exp.DType) -> Sql:
    return exp.Cast(this=piece, to=exp.DataType(this=kind))


def lesser(left: Sql, right: Sql) -> Sql:
    """Return the smaller of two numbers, NULL where one is: `LEAST` skips it in some engines."""
    return case((binary("<=", left, right), left), (binary("<", right, left), right))


def greater(left: Sql, right: Sql) -> Sql:
    """Return the larger of two numbers, NULL where one is."""
    return case((binary(">=", left, right), left), (binary(">", right, left), right))


def extreme(name: str, pieces: Sequence[Sql]) -> Sql:
    """Return LEAST or GREATEST of *pieces*, of which all or none are NULL."""
    return own(pieces[0]) if len(pieces) == 1 else function(name, *pieces)
