"""What generated code can know of a tree before any fact: its shape, and what is rounded."""

from collections.abc import Hashable
from typing import Final

from service.rules.expression import ast
from service.rules.ranges import six_places

_STAYS_ROUNDED: Final = frozenset({"min", "max", "clamp", "abs"})
"""Of rounded arguments; `negate` and `round` may give -0.0, which rounding makes 0.0."""

_WHOLE: Final = frozenset({"size", "age_days", "age_months"})
_TABLED: Final = "registrable_domain"


def is_rounded(node: ast.Node) -> bool:
    """Whether rounding *node* to six places leaves its value as it is, to the last bit."""
    match node:
        case ast.Attribute() | ast.Derived() | ast.Score():
            return True
        case ast.Constant(value=float(value)):
            return repr(six_places(value)) == repr(value)
        case ast.Choose(then=then, otherwise=otherwise):
            return is_rounded(then) and is_rounded(otherwise)
        case ast.Apply(operator=operator, arguments=arguments):
            kept = operator in _STAYS_ROUNDED and all(is_rounded(part) for part in arguments)
            return kept or operator in _WHOLE
        case _:
            return False


def asks_table(node: ast.Node) -> bool:
    """Whether *node* looks up a shipped table: what the reference does not ask, we do not ask."""
    return any(isinstance(part, ast.Apply) and part.operator == _TABLED for part in ast.walk(node))


def has_score(node: ast.Node) -> bool:
    """Whether *node* reads a score, so that its numbers may be ranges."""
    return any(isinstance(part, ast.Score) for part in ast.walk(node))


def shape(node: ast.Node) -> Hashable:
    """Return what two nodes share that ask the same: everything but where they stand.

    A constant's type is part of it: 1.0 and True are equal in Python.
    """
    below = tuple(shape(child) for child in ast.children(node))
    match node:
        case ast.Constant(value=value, type=kind):
            return (type(value), value, kind)
        case ast.Attribute(name=name) | ast.Derived(name=name) | ast.Score(name=name):
            return (type(node), name)
        case ast.Grade(name=name) | ast.Variable(name=name) | ast.Has(attribute=name):
            return (type(node), name)
        case ast.Logic(operator=operator) | ast.Apply(operator=operator):
            return (type(node), operator, below)
        case ast.AtLeast(count=count):
            return (type(node), count, below)
        case ast.Quantified(quantifier=quantifier, variable=variable):
            return (type(node), quantifier, variable, below)
        case ast.Not() | ast.Choose():
            return (type(node), below)
