"""How an operator of the language is described: its row of the treaty, and its type rule."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from service.rules.expression.ast import NUMBER, TEXT, TRUTH, Kind, Type

TypeRule = Callable[[tuple[Type, ...]], Type | None]
"""The result's type for the arguments' types, or None where they do not fit."""


@dataclass(frozen=True, slots=True)
class Case:
    """An expression over the sample facts below, and its value; None stands for unknown."""

    expression: str
    value: float | str | bool | None


@dataclass(frozen=True, slots=True)
class Operator:
    """One row: name in the tree, how it is written, type rule, cases."""

    name: str
    written: str
    takes: str
    rule: TypeRule
    cases: tuple[Case, ...]
    is_method: bool = False


def numbers(count: int | None) -> TypeRule:
    """Return the rule for exactly *count* numbers (None: two or more), which give a number."""

    def rule(types: tuple[Type, ...]) -> Type | None:
        fits = len(types) == count if count is not None else len(types) >= 2
        return NUMBER if fits and all(t.kind is Kind.NUMBER for t in types) else None

    return rule


def takes(*kinds: Kind, gives: Type) -> TypeRule:
    """Return the rule for arguments of exactly these *kinds*."""

    def rule(types: tuple[Type, ...]) -> Type | None:
        return gives if tuple(t.kind for t in types) == kinds else None

    return rule


def equality(types: tuple[Type, ...]) -> Type | None:
    """Return truth for two of a kind; two choices that both allow others cannot be told apart."""
    left, right = types
    if left.kind in {Kind.LIST, Kind.NUMBERS} or left.kind is not right.kind:
        return None
    if left.kind is Kind.CHOICE and (left.members != right.members or (left.other and right.other)):
        return None
    if left.kind is Kind.GRADE:
        return TRUTH if left.members == right.members else None
    return TRUTH


def order(types: tuple[Type, ...]) -> Type | None:
    """Return truth for two numbers, two dates, or two values of one ordered choice."""
    left, right = types
    if left.kind is not right.kind:
        return None
    if left.kind is Kind.CHOICE:
        return TRUTH if left.ordered and left.members == right.members else None
    return TRUTH if left.kind in {Kind.NUMBER, Kind.DATE} else None


def membership(types: tuple[Type, ...]) -> Type | None:
    """Return truth for a number in numbers, or a text, choice or grade in texts."""
    item, items = types
    fits = (item.kind, items.kind) in {
        (Kind.NUMBER, Kind.NUMBERS),
        (Kind.TEXT, Kind.LIST),
        (Kind.CHOICE, Kind.LIST),
        (Kind.GRADE, Kind.LIST),
    }
    return TRUTH if fits else None


text_test: Final = takes(Kind.TEXT, Kind.TEXT, gives=TRUTH)
text_map: Final = takes(Kind.TEXT, gives=TEXT)
