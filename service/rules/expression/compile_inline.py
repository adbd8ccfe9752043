"""Put what is read once where it is read, so that a short cut skips what nobody asks for."""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeVar

__all__ = ["inlined"]

_Node = TypeVar("_Node", bound=ast.AST)

_DEEPEST: Final = 12
"""How deep a piece may nest that is put into another one; Python's compiler recurses for each."""

_REPEATED: Final = (ast.For, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def inlined(statements: Sequence[ast.stmt]) -> list[ast.stmt]:
    """Return *statements* without the locals that are assigned once and read once.

    Expressions of a rule set have no effect but their value, so it does not matter when one
    is computed, as long as what it reads is the same: such as read a local that changes,
    and whatever is read in a loop, stay where they are. Nodes are shared, never changed.
    """
    stored, loaded = _counts(statements)
    waiting: dict[str, ast.expr] = {}
    kept: list[ast.stmt] = []
    for given in statements:
        statement = _replaced(given, waiting)
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if (
                stored[name] == 1 and loaded[name] == 1 and _may_move(value, stored)
            ):
                waiting[name] = value
            case _:
                kept.append(statement)
    return kept


def _counts(statements: Sequence[ast.stmt]) -> tuple[Counter[str], Counter[str]]:
    """Return how often each name is stored, and read; in a loop a name is read often."""
    stored: Counter[str] = Counter()
    loaded: Counter[str] = Counter()
    for statement in statements:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name):
                (stored if isinstance(node.ctx, ast.Store) else loaded)[node.id] += 1
            elif isinstance(node, _REPEATED):
                loaded.update(dict.fromkeys(_names(node), 1))
    return stored, loaded


def _may_move(value: ast.expr, stored: Mapping[str, int]) -> bool:
    if any(isinstance(node, ast.NamedExpr) for node in ast.walk(value)):
        return False
    return all(stored[name] <= 1 for name in _names(value)) and _depth(value) <= _DEEPEST


def _names(node: ast.AST) -> Iterator[str]:
    return (part.id for part in ast.walk(node) if isinstance(part, ast.Name))


def _depth(node: ast.AST) -> int:
    return 1 + max(map(_depth, ast.iter_child_nodes(node)), default=0)


def _replaced(node: _Node, by: Mapping[str, ast.expr]) -> _Node:
    """Return *node* with each name that *by* has as what it stands for; itself where none is."""
    members = dict(ast.iter_fields(node))
    changed = {name: _put(value, by) for name, value in members.items()}
    if all(changed[name] is members[name] for name in members):
        return node
    return type(node)(**changed)


def _put(value: object, by: Mapping[str, ast.expr]) -> object:
    match value:
        case ast.Name(id=name, ctx=ast.Load()) if name in by:
            return by[name]
        case ast.AST():
            return _replaced(value, by)
        case list():
            parts = [_put(part, by) for part in value]
            same = all(new is old for new, old in zip(parts, value, strict=True))
            return value if same else parts
        case _:
            return value
