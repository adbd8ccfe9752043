"""JMESPath, with limits: an expression of a map cannot make a payload explode.

JMESPath has no loops, so its time is the size of what it reads times how often it repeats
it. Lists and objects made in an expression repeat it, and so do a few functions: their
product is bounded when the expression is kept, never while a delivery waits.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Final

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

__all__ = ["Expression", "ExpressionFailed", "evaluate", "field_of", "fields_in"]

_LONGEST: Final = 1_000
_DEEPEST: Final = 24
_HEAVIEST: Final = 256
# What an expression gives is kept with an account or a lead: no more than those may hold.
_RESULT_NODES: Final = 20_000
_FUNCTIONS: Final = frozenset(
    (
        *("abs", "avg", "ceil", "floor", "max", "max_by", "min", "min_by", "sum"),
        *("contains", "ends_with", "join", "length", "starts_with"),
        *("keys", "map", "merge", "not_null", "reverse", "sort", "sort_by", "values"),
        *("to_array", "to_number", "to_string", "type"),
    )
)
_JOINED_BY: Final = 16


class ExpressionFailed(Exception):
    """An expression met a payload that it cannot read; the message says why, without values."""


def _usable(text: str) -> str:
    """Let through an expression that is whole and can be evaluated in bounded time."""
    try:
        tree = jmespath.compile(text).parsed
    except RecursionError:
        raise PydanticCustomError("expression", "this is nested too deep; take it apart") from None
    except JMESPathError as error:
        place = getattr(error, "lex_position", None)
        where = f", at character {place + 1}" if isinstance(place, int) and place >= 0 else ""
        raise PydanticCustomError(
            "expression", f"this is no JMESPath expression{where}; see jmespath.org"
        ) from None
    weight = 1
    for node, depth in _nodes(tree):
        if depth > _DEEPEST:
            raise PydanticCustomError(
                "expression", f"this is nested more than {_DEEPEST} levels deep; take it apart"
            )
        weight *= _weight(node)
        if weight > _HEAVIEST:
            words = "this repeats what it reads too often; make fewer lists and objects in it"
            raise PydanticCustomError("expression", words)
    return text


Expression = Annotated[
    str,
    StringConstraints(min_length=1, max_length=_LONGEST, strict=True),
    AfterValidator(_usable),
]
"""A JMESPath expression that was found usable."""


def evaluate(expression: str, payload: object) -> Any:  # noqa: ANN401 - whatever a payload holds
    """Return what *expression* finds in *payload*; None where that is nothing.

    Raises:
        ExpressionFailed: If a function of it got something it is not for, or it found too much.
    """
    try:
        found = jmespath.search(expression, payload)
    except (JMESPathError, ArithmeticError, ValueError, TypeError, RecursionError):
        words = f"`{expression}` cannot read this payload; a function in it got another type"
        raise ExpressionFailed(words) from None
    if _is_large(found):
        raise ExpressionFailed(f"`{expression}` finds too much; let it find less")
    return found


def field_of(expression: str) -> str | None:
    """Return the name where an expression is `fields.name` and no more, else None."""
    match jmespath.compile(expression).parsed:
        case {
            "type": "subexpression",
            "children": [{"type": "field", "value": "fields"}, {"type": "field", "value": name}],
        }:
            return str(name)
        case _:
            return None


def fields_in(expression: str) -> set[str]:
    """Return the names of all `fields.name` that an expression reads."""
    found = set()
    for node, _ in _nodes(jmespath.compile(expression).parsed):
        match node:
            case {
                "type": "subexpression",
                "children": [
                    {"type": "field", "value": "fields"},
                    {"type": "field", "value": name},
                    *_,
                ],
            }:
                found.add(str(name))
    return found


def _nodes(tree: Any) -> Iterator[tuple[dict[str, Any], int]]:  # noqa: ANN401 - the library's trees
    level, depth = [tree], 0
    while level:
        depth += 1
        yield from ((node, depth) for node in level)
        children = [child for node in level for child in node.get("children", ())]
        level = [child for child in children if isinstance(child, dict)]


def _weight(node: dict[str, Any]) -> int:
    """Return how often a node may repeat what it reads."""
    match node["type"]:
        case "multi_select_list" | "multi_select_dict":
            return max(1, len(node["children"]))
        case "function_expression":
            name = node["value"]
            if name not in _FUNCTIONS:
                raise PydanticCustomError(
                    "expression", f"`{name}` is no function here; there are {_listed()}"
                )
            if name == "join" and not _is_short_text(node["children"][:1]):
                raise PydanticCustomError(
                    "expression", "`join` takes a short text in quotes first, as in join(', ', x)"
                )
            return 2 if name == "to_string" else 1
        case _:
            return 1


def _is_short_text(children: list[dict[str, Any]]) -> bool:
    return bool(children) and (
        children[0]["type"] == "literal"
        and isinstance(children[0]["value"], str)
        and len(children[0]["value"]) <= _JOINED_BY
    )


def _listed() -> str:
    return ", ".join(sorted(_FUNCTIONS))


def _is_large(found: object) -> bool:
    """Return whether *found* has more values than could be of use."""
    count, level = 0, [found]
    while level:
        count += len(level)
        if count > _RESULT_NODES:
            return True
        deeper: list[object] = []
        for one in level:
            if isinstance(one, dict):
                deeper.extend(one.values())
            elif isinstance(one, list):
                deeper.extend(one)
        level = deeper
    return False
