"""What the things are called that a rule asks about, and their values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from service.rules.expression import ast, evaluate
from service.rules.expression.ast import Constant, Kind, Node
from service.rules.expression.phrasebook import Hole
from service.rules.expression.seen import Item, Seen
from service.rules.expression.tokens import (
    Token,
    Tokens,
    constant,
    listed,
    number,
    operator,
    sentence,
    shown,
    text,
    uncapitalised,
)
from service.rules.ranges import Range
from service.rules.truth import UNKNOWN, YES, Truth

MISSING: Final = "not known"
"""What is said of a value that is missing."""


@dataclass(frozen=True, slots=True)
class Noun:
    """What is asked about: its name, how its value follows, and the value."""

    name: Tokens
    value: Tokens
    verb: str = "is"


def own(node: Node, seen: Seen) -> Tokens:
    """Return the value of *node* as the subject has it, with its unit."""
    return _held(seen.book.hole(node), seen)


def _held(hole: Hole, seen: Seen) -> Tokens:
    return (hole,) if seen.is_template else filled(hole, seen)


def filled(hole: Hole, seen: Seen) -> Tokens:
    """Return the value that belongs into *hole*, with its unit."""
    words = _value(hole.node, seen) if hole.node is not None else ""
    if hole.age is not None:
        span, follows = aged(words, hole.age)
        return Token("value", span, hole.attribute, hole.pii), Token("unit", follows)
    value = Token("value", words, hole.attribute, hole.pii)
    if hole.unit is None or hole.unit_of_one is None:
        return (value,)
    return (value, hole.unit_of_one if words == "1" else hole.unit)


def aged(words: str, unit: str) -> tuple[str, str]:
    """Return a number of days or months without its sign, and the unit with what it meant."""
    span = words.removeprefix("-")
    one_or_more = unit.removesuffix("s") if span == "1" else unit
    return span, f"{one_or_more} {'ahead' if words.startswith('-') else 'ago'}"


def _value(node: Node, seen: Seen) -> str:
    if isinstance(node, ast.Attribute):
        fact = seen.facts.get(node.name)
        if fact is not None:
            return shown(fact)
    value = evaluate.derive(node, seen.known)
    match value:
        case Range(low=low, high=high):
            return number(low) if low == high else f"between {number(low)} and {number(high)}"
        case Truth():
            return MISSING if value is UNKNOWN else shown(value is YES)
        case frozenset():
            return listed([band for band in node.type.members if band in value], last="or")
        case _:
            return shown(value)


def noun(node: Node, seen: Seen, *, inside: bool = False) -> Noun:
    """Return what *node* is called and its value; *inside* a sentence, without a capital."""
    match node:
        case Constant():
            return Noun((), constant(node.value))
        case ast.Attribute(name=name):
            return Noun(seen.book.label(name, inside=inside), own(node, seen))
        case ast.Derived(name=name):
            made_of = seen.book.formulas[name]
            if node.type.kind is Kind.TEXT and isinstance(made_of, ast.Apply):
                return replace(noun(made_of, seen, inside=inside), value=own(node, seen))
            return Noun(_called(name, name.replace("_", " "), inside=inside), own(node, seen))
        case ast.Score(name=name):
            words = uncapitalised(seen.book.scores[name].label)
            return Noun(_called(name, words, inside=inside), own(node, seen))
        case ast.Grade(name=name):
            words = name.replace("_", " ")
            return Noun(_called(name, words, inside=inside), own(node, seen))
        case ast.Variable(name=name):
            item = seen.items[name]
            of = noun(item.items, seen, inside=inside)
            return Noun(of.name, (own_item(item, seen),), "includes")
        case ast.Apply(operator=row):
            if row in NAMES:
                return NAMES[row](node, seen, inside)
        case _:
            pass
    written = " ".join(seen.source[node.span.start : node.span.end].split())
    return Noun(text(f"`{written}`"), own(node, seen))


def _called(name: str, words: str, *, inside: bool) -> Tokens:
    shown_as = words if inside else words[:1].upper() + words[1:]
    return (Token("attribute", shown_as, name),)


def beside(node: Node, seen: Seen) -> Tokens:
    """Return what a value is compared with: a constant, or another thing and its value."""
    other = noun(node, seen, inside=True)
    return (*other.name, *text("("), *other.value, *text(")")) if other.name else other.value


def own_item(item: Item, seen: Seen) -> Token:
    """Return the item of a list as a value of the subject's."""
    owner = next(iter(seen.book.reads(item.items)), None)
    return Token("value", item.value, owner, seen.book.is_personal(item.items))


