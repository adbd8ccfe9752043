"""Rules that ask the same of one number, one inside the other.

Of rules that begin with `x >= 3`, `x >= 5` and `x >= 8`, the second is only asked where the
first comparison holds, and the third where the second does. Their other tests follow, the one
that seldom holds first. Nothing that rules ask has an effect but its value, so their order and
that of their tests is free, if their points add up to the same in any order.
"""

import ast
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from service.rules.expression import compile_pieces as pieces

__all__ = ["nested"]

_DEEPEST: Final = 12
"""How deep comparisons nest; Python's own compiler recurses once for each."""

_TURNED: Final[Mapping[type[ast.cmpop], ast.cmpop]] = {
    ast.Lt: ast.Gt(),
    ast.LtE: ast.GtE(),
    ast.Gt: ast.Lt(),
    ast.GtE: ast.LtE(),
}

_Side = tuple[str, bool]
"""A local, and whether values above a limit are asked for."""


@dataclass(frozen=True, slots=True)
class _Half:
    """Whether a number is on one *side* of a *limit*; *strict*, not at it either."""

    side: _Side
    limit: float
    strict: bool
    test: ast.expr

    @property
    def order(self) -> tuple[float, bool]:
        """Rises with what it refuses: one that holds lets those hold that come before."""
        return (self.limit if self.side[1] else -self.limit, self.strict)


@dataclass(frozen=True, slots=True)
class _Sum:
    """What to add where all of *halves* and of *others* hold."""

    halves: tuple[_Half, ...]
    others: tuple[ast.expr, ...]
    added: ast.stmt

    def on(self, side: _Side) -> _Half | None:
        """Return the strictest of the comparisons on *side*."""
        found = [half for half in self.halves if half.side == side]
        return max(found, key=lambda half: half.order) if found else None


def nested(statements: Sequence[ast.stmt], totals: Collection[str]) -> list[ast.stmt]:
    """Return *statements* with neighbours `if ...: total = total + 1` nested, to one effect.

    Only of those *totals* whose sums are the same in any order.
    """
    found: list[ast.stmt] = []
    sums = [_sum_of(statement, totals) for statement in statements]
    for is_sum, run in groupby(zip(statements, sums, strict=True), lambda pair: bool(pair[1])):
        if is_sum:
            found.extend(_nested([one for _, one in run if one is not None]))
        else:
            found.extend(statement for statement, _ in run)
    return found


def _nested(sums: Sequence[_Sum]) -> list[ast.stmt]:
    ranks = _ranks(half for one in sums for half in one.halves)
    found: list[ast.stmt] = []
    left = list(sums)
    sides = Counter(side for one in sums for side in {half.side for half in one.halves})
    while sides:
        side, count = max(sides.items(), key=lambda item: item[1])
        if count < 2:
            break
        chain = [(half, one) for one in left if (half := one.on(side)) is not None]
        left = [one for one in left if one.on(side) is None]
        for _, one in chain:
            sides.subtract({half.side for half in one.halves})
        found.extend(_chained(chain, ranks))
    found.extend(_rest(one, one.halves, ranks) for one in left)
    return found


def _chained(
    chain: Iterable[tuple[_Half, _Sum]], ranks: Mapping[tuple[_Side, float], float]
) -> list[ast.stmt]:
    """Return what *chain* adds, in stretches of comparisons that nest."""
    ordered = sorted(chain, key=lambda pair: pair[0].order)
    steps = [list(step) for _, step in groupby(ordered, lambda pair: pair[0].order)]
    found: list[ast.stmt] = []
    for start in range(0, len(steps), _DEEPEST):
        inner: list[ast.stmt] = []
        for step in reversed(steps[start : start + _DEEPEST]):
            body = [
                _rest(one, [half for half in one.halves if half.side != step[0][0].side], ranks)
                for _, one in step
            ]
            inner = [pieces.when(step[0][0].test, body + inner)]
        found.extend(inner)
    return found


def _rest(
    one: _Sum, halves: Iterable[_Half], ranks: Mapping[tuple[_Side, float], float]
) -> ast.stmt:
    """Return what adds *one* where *halves* and the other tests hold, the rarest first."""
    ordered = sorted(halves, key=lambda half: -ranks[half.side, half.limit])
    tests = [*(half.test for half in ordered), *one.others]
    return pieces.when(pieces.both(tests), [one.added]) if tests else one.added


def _ranks(halves: Iterable[_Half]) -> dict[tuple[_Side, float], float]:
    """Return by side and limit which share of the limits there refuses less."""
    limits: dict[_Side, set[float]] = {}
    for half in halves:
        limits.setdefault(half.side, set()).add(half.limit)
    return {
        (side, limit): (rank + 0.5) / len(found)
        for side, found in limits.items()
        for rank, limit in enumerate(sorted(found, reverse=not side[1]))
    }


def _sum_of(statement: ast.stmt, totals: Collection[str]) -> _Sum | None:
    match statement:
        case ast.If(
            test=test,
            body=[
                ast.Assign(
                    targets=[ast.Name(id=total)],
                    value=ast.BinOp(left=ast.Name(id=same), right=ast.Constant()),
                ) as added
            ],
            orelse=[],
        ) if total == same and total in totals and not _binds(test):
            parts = list(_parts(test))
            halves = [(part, _half(part)) for part in parts]
            return _Sum(
                tuple(half for _, half in halves if half is not None),
                tuple(part for part, half in halves if half is None),
                added,
            )
        case _:
            return None


def _binds(test: ast.expr) -> bool:
    return any(isinstance(node, ast.NamedExpr) for node in ast.walk(test))


def _parts(test: ast.expr) -> Iterable[ast.expr]:
    """Yield what must hold, each, for *test* to hold."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        for part in test.values:
            yield from _parts(part)
    else:
        yield test


def _half(part: ast.expr) -> _Half | None:
    """Return the comparison of a local with a constant that *part* is, if it is one."""
    match part:
        case ast.Compare(left=ast.Name(id=name), ops=[operator], comparators=[ast.Constant(value)]):
            pass
        case ast.Compare(left=ast.Constant(value), ops=[given], comparators=[ast.Name(id=name)]):
            operator = _TURNED.get(type(given), given)
        case _:
            return None
    if type(operator) not in _TURNED or not isinstance(value, float):
        return None
    is_above = isinstance(operator, ast.Gt | ast.GtE)
    strict = isinstance(operator, ast.Gt | ast.Lt)
    return _Half((name, is_above), value, strict, part)
