"""One expression on its own, compiled: what `standalone` is to the reference."""

import ast as python
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from service.rules.attributes import Attribute, Fact
from service.rules.expression import ast, text
from service.rules.expression import compile_pieces as pieces
from service.rules.expression.ast import Kind
from service.rules.expression.compile import Writer
from service.rules.expression.compile_numbers import REGISTRABLE, TODAY
from service.rules.expression.compile_parts import View, guarded
from service.rules.expression.compile_pieces import Names
from service.rules.expression.evaluate import Mode, reading

Value = Fact | tuple[float, ...] | None
Function = Callable[..., Value]


@dataclass(frozen=True, slots=True)
class CompiledExpression:
    """One expression over attributes; `None` stands for an unknown value."""

    attributes: Mapping[str, Attribute]
    functions: Mapping[View, Function]

    def value(
        self,
        values: Mapping[str, Fact],
        *,
        today: date,
        view: View,
        registrable: Callable[[str], str] = text.registrable_domain,
    ) -> Value:
        """Return the value on *values*; closed, a whole condition that is unknown is False.

        Raises:
            TypeError: If the view is complete and an attribute that is read is missing.
        """
        read = reading(values, self.attributes)
        known = [read.get(name) for name in self.attributes]
        return self.functions[view](*known, today, registrable)


def compile_expression(node: ast.Node, attributes: Mapping[str, Attribute]) -> CompiledExpression:
    """Return the compiled form of *node*, which reads *attributes* and no other names."""
    return CompiledExpression(
        attributes, {view: _function(node, attributes, view) for view in View}
    )


def _function(node: ast.Node, attributes: Mapping[str, Attribute], view: View) -> Function:
    names = Names()
    writer = Writer(names, attributes, view)
    if node.type.kind is Kind.TRUTH:
        answer = writer.truth(node)
        result = answer.expr
        if view is View.CLOSED and not answer.sure:
            result = pieces.is_bool(result, value=True)
    else:
        part = writer.part(node, Mode.PLAIN)
        if node.type.kind is Kind.NUMBER:
            part = writer.rounded(part, node)
        result = guarded(part.unknown, part.low)
    writer.emit(python.Return(result))
    parameters = [*writer.values.values(), TODAY, REGISTRABLE]
    definition = pieces.function("value", [name.id for name in parameters], writer.body)
    return pieces.build(definition, names)
