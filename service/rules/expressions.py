"""The expressions of a document, checked at their places and counted against the limits."""

from collections.abc import Iterator, Mapping
from typing import Final

from service.rules.attributes import Attribute
from service.rules.expression import ast
from service.rules.expression.ast import Kind, Type
from service.rules.expression.check import Scope, check_expression
from service.rules.model import Condition
from service.rules.problems import Problem
from service.rules.source import Source

_TYPES: Final[Mapping[str, Type]] = {
    "number": ast.NUMBER,
    "text": ast.TEXT,
    "flag": ast.TRUTH,
    "date": ast.DATE,
    "list": ast.LIST,
}

NODE_LIMIT: Final = 5_000
PATTERN_LIMIT: Final = 50


class Expressions:
    """Checks expressions one by one, adding what is wrong to *problems*."""

    def __init__(self, source: Source, problems: list[Problem]) -> None:
        """Place problems by *source*."""
        self._source = source
        self._problems = problems
        self._nodes = 0
        self._patterns = 0
        self.check_count = 0

    def check(
        self, text: str, pointer: str, scope: Scope, wanted: Kind | None = None
    ) -> ast.Node | None:
        """Return the typed tree of *text*, or None after noting its problems."""
        checked = check_expression(text, scope, wanted=wanted)
        self._problems += [
            self._source.problem(
                found.code,
                found.message,
                pointer,
                offset=found.span.start,
                suggestion=found.suggestion,
            )
            for found in checked.problems
        ]
        if checked.node is not None:
            for node in ast.walk(checked.node):
                self._nodes += 1
                self._patterns += isinstance(node, ast.Apply) and node.operator == "matches"
        return checked.node

    def condition(self, text: str, pointer: str, scope: Scope) -> Condition | None:
        """Return the whole condition in *text* with its single checks, or None."""
        node = self.check(text, pointer, scope, Kind.TRUTH)
        if node is None:
            return None
        checks = tuple(checks_of(node))
        condition = Condition(text, node, checks, self.check_count)
        self.check_count += len(checks)
        return condition

    def check_limits(self) -> None:
        """Note where the expressions together are past a limit."""
        for count, limit, what in (
            (self._nodes, NODE_LIMIT, "operands and operators"),
            (self._patterns, PATTERN_LIMIT, "patterns"),
        ):
            if count > limit:
                message = f"the expressions have {count:,} {what}; at most {limit:,} are allowed"
                self._problems.append(self._source.problem("limit", message, ""))


def checks_of(node: ast.Node) -> Iterator[ast.Node]:
    """Yield the single checks that *node* combines with `&&`, `||`, `!` and `at_least`."""
    match node:
        case ast.Not(part=part):
            yield from checks_of(part)
        case ast.Logic(parts=parts) | ast.AtLeast(parts=parts):
            for part in parts:
                yield from checks_of(part)
        case _:
            yield node


def is_endless(
    node: ast.Node, attributes: Mapping[str, Attribute], derived: Mapping[str, ast.Node]
) -> bool:
    """Whether the number *node* ranges without end where a fact is missing."""
    match node:
        case ast.Attribute(name=name):
            return attributes[name].minimum is None or attributes[name].maximum is None
        case ast.Derived(name=name):
            return is_endless(derived[name], attributes, derived)
        case ast.Choose(then=then, otherwise=otherwise):
            return any(is_endless(part, attributes, derived) for part in (then, otherwise))
        case ast.Apply(operator=operator, arguments=arguments):
            if operator in {"age_days", "age_months", "size"}:
                return not all(isinstance(part, ast.Constant) for part in arguments)
            return any(is_endless(part, attributes, derived) for part in arguments)
        case _:
            return False


def type_of(attribute: Attribute) -> Type:
    """Return the type that expressions see of an attribute."""
    if attribute.type == "choice":
        return Type(Kind.CHOICE, attribute.choices, attribute.ordered, attribute.other)
    if attribute.type == "text" and attribute.fold:
        return ast.FOLDED_TEXT
    return _TYPES[attribute.type]
