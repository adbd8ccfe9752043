"""Groups and scores in generated code: the same sums in the same order as `scores`."""

import ast as python
from collections.abc import Sequence
from dataclasses import dataclass

from service.rules.expression import compile_pieces as pieces
from service.rules.expression.compile_parts import Answer, Block, Part, View, point
from service.rules.expression.compile_pieces import constant
from service.rules.model import Group, Rule, Score

_ZERO = constant(0.0)
_NOTHING = constant(float("-inf"))
_EXACT_BELOW = 1e9


@dataclass(frozen=True, slots=True)
class Member:
    """A rule in its group: its result and its points, both in locals or literals."""

    result: Answer
    points: Part


@dataclass(frozen=True, slots=True)
class Total:
    """What a group adds, and what each of its rules adds to it (no ranges only)."""

    sum: Part
    effects: tuple[python.expr, ...] = ()


def limited(block: Block, part: Part, floor: float | None, ceiling: float | None) -> Part:
    """Return *part* drawn up to *floor*, then down to *ceiling*, where given."""
    if floor is None and ceiling is None:
        return part
    held = block.bind(part)
    low = _limit(held.low, floor, ceiling)
    return Part(low, low if held.is_point else _limit(held.high, floor, ceiling))


def _limit(expr: python.expr, floor: float | None, ceiling: float | None) -> python.expr:
    result = expr
    if ceiling is not None:
        above = pieces.compare(expr, python.Gt(), constant(ceiling))
        result = pieces.choose(above, constant(ceiling), result)
    if floor is not None:
        below = pieces.compare(expr, python.Lt(), constant(floor))
        result = pieces.choose(below, constant(floor), result)
    return result


def drawn_into(block: Block, value: Part, span: Part) -> Part:
    """Return the closed *value* drawn into the open range *span*."""
    if span.is_point:
        return span
    above = pieces.compare(value.low, python.Gt(), span.high)
    below = pieces.compare(value.low, python.Lt(), span.low)
    inside = pieces.choose(above, span.high, value.low)
    return point(block.local(pieces.choose(below, span.low, inside), "s"))


def add(block: Block, parts: Sequence[Part]) -> Part:
    """Return the sum, from the left and from 0."""
    low = _added(block, [part.low for part in parts])
    if all(part.is_point for part in parts):
        return point(low)
    return Part(low, _added(block, [part.high for part in parts]))


def _added(block: Block, terms: Sequence[python.expr]) -> python.expr:
    total: python.expr = _ZERO
    for place, term in enumerate(terms, start=1):
        total = pieces.add(total, term)
        if place % pieces.LONGEST_CHAIN == 0:
            total = block.local(total)
    return block.local(total)


def group_total(block: Block, group: Group, members: Sequence[Member]) -> Total:
    """Return what *group* adds, within its floor and cap."""
    is_open = block.view is View.OPEN
    match group.mode:
        case "sum":
            total = Total(_open_sum(block, members)) if is_open else _sum(block, members)
        case "first":
            total = Total(_open_first(block, members)) if is_open else _first(block, members)
        case "max":
            total = Total(_open_max(block, members)) if is_open else _max(block, members)
    return Total(limited(block, total.sum, group.floor, group.cap), total.effects)


def is_whole(rules: Sequence[Rule], limits: Sequence[float | None]) -> bool:
    """Whether every sum of these points is a whole number that rounding leaves alone."""
    if any(rule.points.formula is not None for rule in rules):
        return False
    numbers = [rule.points.fixed for rule in rules]
    numbers += [limit for limit in limits if limit is not None]
    are_whole = all(x.is_integer() and str(x) != "-0.0" for x in numbers)
    return are_whole and sum(map(abs, numbers)) < _EXACT_BELOW


def stays_whole(score: Score) -> bool:
    """Whether *score* is only ever such a sum."""
    if score.formula is not None:
        return False
    rules = [rule for group in score.groups for rule in group.rules]
    limits = [limit for group in score.groups for limit in (group.floor, group.cap)]
    return is_whole(rules, [*limits, score.floor, score.ceiling])


def fixed(points: float) -> Part:
    """Return fixed points as a literal."""
    return point(constant(points))


# --- nothing is a range: what is yes counts ----------------------------------------------------


def _sum(block: Block, members: Sequence[Member]) -> Total:
    effects = tuple(
        block.local(pieces.choose(member.result.expr, member.points.low, _ZERO), "e")
        for member in members
    )
    return Total(add(block, [point(effect) for effect in effects]), effects)


def _first(block: Block, members: Sequence[Member]) -> Total:
    """Write `if`, `elif`, ... in stretches, because each `elif` nests in the one before."""
    total = block.names.fresh("s")
    effects = [block.names.fresh("e") for _ in members]
    searching = block.names.fresh("w")
    block.emit(_all_be(_ZERO, total, *effects), pieces.assign(searching, constant(value=True)))
    for start in range(0, len(members), pieces.LONGEST_CHAIN):
        stretch = range(start, min(start + pieces.LONGEST_CHAIN, len(members)))
        last: list[python.stmt] = [pieces.assign(searching, constant(value=True))]
        for place in reversed(stretch):
            taken = _all_be(members[place].points.low, total, effects[place])
            last = [pieces.when(members[place].result.expr, [taken], last)]
        found = pieces.assign(searching, constant(value=False))
        block.emit(pieces.when(searching, [found, *last]))
    return Total(point(total), tuple(effects))


