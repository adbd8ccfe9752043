"""Which checks carried a condition's result."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from service.rules.expression import ast
from service.rules.expression.ast import Kind, Node
from service.rules.expression.seen import Seen
from service.rules.truth import YES, Truth, at_least, every, negate, some

Results = Callable[[Node, Seen], Truth]
"""Tells a single check's result; asked once per check, in reading order."""


@dataclass(frozen=True, slots=True)
class Carried:
    """One check that carried a result; *seen* holds the text that it stands in."""

    node: Node
    result: Truth
    seen: Seen


@dataclass(frozen=True, slots=True)
class Judged:
    """A condition's result by Kleene's logic, and the checks that carried it."""

    result: Truth
    carried: tuple[Carried, ...]


def handed_out(results: tuple[Truth, ...]) -> Results:
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
