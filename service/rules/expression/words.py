"""The meaning in words: a check and what is known give typed tokens, and those a sentence.

Every row of the treaty has its half in `WORDS`, under its name: rows that ask make a claim
about their first argument ("Fleet size is 120 vehicles, at least 20"), rows that compute name
the thing they make ("Email domain"; see `nouns`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from service.rules.expression import ast, evaluate
from service.rules.expression.ast import Constant, Kind, Node
from service.rules.expression.nouns import NAMES, Naming, Noun, beside, noun, own, own_item
from service.rules.expression.phrasebook import Hole, NeedsValuesError
from service.rules.expression.seen import Item, Seen, missing_in
from service.rules.expression.tokens import (
    Token,
    Tokens,
    constant,
    listed,
    operator,
    quoted,
    sentence,
    shown,
    text,
)
from service.rules.truth import NO, UNKNOWN, YES, Truth

Claim = Callable[[ast.Apply, Seen, Truth], Tokens]


def claim(node: Node, seen: Seen, result: Truth) -> Tokens:
    """Return the words for one check whose *result* is known: a clause without its full stop.

    Made for checks that are not `&&`, `||`, `!` or `at_least`; see `carrying` for those.
    """
    if result is UNKNOWN:
        return _not_known(node, seen)
    match node:
        case ast.Attribute(name=name):
            return (*seen.book.label(name), *operator("is"), *own(node, seen))
        case ast.Has(attribute=name):
            state = "known" if result is YES else "not known"
            return (*seen.book.label(name), *operator(f"is {state}"))
        case ast.Quantified():
            return _quantified(node, seen, result)
        case ast.Apply(operator=row, arguments=parts) if row in CLAIMS:
            if not all(isinstance(part, Constant) for part in parts):
                return CLAIMS[row](node, seen, result)
        case _:
            pass
    return _as_written(node, seen, result)


def _as_written(node: Node, seen: Seen, result: Truth) -> Tokens:
    written = " ".join(seen.source[node.span.start : node.span.end].split())
    return (*text(f"`{written}`"), *operator("holds" if result is YES else "does not hold"))


def _not_known(node: Node, seen: Seen) -> Tokens:
    names = missing_in(node, seen)
    if names:
        return not_known(names, seen)
    if isinstance(node, ast.Apply) and node.operator in CLAIMS:
        said = CLAIMS[node.operator](node, seen, YES)
        place = next((i for i, token in enumerate(said) if token.text == ","), None)
        if place is not None:
            return (*said[: place + 1], *operator("perhaps"), *said[place + 1 :])
        of = next(part for part in node.arguments if not isinstance(part, Constant))
        limit = next((part for part in node.arguments if part is not of), of)
        return (*said, *text(","), *operator("perhaps"), *beside(limit, seen))
    return (*_as_written(node, seen, YES)[:1], *operator("is not known"))


def not_known(names: Sequence[str], seen: Seen) -> Tokens:
    """Return that the attributes *names* are missing; at least one."""
    tokens: list[Token] = []
    for place, name in enumerate(names):
        if place:
            tokens += text("and" if place == len(names) - 1 else ",")
        tokens += seen.book.label(name, inside=bool(place))
    return (*tokens, *operator("is not known" if len(names) == 1 else "are not known"))


def _is(of: Noun, *more: Token) -> Tokens:
    return (*of.name, *operator(of.verb), *of.value, *more)


_FLIPPED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_ORDER: Final[Mapping[Kind, Mapping[str, tuple[str, str]]]] = {
    Kind.NUMBER: {
        ">=": ("at least", "under"), "<": ("under", "at least"),
        ">": ("over", "at most"), "<=": ("at most", "over"),
    },
    Kind.CHOICE: {
        ">=": ("at least", "below"), "<": ("below", "at least"),
        ">": ("above", "at most"), "<=": ("at most", "above"),
    },
    Kind.GRADE: {},
    Kind.DATE: {
        ">=": ("on or after", "before"), "<": ("before", "on or after"),
        ">": ("after", "on or before"), "<=": ("on or before", "after"),
    },
}  # fmt: skip
"""By kind, what is said of a yes and of a no."""


def _ordered(sign: str) -> Claim:
    def claim_order(node: ast.Apply, seen: Seen, result: Truth) -> Tokens:
        left, right = node.arguments
        row = sign
        if isinstance(left, Constant):
            left, right, row = right, left, _FLIPPED[sign]
        words = _ORDER[left.type.kind][row][0 if result is YES else 1]
        of, limit = noun(left, seen), beside(right, seen)
        if left.type.kind is Kind.CHOICE:
            if seen.is_template:
                of = replace(of, value=_stopping(of.value, limit))
            elif sentence(of.value) == sentence(limit):
                return _is(of)
        return (*_is(of), *text(","), *operator(words), *limit)

    return claim_order


def _stopping(value: Tokens, limit: Tokens) -> Tokens:
    """Return the hole of *value*, closing the clause where it is the *limit* itself.

    Raises:
        NeedsValuesError: If the limit is a value too.
    """
    (hole,) = value
    if not isinstance(hole, Hole) or any(isinstance(token, Hole) for token in limit):
        raise NeedsValuesError
    return (replace(hole, stops_at=sentence(limit)),)


def _equal(*, wanted: Truth) -> Claim:
    def claim_equal(node: ast.Apply, seen: Seen, result: Truth) -> Tokens:
        left, right = node.arguments
        if isinstance(left, Constant):
            left, right = right, left
        of = noun(left, seen)
        if left.type.kind is Kind.TRUTH and isinstance(right, Constant):
            return _is(of)
        if result is wanted:
            if isinstance(right, Constant):
                return _is(of)
            other = noun(right, seen, inside=True)
            return (*_is(of), *text(","), *operator("the same as"), *other.name)
        return (*_is(of), *text(","), *operator("not"), *beside(right, seen))

    return claim_equal


def _claim_in(node: ast.Apply, seen: Seen, result: Truth) -> Tokens:
    item, items = node.arguments
    if isinstance(item, Constant) and not isinstance(items, Constant):
        of = noun(items, seen)
        verb = "includes" if result is YES else "does not include"
        return (*of.name, *operator(verb), *constant(item.value))
    of = noun(item, seen)
    if not isinstance(items, Constant):
        words = "one of" if result is YES else "not one of"
        return (*_is(of), *text(","), *operator(words), *noun(items, seen, inside=True).name)
    if items.name is not None:
        words = "one of" if result is YES else "not one of"
        return (*_is(of), *text(","), *operator(words), *text(_list_name(items.name)))
    if result is YES:
        return _is(of)
    return (*_is(of), *text(","), *operator("not"), *_any_of(items))


def _list_name(name: str) -> str:
    return name.removeprefix("lists.").replace("_", " ")


def _any_of(items: Constant) -> Tokens:
    values = items.value if isinstance(items.value, tuple) else (items.value,)
    return (Token("value", listed([shown(value) for value in values], last="or")),)


def _claim_between(node: ast.Apply, seen: Seen, result: Truth) -> Tokens:
    x, low, high = node.arguments
    words = "between" if result is YES else "not between"
    ends = (*beside(low, seen), *text("and"), *beside(high, seen))
    return (*_is(noun(x, seen)), *text(","), *operator(words), *ends)


def _part(words: str) -> Claim:
    def claim_part(node: ast.Apply, seen: Seen, result: Truth) -> Tokens:
        whole, part = node.arguments
        said = words if result is YES else f"not {words}"
        named = quoted(part.value) if isinstance(part, Constant) else beside(part, seen)
        return (*_is(noun(whole, seen)), *text(","), *operator(said), *named)

    return claim_part


def _quantified(node: ast.Quantified, seen: Seen, result: Truth) -> Tokens:
    """Return words for the item that settled it, else for all of them."""
    if seen.is_template:
        raise NeedsValuesError
    items = evaluate.derive(node.items, seen.known)
    values = [item for item in items if isinstance(item, str)] if isinstance(items, tuple) else []
    of = noun(node.items, seen)
    if not values:
        return (*of.name, *operator("is empty"))
    settled_by = YES if node.quantifier == "exists" else NO
    if result is settled_by:
        for value in values:
            told = replace(seen, items={**seen.items, node.variable: Item(node.items, value)})
            if told.result(node.condition) is settled_by:
                simple = isinstance(node.condition, ast.Apply)
                plain = (*of.name, *operator("includes"), own_item(told.items[node.variable], told))
                return claim(node.condition, told, settled_by) if simple else plain
    amount = "nothing" if node.quantifier == "exists" else "only items"
    return (*of.name, *operator(f"includes {amount}"), *_condition(node, seen))


def _condition(node: ast.Quantified, seen: Seen) -> Tokens:
    """Return what the items are asked, short where it is one comparison."""
    match node.condition:
        case ast.Apply(operator="==", arguments=(ast.Variable(), Constant(value=value))):
            return (*operator("equal to"), *constant(value))
        case ast.Apply(operator="in", arguments=(ast.Variable(), Constant() as items)):
            if items.name is not None:
                return (*operator("of"), *text(_list_name(items.name)))
            return (*operator("of"), *_any_of(items))
        case ast.Apply(
            operator="contains" | "startsWith" | "endsWith" | "matches" as row,
            arguments=(ast.Variable(), Constant(value=value)),
        ):
            said = {"contains": "containing", "startsWith": "starting with"}
            said |= {"endsWith": "ending with", "matches": "matching"}
            return (*operator(said[row]), *quoted(value))
        case condition:
            written = " ".join(seen.source[condition.span.start : condition.span.end].split())
            return (*operator("for which"), *text(f"`{written}`"))


CLAIMS: Final[Mapping[str, Claim]] = {
    "==": _equal(wanted=YES),
    "!=": _equal(wanted=NO),
    "<": _ordered("<"),
    "<=": _ordered("<="),
    ">": _ordered(">"),
    ">=": _ordered(">="),
    "in": _claim_in,
    "between": _claim_between,
    "contains": _part("containing"),
    "startsWith": _part("starting with"),
    "endsWith": _part("ending with"),
    "matches": _part("matching"),
}
"""The halves of the rows that ask."""

WORDS: Final[Mapping[str, Claim | Naming]] = MappingProxyType({**CLAIMS, **NAMES})
"""The rows' halves of the treaty."""
