"""Columns that we compute and SQL reads: text functions with one implementation, ours.

No engine lowers, folds or takes a domain exactly as we do. So what such a function says of
one attribute is a column of the input: worked out once per distinct value, by `Prepared.of`.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from service.rules.attributes import Attribute, Fact
from service.rules.expression import ast, evaluate, text
from service.rules.expression.ast import Kind
from service.rules.expression.evaluate import Known
from service.rules.truth import YES, Truth

PREPARED: Final = frozenset({"lower", "domain", "registrable_domain"})
"""The rows that are an input column in every dialect; `matches` is one where RE2 is missing."""

_NO_CLOCK: Final = date.min
_LONGEST_NAME: Final = 60


@dataclass(frozen=True, slots=True)
class Prepared:
    """One input column that is computed from one attribute.

    Attributes:
        name: The column's name.
        attribute: What it is computed from; it is NULL exactly where that is.
        written: The expression, as an author would write it.
        node: Its tree over the attribute, or over an item of it.
        by_item: Whether it holds a list: the expression of each item, in order.
    """

    name: str
    attribute: Attribute
    written: str
    node: ast.Node
    by_item: bool

    @property
    def is_truth(self) -> bool:
        """Whether it holds booleans instead of texts."""
        return self.node.type.kind is Kind.TRUTH

    def of(
        self,
        fact: Fact,
        *,
        registrable: Callable[[str], str] = text.registrable_domain,
    ) -> str | bool | tuple[str | bool, ...]:
        """Return the column's value for a known *fact* of its attribute."""
        declared = {self.attribute.name: self.attribute}
        known = Known(
            values=evaluate.reading({self.attribute.name: fact}, declared),
            attributes=declared,
            today=_NO_CLOCK,
            is_open=False,
            registrable=registrable,
        )
        if not self.by_item:
            return _plain(evaluate.derive(self.node, known))
        items = fact if isinstance(fact, tuple) else ()
        return tuple(_plain(evaluate.derive(_about(self.node, item), known)) for item in items)


def _plain(value: evaluate.Value) -> str | bool:
    return value is YES if isinstance(value, Truth) else str(value)


def computed(node: ast.Node) -> str | bool:
    """Return the value of a function of constants."""
    nothing = Known(values={}, attributes={}, today=_NO_CLOCK, is_open=False)
    return _plain(evaluate.derive(node, nothing))


def _about(node: ast.Node, item: str) -> ast.Node:
    """Return *node* with the item in place of its variable."""
    match node:
        case ast.Variable(type=kind, span=span):
            return ast.Constant(item, kind, span)
        case ast.Apply(arguments=arguments):
            return replace(node, arguments=tuple(_about(part, item) for part in arguments))
        case _:
            return node


def name_for(node: ast.Node, attribute: str, taken: Iterable[str]) -> str:
    """Return a name for the column that holds *node*: `lower__name`, or one with a number."""
    functions: list[str] = []
    current = node
    while isinstance(current, ast.Apply):
        functions.append(current.operator)
        current = current.arguments[0]
    if not functions:
        functions.append("fold")
    wanted = "__".join([*functions, attribute])
    others = set(taken)
    if len(wanted) <= _LONGEST_NAME and wanted not in others:
        return wanted
    numbers = (f"{functions[0]}__{number}" for number in range(1, len(others) + 2))
    return next(name for name in numbers if name not in others)


def written(node: ast.Node, attribute: Attribute) -> str:
    """Return the expression that a prepared column holds, as an author would write it."""
    match node:
        case ast.Attribute(name=name):
            return f"{name}, folded" if attribute.fold else name
        case ast.Variable(name=name):
            return name
        case ast.Constant(value=value):
            return json.dumps(value, ensure_ascii=False)
        case ast.Apply(operator="matches", arguments=(part, pattern)):
            return f"{written(part, attribute)}.matches({written(pattern, attribute)})"
        case ast.Apply(operator=operator, arguments=(part,)):
            return f"{operator}({written(part, attribute)})"
        case _:
            msg = f"no input column holds {node!r}"
            raise TypeError(msg)


@dataclass(slots=True)
class Preparing:
    """The prepared columns asked for so far, in that order."""

    attributes: Mapping[str, Attribute]
    found: dict[object, Prepared]

    def column(self, key: object, node: ast.Node, name: str, *, by_item: bool) -> Prepared:
        """Return the column that holds *node* over the attribute *name*; one per *key*."""
        known = self.found.get((key, name))
        if known is None:
            attribute = self.attributes[name]
            taken = [*self.attributes, *(one.name for one in self.found.values())]
            said = written(node, attribute)
            said = f"{said} for each item of {name}" if by_item else said
            chosen = name_for(node, name, taken)
            known = self.found[key, name] = Prepared(chosen, attribute, said, node, by_item)
        return known
