"""The conditions of metrics as Postgres SQL, by the same halves of the treaty as rules.

It loads the SQL library, which no process needs before a first metric with a condition.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from service.rules.attributes import Attribute
from service.rules.expression import ast
from service.rules.expression.sql import Translator
from service.rules.expression.sql_dialects import DIALECTS
from service.rules.expression.sql_pieces import Sql
from service.rules.metrics.model import Where
from service.rules.sql_text import Query


@dataclass(frozen=True, slots=True)
class Asked:
    """A condition, and the column of the relation for each quantity that it reads."""

    where: Where
    columns: Mapping[str, str]


def conditions(asked: Mapping[str, Asked], *, relation: str, kept: Sequence[str]) -> str:
    """Return a SELECT over *relation* of the *kept* columns and a truth for each of *asked*.

    The truth is TRUE where an event counts, else FALSE or NULL. Columns hold numbers, texts
    and truths, NULL where an event does not say them. The names of *asked* are those of the
    columns that it adds.
    """
    attributes: dict[str, Attribute] = {}
    for one in asked.values():
        for name, column in one.columns.items():
            attributes[column] = replace(one.where.attributes[name], name=column)
    # No condition asks about the clock: a metric has a window for that.
    translator = Translator(DIALECTS["postgres"], date.min, attributes, {}, is_open=False)
    outputs: dict[str, Sql] = {
        name: translator.whole(_renamed(one.where.node, one.columns)).piece
        for name, one in asked.items()
    }
    query = Query.of(translator, outputs, relation=relation, kept=kept)
    if translator.refusals.found:
        msg = f"the check let through what Postgres cannot say: {translator.refusals.found[0]}"
        raise AssertionError(msg)
    return query.text()


def _renamed(node: ast.Node, names: Mapping[str, str]) -> ast.Node:  # noqa: PLR0911 - a node each
    """Return *node* reading the columns *names* in place of quantities."""
    match node:
        case ast.Attribute(name=name):
            return replace(node, name=names[name])
        case ast.Has(attribute=name):
            return replace(node, attribute=names[name])
        case ast.Not(part=part):
            return replace(node, part=_renamed(part, names))
        case ast.Logic(parts=parts) | ast.AtLeast(parts=parts):
            return replace(node, parts=tuple(_renamed(part, names) for part in parts))
        case ast.Apply(arguments=parts):
            return replace(node, arguments=tuple(_renamed(part, names) for part in parts))
        case ast.Choose(test=test, then=then, otherwise=otherwise):
            return replace(
                node,
                test=_renamed(test, names),
                then=_renamed(then, names),
                otherwise=_renamed(otherwise, names),
            )
        case _:
            return node