def _max(block: Block, members: Sequence[Member]) -> Total:
    """Keep the largest so far and its place; the first of equals counts."""
    total, place = block.names.fresh("s"), block.names.fresh("w")
    block.emit(pieces.assign(total, _NOTHING), pieces.assign(place, python.Constant(-1)))
    for index, member in enumerate(members):
        larger = pieces.compare(member.points.low, python.Gt(), total)
        taken = [
            pieces.assign(total, member.points.low),
            pieces.assign(place, python.Constant(index)),
        ]
        block.emit(pieces.when(pieces.both([member.result.expr, larger]), taken))
    is_none = pieces.compare(place, python.Lt(), python.Constant(0))
    block.emit(pieces.when(is_none, [pieces.assign(total, _ZERO)]))
    effects = tuple(
        pieces.choose(pieces.compare(place, python.Eq(), python.Constant(index)), total, _ZERO)
        for index in range(len(members))
    )
    return Total(point(total), effects)


def _all_be(value: python.expr, *names: python.Name) -> python.Assign:
    return python.Assign([python.Name(name.id, python.Store()) for name in names], value)


# --- ranges: what is unknown may count ---------------------------------------------------------


def _open_sum(block: Block, members: Sequence[Member]) -> Part:
    return add(block, [_share(block, member) for member in members])


def _share(block: Block, member: Member) -> Part:
    result, points = member.result, member.points
    if result.sure:
        low = block.local(pieces.choose(result.expr, points.low, _ZERO))
        if points.is_point:
            return point(low)
        return Part(low, block.local(pieces.choose(result.expr, points.high, _ZERO)))
    return Part(
        pieces.choose(result.expr, points.low, _doubt(result, _smaller(points.low))),
        pieces.choose(result.expr, points.high, _doubt(result, _larger(points.high))),
    )


def _doubt(result: Answer, expr: python.expr) -> python.expr:
    if isinstance(expr, python.Constant) and expr.value == 0.0:
        return _ZERO
    return pieces.choose(pieces.is_none(result.expr), expr, _ZERO)


def _smaller(expr: python.expr) -> python.expr:
    """Return the lesser of *expr* and 0."""
    if isinstance(expr, python.Constant) and isinstance(expr.value, float):
        return constant(min(0.0, expr.value))
    return pieces.choose(pieces.compare(expr, python.Lt(), _ZERO), expr, _ZERO)


def _larger(expr: python.expr) -> python.expr:
    """Return the greater of *expr* and 0."""
    if isinstance(expr, python.Constant) and isinstance(expr.value, float):
        return constant(max(0.0, expr.value))
    return pieces.choose(pieces.compare(expr, python.Gt(), _ZERO), expr, _ZERO)


def _open_first(block: Block, members: Sequence[Member]) -> Part:
    """Go from the last rule to the first: a yes replaces what comes after, a doubt widens it."""
    low, high = block.names.fresh("l"), block.names.fresh("h")
    block.emit(_all_be(_ZERO, low, high))
    for member in reversed(members):
        result, points = member.result, member.points
        taken = [pieces.assign(low, points.low), pieces.assign(high, points.high)]
        if result.sure:
            block.emit(pieces.when(result.expr, taken))
            continue
        below = pieces.compare(points.low, python.Lt(), low)
        above = pieces.compare(points.high, python.Gt(), high)
        widened: list[python.stmt] = [
            pieces.when(below, taken[:1]),
            pieces.when(above, taken[1:]),
        ]
        doubt = pieces.when(pieces.is_none(result.expr), widened)
        block.emit(pieces.when(result.expr, taken, [doubt]))
    return Part(low, high)


def _open_max(block: Block, members: Sequence[Member]) -> Part:
    """Keep the largest low that is sure, the lowest low in doubt, and the largest high."""
    sure, doubt, high = (block.names.fresh(letter) for letter in "slh")
    block.emit(_all_be(_NOTHING, sure, high), pieces.assign(doubt, _ZERO))
    for member in members:
        result, points = member.result, member.points
        raised = pieces.when(
            pieces.compare(points.high, python.Gt(), high), [pieces.assign(high, points.high)]
        )
        certain = pieces.when(
            pieces.compare(points.low, python.Gt(), sure), [pieces.assign(sure, points.low)]
        )
        lowered = pieces.when(
            pieces.compare(points.low, python.Lt(), doubt), [pieces.assign(doubt, points.low)]
        )
        if result.sure:
            block.emit(pieces.when(result.expr, [raised, certain]))
        else:
            unsure = pieces.when(pieces.is_none(result.expr), [raised, lowered])
            block.emit(pieces.when(result.expr, [raised, certain], [unsure]))
    nothing = pieces.compare(sure, python.Eq(), _NOTHING)
    at_least_zero = pieces.when(
        pieces.compare(high, python.Lt(), _ZERO), [pieces.assign(high, _ZERO)]
    )
    block.emit(pieces.when(nothing, [pieces.assign(sure, doubt), at_least_zero]))
    return Part(sure, high)
