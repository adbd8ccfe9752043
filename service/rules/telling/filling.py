"""Text with slots as a function of its own: what is filled often is worth compiling."""

import ast as python
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from service.rules.expression.compile_pieces import build_lambda

Filler = Callable[[Mapping[int, str]], str]

_VALUES: Final = "values"
LONGEST: Final = 200
"""The most slots: Python's compiler puts all pieces of a text on one stack."""


def filler(texts: Sequence[str], slots: Sequence[int]) -> Filler:
    """Return the function that puts the values of *slots* between *texts*, one more than these."""
    name = python.Name(_VALUES, python.Load())
    pieces: list[python.expr] = [python.Constant(texts[0])]
    for slot, text in zip(slots, texts[1:], strict=True):
        value = python.Subscript(name, python.Constant(slot), python.Load())
        pieces += (python.FormattedValue(value, -1), python.Constant(text))
    filled: Filler = build_lambda(_VALUES, python.JoinedStr(pieces))
    return filled
