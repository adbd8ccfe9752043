"""Which checks carried a condition's result, and what they say."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from service.rules.expression import ast
from service.rules.expression.ast import Kind, Node
from service.rules.expression.seen import Seen, missing_in
from service.rules.expression.tokens import Token, Tokens, text, uncapitalised
from service.rules.expression.words import not_known, said
from service.rules.truth import UNKNOWN, YES, Truth, at_least, every, negate, some

Results = Callable[[Node, Seen], Truth]
"""Tells a single check's result; asked once per check, in reading order."""


@dataclass(frozen=True, slots=True)
class Carried:
    """One check that carried a result; *seen* holds the text that it stands in."""

    node: Node
    result: Truth
    seen: Seen

    def tokens(self) -> Tokens:
        """Return what the check says."""
        return said(self.node, self.seen, self.result)


@dataclass(frozen=True, slots=True)
class Judged:
    """A condition's result by Kleene's logic, and the checks that carried it."""

    result: Truth
    carried: tuple[Carried, ...]


def given(results: tuple[Truth, ...]) -> Results:
    """Return *results*, found already, to be handed out one by one."""
    waiting: Iterator[Truth] = iter(results)
    return lambda _node, _seen: next(waiting)


def judged(node: Node, seen: Seen, results: Results) -> Judged:
    """Return the result of *node* and the checks that it comes from.

    Of a yes `||` those that were yes, of a no `&&` those that were no, of an unknown the
    unknown ones: always the parts whose result is the whole's.
    """
    match node:
        case ast.Not(part=part):
            inner = judged(part, seen, results)
            return Judged(negate(inner.result), inner.carried)
        case ast.Logic(operator=word, parts=parts):
            found = [judged(part, seen, results) for part in parts]
            combine = every if word == "and" else some
            return _of_parts(combine(part.result for part in found), found)
        case ast.AtLeast(count=count, parts=parts):
            found = [judged(part, seen, results) for part in parts]
            return _of_parts(at_least(count, (part.result for part in found)), found)
        case _:
            return _single(node, seen, results(node, seen))


def _of_parts(result: Truth, parts: list[Judged]) -> Judged:
    carried = [check for part in parts if part.result is result for check in part.carried]
    return Judged(result, tuple(carried))


def _single(node: Node, seen: Seen, result: Truth) -> Judged:
    """Return a check itself, or what a derived name or ternary comes down to."""
    match node:
        case ast.Derived(name=name) if node.type.kind is Kind.TRUTH:
            inside = seen.reading(seen.book.texts[name])
            inner = judged(seen.book.formulas[name], inside, _asked)
            return Judged(result, inner.carried)
        case ast.Choose(test=test, then=then, otherwise=otherwise):
            first = judged(test, seen, _asked)
            branch = judged(then if first.result is YES else otherwise, seen, _asked)
            return Judged(result, (*first.carried, *branch.carried))
        case _:
            return Judged(result, (Carried(node, result, seen),))


def _asked(node: Node, seen: Seen) -> Truth:
    return seen.result(node)


def spoken(carried: tuple[Carried, ...]) -> Tokens:
    """Return the checks' claims as one sentence without its full stop, each said once.

    What several lists' checks or missing attributes share is said together: "Software in
    use includes sap and samsara", "Country and seniority are not known".
    """
    if len(carried) == 1:
        return carried[0].tokens()
    unknown: dict[str, None] = {}
    clauses: dict[Tokens, None] = {}
    for check in carried:
        names = missing_in(check.node, check.seen) if check.result is UNKNOWN else ()
        if names:
            unknown |= dict.fromkeys(names)
        else:
            clauses[check.tokens()] = None
    sentences = _together(list(clauses))
    if unknown:
        sentences.append(not_known(tuple(unknown), carried[0].seen))
    tokens: list[Token] = []
    for place, (first, *rest) in enumerate(sentences):
        follows = place and first.kind == "attribute"
        tokens += text(";") if place else ()
        tokens += (replace(first, text=uncapitalised(first.text)) if follows else first, *rest)
    return tuple(tokens)


_JOINED: Final = {"includes": "and", "does not include": "or"}


def _together(clauses: list[Tokens]) -> list[Tokens]:
    """Return *clauses* with those merged that say what one list holds."""
    joined: list[Tokens] = []
    for clause in clauses:
        last = joined[-1] if joined else ()
        joins = _JOINED.get(clause[1].text) if len(clause) == 3 else None
        if joins is not None and last[:2] == clause[:2]:
            joined[-1] = (*last, *text(joins), clause[2])
        else:
            joined.append(clause)
    return joined
