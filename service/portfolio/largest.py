"""Who is among the largest: where they begin in a statement, and what the rules take for it.

A rule that asks whether an account is among the largest holds its revenue against a number, so
that each account can be decided alone, and again. The number is right for one portfolio at one
time: here a statement says where its largest begin, and whether the number still finds them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Context, Decimal
from itertools import chain
from typing import Final, Literal

from service.portfolio.summing import share
from service.rules.expression import ast
from service.rules.model import Model

__all__ = ["PERCENTS", "TWENTIETH", "Cut", "Largest", "Limit", "Reached", "limits_of"]

TWENTIETH: Final = 5
"""How many per cent are the largest where nothing else is asked for."""
PERCENTS: Final = (1, 5, 10)
_TWO_DIGITS: Final = Context(prec=2, rounding="ROUND_DOWN")

Kind = Literal["derived", "gate", "outcome"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The accounts of most revenue, so many per cent of all; *begin* is the least of theirs."""

    percent: int
    accounts: int
    begin: Decimal | None
    revenue: Decimal

    @property
    def round_begin(self) -> Decimal | None:
        """A number for a rule: two digits, rounded down, so that all of them reach it."""
        if self.begin is None or self.begin <= 0:
            return None
        return _TWO_DIGITS.create_decimal(self.begin)


@dataclass(frozen=True, slots=True)
class Limit:
    """A number from which on a part of the rules takes an account's revenue for large."""

    kind: Kind
    id: str
    begin: float
    is_inside: bool


@dataclass(frozen=True, slots=True)
class Reached:
    """How many accounts reach a *limit*, and what they bring."""

    limit: Limit
    accounts: int
    revenue: Decimal

    def verdict(self, most: int) -> Literal["matches", "too_many", "nobody"]:
        """Say whether those who reach it are some, and not more than *most*."""
        if self.accounts == 0:
            return "nobody"
        return "too_many" if self.accounts > most else "matches"


@dataclass(frozen=True, slots=True, kw_only=True)
class Largest:
    """The largest of *accounts*: those of which revenue is known; of *unknown* it is not."""

    accounts: int
    unknown: int
    revenue: Decimal
    cuts: tuple[Cut, ...]
    reached: tuple[Reached, ...]

    def share_of(self, revenue: Decimal) -> float | None:
        """Return what share of all revenue it is."""
        return share(revenue, self.revenue)


def limits_of(model: Model, metric: str) -> tuple[Limit, ...]:
    """Return the numbers from which on *model* takes the revenue *metric* for large, once each.

    They stand in derived names, gates and outcomes. Rules that give points are left out: they
    ask how much it is, and not who is among the largest.
    """
    derived: Iterator[tuple[Kind, str, ast.Node]] = (
        ("derived", one.name, one.node) for one in model.derived
    )
    gates: Iterator[tuple[Kind, str, ast.Node]] = (
        ("gate", one.id, one.condition.node) for one in model.gates
    )
    outcomes: Iterator[tuple[Kind, str, ast.Node]] = (
        ("outcome", one.id, one.condition.node)
        for one in model.outcomes
        if one.condition is not None
    )
    return tuple(
        dict.fromkeys(
            limit
            for kind, name, node in chain(derived, gates, outcomes)
            for limit in _limits(kind, name, node, metric)
        )
    )


def _limits(kind: Kind, name: str, node: ast.Node, metric: str) -> Iterator[Limit]:
    for part in ast.walk(node):
        match part:
            case ast.Apply(
                operator=(">=" | ">"),
                arguments=(ast.Attribute(name=asked), ast.Constant(value=float(begin))),
            ):
                is_inside = part.operator == ">="
            case ast.Apply(
                operator=("<=" | "<"),
                arguments=(ast.Constant(value=float(begin)), ast.Attribute(name=asked)),
            ):
                is_inside = part.operator == "<="
            case _:
                continue
        if asked == metric and begin > 0:
            yield Limit(kind, name, begin, is_inside)
