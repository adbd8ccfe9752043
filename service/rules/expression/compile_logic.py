"""Kleene's logic in generated code: plain `and` and `or` where nothing can be unknown."""

import ast as python
from collections.abc import Sequence
from typing import Final

from service.rules.expression import compile_pieces as pieces
from service.rules.expression.compile_parts import Answer, Block
from service.rules.expression.compile_pieces import NONE

_YES: Final = python.Constant(True)  # noqa: FBT003  the literal
_NO: Final = python.Constant(False)  # noqa: FBT003  the literal


def negation(block: Block, answer: Answer) -> Answer:
    """Return yes for no, no for yes, unknown for unknown."""
    if answer.sure:
        return Answer(pieces.negate(answer.expr), sure=True)
    expr = block.local(answer.expr)
    return Answer(pieces.choose(pieces.is_none(expr), NONE, pieces.negate(expr)), sure=False)


def every(block: Block, answers: Sequence[Answer]) -> Answer:
    """Return no where one is no, else unknown where one is, else yes."""
    if all(answer.sure for answer in answers):
        return Answer(pieces.both([answer.expr for answer in answers]), sure=True)
    parts = [block.settled(answer) for answer in answers]
    refused = pieces.either([part.is_no for part in parts])
    agreed = pieces.both([part.expr for part in parts])
    return Answer(pieces.choose(refused, _NO, agreed), sure=False)


def some(block: Block, answers: Sequence[Answer]) -> Answer:
    """Return yes where one is yes, else unknown where one is, else no."""
    if all(answer.sure for answer in answers):
        return Answer(pieces.either([answer.expr for answer in answers]), sure=True)
    parts = [block.settled(answer) for answer in answers]
    found = pieces.either([part.expr for part in parts])
    doubt = pieces.either([pieces.is_none(part.expr) for part in parts if not part.sure])
    return Answer(pieces.choose(found, _YES, pieces.choose(doubt, NONE, _NO)), sure=False)


def at_least(block: Block, count: int, answers: Sequence[Answer]) -> Answer:
    """Return whether *count* are yes: settled as soon as the rest cannot matter."""
    results = pieces.many([answer.expr for answer in answers])
    enough = python.Constant(count)
    if all(answer.sure for answer in answers):
        yes = pieces.method(results, "count", _YES)
        return Answer(pieces.compare(yes, python.GtE(), enough), sure=True)
    held = block.local(results)
    yes = pieces.method(held, "count", _YES)
    no = pieces.method(held, "count", _NO)
    impossible = pieces.compare(no, python.Gt(), python.Constant(len(answers) - count))
    rest = pieces.choose(impossible, _NO, NONE)
    return Answer(pieces.choose(pieces.compare(yes, python.GtE(), enough), _YES, rest), sure=False)
