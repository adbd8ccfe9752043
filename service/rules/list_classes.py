"""Lists that between them answer a set of list checks in every possible way."""

import math
from itertools import combinations
from typing import Final

from service.rules.attributes import clean_text
from service.rules.expression import ast, evaluate
from service.rules.expression.ast import Constant, Node
from service.rules.ranges import six_places
from service.rules.text_classes import TextChecks, TextDoor, texts_in, witnesses
from service.rules.uses import Probe, Reader

_MOST_KINDS: Final = 8
_LONGEST: Final = 64
_ITEM_DOOR: Final = TextDoor(fold=False, admits=lambda t: bool(t) and clean_text(t) == t)


def list_candidates(probe: Probe, reader: Reader) -> tuple[tuple[tuple[str, ...], ...], bool]:
    """Return lists to try, and whether no other list can be told from all of them.

    A check asks which items are there, whichever items are there, or how many. So it is
    enough to take every set of kinds of items, in every length that is told apart.
    """
    items, items_complete = _items(probe, reader)
    sizes, sizes_complete = _sizes(probe.checks, reader)
    complete = items_complete and sizes_complete
    kinds = _kinds(items, probe)
    if len(kinds) > _MOST_KINDS:
        few: list[tuple[str, ...]] = [(), *((item,) for item in kinds), tuple(kinds)]
        return tuple(few), False
    lists: list[tuple[str, ...]] = []
    for size in range(len(kinds) + 1):
        for chosen in combinations(kinds, size):
            lists.extend(_of_sizes(chosen, sizes))
    return tuple(lists), complete


def _of_sizes(chosen: tuple[str, ...], sizes: list[tuple[int, float]]) -> list[tuple[str, ...]]:
    """Return the items of *chosen*, repeated where needed, once per stretch of sizes."""
    lists: list[tuple[str, ...]] = []
    for low, high in sizes:
        length = max(low, len(chosen))
        if length <= high and (length == 0 if not chosen else length <= _LONGEST):
            lists.append((*chosen, *chosen[:1] * (length - len(chosen))))
    return lists


def _items(probe: Probe, reader: Reader) -> tuple[tuple[str, ...], bool]:
    """Return items for every way in which one item can be judged."""
    checks = TextChecks()
    for check in probe.checks:
        match check:
            case ast.Apply(operator="in", arguments=(Constant(), ast.Attribute())):
                found = texts_in(check)
                checks.mentioned.extend(found)
                checks.equal.setdefault((), []).append(frozenset(found))
            case ast.Quantified(items=ast.Attribute(), condition=condition):
                _read_condition(condition, checks, reader)
            case _ if _is_size(check):
                pass
            case _:
                checks.mentioned.extend(texts_in(check))
                checks.is_complete = False
    found_texts = witnesses(checks, _ITEM_DOOR)
    return found_texts.texts, found_texts.is_complete


def _read_condition(condition: Node, checks: TextChecks, reader: Reader) -> None:
    match condition:
        case ast.Not() | ast.Logic() | ast.AtLeast():
            for part in ast.children(condition):
                _read_condition(part, checks, reader)
        case ast.Constant():
            pass
        case _ if reader.attributes(condition):
            checks.is_complete = False
        case _:
            checks.read(condition, reader)


def _kinds(items: tuple[str, ...], probe: Probe) -> list[str]:
    """Return the first of the items that no check tells apart, but for their number."""
    kinds = {probe.signature((item,)): item for item in reversed(items)}
    kept = set(kinds.values())
    return [item for item in items if item in kept]


def _is_size(check: Node) -> bool:
    return _size_constants(check) is not None


def _size_constants(check: Node) -> list[float] | None:
    """Return the numbers that `size(list)` is compared with, or None for another check."""
    if not (isinstance(check, ast.Apply) and check.operator in evaluate.COMPARE):
        return None
    numbers: list[float] = []
    for part in check.arguments:
        match part:
            case Constant(value=float(number)):
                numbers.append(number)
            case Constant(value=tuple(values)):
                numbers.extend(value for value in values if isinstance(value, float))
            case ast.Apply(operator="size", arguments=(ast.Attribute(),)):
                pass
            case _:
                return None
    return numbers


def _sizes(checks: tuple[Node, ...], reader: Reader) -> tuple[list[tuple[int, float]], bool]:
    """Return the stretches of lengths that no check tells apart."""
    starts = {0, 1}
    for check in checks:
        for number in _size_constants(_unnamed(check, reader)) or ():
            size = six_places(number)
            starts |= {math.ceil(size), math.floor(size) + 1}
    ordered = sorted(start for start in starts if start >= 0)
    ends: list[float] = [start - 1.0 for start in ordered[1:]]
    return list(zip(ordered, [*ends, math.inf], strict=True)), ordered[-1] <= _LONGEST


def _unnamed(check: Node, reader: Reader) -> Node:
    """Return *check* with a derived name that is just `size(list)` written out."""
    if not isinstance(check, ast.Apply):
        return check
    parts = tuple(
        reader.formulas[part.name] if isinstance(part, ast.Derived) else part
        for part in check.arguments
    )
    return ast.Apply(check.operator, parts, check.type, check.span, check.least)