Naming = Callable[[ast.Apply, Seen, bool], Noun]


def _infix(sign: str) -> Naming:
    def name(node: ast.Apply, seen: Seen, inside: bool) -> Noun:  # noqa: FBT001  one of a table
        tokens: list[Token] = []
        for place, part in enumerate(node.arguments):
            tokens += operator(sign) if place else ()
            of = noun(part, seen, inside=inside or bool(place))
            tokens += of.name or of.value
        return Noun(tuple(tokens), own(node, seen))

    return name


def _spoken(before: str, *between: str, after: str = "") -> Naming:
    """Return a noun made of words before, between (the last one repeats) and after the parts."""

    def name(node: ast.Apply, seen: Seen, inside: bool) -> Noun:  # noqa: FBT001  one of a table
        first = before if inside or not before else before[:1].upper() + before[1:]
        tokens: list[Token] = [*operator(first)] if first else []
        for place, part in enumerate(node.arguments):
            if place:
                tokens += operator(between[min(place, len(between)) - 1])
            of = noun(part, seen, inside=inside or bool(tokens))
            tokens += of.name or of.value
        return Noun((*tokens, *(operator(after) if after else ())), own(node, seen))

    return name


def _ratio(node: ast.Apply, seen: Seen, inside: bool) -> Noun:  # noqa: FBT001  one of a table
    over, under = (noun(part, seen, inside=True) for part in node.arguments[:2])
    first = noun(node.arguments[0], seen, inside=inside)
    named = (*(first.name or over.value), *operator("per"), *(under.name or under.value))
    return Noun(named, own(node, seen))


def _of_text(word: str | None) -> Naming:
    def name(node: ast.Apply, seen: Seen, inside: bool) -> Noun:  # noqa: FBT001  one of a table
        of = noun(node.arguments[0], seen, inside=inside)
        if isinstance(node.arguments[0], ast.Variable):
            return of
        value = own(node, seen)
        if word is None or not of.name or sentence(of.name).lower().endswith(word):
            return Noun(of.name, value, of.verb)
        *before, last = of.name
        return Noun((*before, replace(last, text=f"{last.text} {word}")), value, of.verb)

    return name


def _count(node: ast.Apply, seen: Seen, inside: bool) -> Noun:  # noqa: FBT001  one of a table
    of = noun(node.arguments[0], seen, inside=inside)
    items, item = Token("unit", "items"), Token("unit", "item")
    hole = replace(seen.book.hole(node), text="items", unit=items, unit_of_one=item)
    return Noun(of.name, _held(hole, seen), "has")


def _age(unit: str) -> Naming:
    def name(node: ast.Apply, seen: Seen, inside: bool) -> Noun:  # noqa: FBT001  one of a table
        of = noun(node.arguments[0], seen, inside=inside)
        hole = replace(seen.book.hole(node), text=unit, age=unit)
        return Noun(of.name or of.value, _held(hole, seen))

    return name


NAMES: Final[Mapping[str, Naming]] = {
    "+": _infix("+"),
    "-": _infix("-"),
    "*": _infix("*"),
    "/": _infix("/"),
    "negate": _spoken("minus"),
    "ratio": _ratio,
    "min": _spoken("the smaller of", "and"),
    "max": _spoken("the larger of", "and"),
    "abs": _spoken("", after="without its sign"),
    "clamp": _spoken("", "kept between", "and"),
    "round": _spoken("", after="rounded"),
    "size": _count,
    "lower": _of_text(None),
    "domain": _of_text("domain"),
    "registrable_domain": _of_text("domain"),
    "age_days": _age("days"),
    "age_months": _age("months"),
}
"""The halves of the rows that compute."""


def computed(label: str, node: Node, seen: Seen) -> Tokens:
    """Return what a score's formula is and what its names stood for."""
    written = " ".join(seen.source.split())
    tokens: list[Token] = [*text(label), *operator("is"), *text(written)]
    named_parts = (ast.Attribute, ast.Derived, ast.Score)
    parts = {part.name: part for part in ast.walk(node) if isinstance(part, named_parts)}
    for place, part in enumerate(parts.values()):
        of = noun(part, seen, inside=True)
        tokens += text(",") if place else (*text(","), *text("with"))
        tokens += (*of.name, *of.value)
    return tuple(tokens)
