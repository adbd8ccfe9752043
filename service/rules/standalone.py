"""One expression on its own: the language without a rule set around it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

from service.rules.attributes import Attribute, Facts, admit
from service.rules.expression import ast, bounds, evaluate
from service.rules.expression.ast import Kind
from service.rules.expression.check import Scope, check_expression
from service.rules.expressions import type_of
from service.rules.problems import InvalidRuleSet, Problem
from service.rules.ranges import Range
from service.rules.truth import NO, UNKNOWN, YES, Truth

Result = float | str | bool | date | tuple[str, ...] | tuple[float, ...] | Truth


def evaluate_expression(
    expression: str,
    attributes: Mapping[str, Attribute],
    facts: Facts | Mapping[str, object],
    *,
    at: datetime,
    final: bool = False,
) -> Result:
    """Return the value of *expression* on *facts*, or UNKNOWN.

    A condition comes as a bool; closed (*final*), a whole condition that is unknown is false.

    Raises:
        InvalidRuleSet: If the expression has problems; `.problems` holds them all.
    """
    node = typed(expression, attributes)
    admitted = facts if isinstance(facts, Facts) else admit(facts, attributes)
    known = evaluate.Known(
        values=evaluate.reading(admitted.values, attributes),
        attributes=attributes,
        today=at.astimezone(UTC).date(),
        is_open=not final,
    )
    if node.type.kind is Kind.TRUTH:
        return _plain(evaluate.truth(node, known))
    return _plain(evaluate.derive(node, known))


def typed(expression: str, attributes: Mapping[str, Attribute]) -> ast.Node:
    """Return the typed tree of *expression* over *attributes*.

    Raises:
        InvalidRuleSet: If it has problems, each with its column.
    """
    measures = {
        name: bounds.of_attribute(attribute.minimum, attribute.maximum)
        for name, attribute in attributes.items()
        if attribute.type == "number"
    }
    types = {name: type_of(attribute) for name, attribute in attributes.items()}
    checked = check_expression(expression, Scope(types, measures=measures))
    if checked.node is None:
        raise InvalidRuleSet(
            tuple(
                Problem(p.code, "error", p.message, "", 1, p.span.start + 1, p.suggestion)
                for p in checked.problems
            )
        )
    return checked.node


def _plain(value: evaluate.Value) -> Result:
    match value:
        case Range(low=low):
            return low
        case Truth():
            return value is YES if value in {YES, NO} else UNKNOWN
        case frozenset():
            return UNKNOWN
        case _:
            return value
