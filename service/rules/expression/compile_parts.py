"""What generated code holds of a value, and the block of statements it is computed in."""

import ast as python
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

from service.rules.expression import compile_pieces as pieces
from service.rules.expression.ast import Node
from service.rules.expression.compile_pieces import Names
from service.rules.expression.compile_shape import is_rounded
from service.rules.ranges import six_places


class View(Enum):
    """What an evaluation may assume."""

    COMPLETE = "every attribute that is read is known, so nothing is unknown and no range is wide"
    OPEN = "more answers may come"
    CLOSED = "no more answers come"


@dataclass(frozen=True, slots=True)
class Part:
    """A value in generated code.

    Attributes:
        low: An expression for it; of a range, for its low end.
        high: The same object, unless it may be a range of more than one number.
        unknown: Locals; where one of them is None the value is unknown, and the expressions
            must not be evaluated.
    """

    low: python.expr
    high: python.expr
    unknown: tuple[str, ...] = ()

    @property
    def is_point(self) -> bool:
        """Whether it is no range, whatever the facts are."""
        return self.low is self.high


@dataclass(frozen=True, slots=True)
class Answer:
    """A condition in generated code: True, False, or None where it is unknown.

    *sure* promises that it is never None.
    """

    expr: python.expr
    sure: bool

    @property
    def is_no(self) -> python.expr:
        """The test whether it is no; the answer must be in a local."""
        if self.sure:
            return pieces.negate(self.expr)
        return pieces.is_bool(self.expr, value=False)


def point(expr: python.expr, unknown: tuple[str, ...] = ()) -> Part:
    """Return *expr* as a value that is no range."""
    return Part(expr, expr, unknown)


def unknown_names(parts: Sequence[Part]) -> tuple[str, ...]:
    """Return the locals of which one is None where one of *parts* is unknown."""
    return tuple(dict.fromkeys(name for part in parts for name in part.unknown))


def guarded(unknown: Sequence[str], expr: python.expr) -> python.expr:
    """Return *expr*, or None where one of the locals *unknown* is None."""
    if not unknown:
        return expr
    if isinstance(expr, python.Name) and list(unknown) == [expr.id]:
        return expr
    return pieces.choose(is_unknown(unknown), pieces.NONE, expr)


def is_unknown(names: Sequence[str]) -> python.expr:
    """Return the test whether one of the locals *names* is None."""
    return pieces.either([pieces.is_none(python.Name(name, python.Load())) for name in names])


class Block:
    """Statements being written, and what they have computed so far."""

    def __init__(self, names: Names, view: View) -> None:
        """Begin with an empty body; *view* may change between expressions."""
        self.names = names
        self.view = view
        self.body: list[python.stmt] = []
        self.memory: dict[Hashable, Answer | Part] = {}
        self._block = self.body

    def emit(self, *statements: python.stmt) -> None:
        """Add *statements* to the block being written."""
        self._block.extend(statements)

    def local(self, expr: python.expr, letter: str = "t") -> python.expr:
        """Return *expr* as something that may be repeated: itself, or a fresh local."""
        if pieces.is_atom(expr):
            return expr
        name = self.names.fresh(letter)
        self.emit(pieces.assign(name, expr))
        return name

    def bind(self, part: Part, letter: str = "t") -> Part:
        """Return *part* in locals (None where unknown), so that it may be repeated."""
        if pieces.is_atom(part.low) and pieces.is_atom(part.high):
            return part
        low = self.local(guarded(part.unknown, part.low), letter)
        high = low
        if not part.is_point:
            high = self.local(guarded(part.unknown, part.high), letter)
        named = [end.id for end in (low, high) if isinstance(end, python.Name)]
        return Part(low, high, tuple(named[:1]) if part.unknown else ())

    def settled(self, answer: Answer) -> Answer:
        """Return *answer* in a local, so that it may be repeated."""
        return Answer(self.local(answer.expr), sure=answer.sure)

    def answer_of(self, part: Part) -> Answer:
        """Return the condition that *part* is, unknown where it is."""
        return Answer(guarded(part.unknown, part.low), sure=not part.unknown)

    def part_of(self, answer: Answer) -> Part:
        """Return *answer* as a value, for what takes conditions as operands."""
        if answer.sure:
            return point(answer.expr)
        local = self.local(answer.expr)
        return point(local, (local.id,) if isinstance(local, python.Name) else ())

    @contextmanager
    def nested(self) -> Iterator[list[python.stmt]]:
        """Write into a new block; what it computes is forgotten after it."""
        block, memory = self._block, self.memory
        self._block, self.memory = [], dict(memory)
        yield self._block
        self._block, self.memory = block, memory

    def rounded(self, part: Part, node: Node | None = None) -> Part:
        """Return *part* rounded to six places, unless *node* shows that it already is."""
        if node is not None and is_rounded(node):
            return part
        low = self._six(part.low)
        return Part(low, low if part.is_point else self._six(part.high), part.unknown)

    def _six(self, expr: python.expr) -> python.expr:
        """Return `ranges.six_places`, written out: `// 1.0` is its `floor` without a call."""
        if isinstance(expr, python.Constant) and isinstance(expr.value, float):
            return pieces.constant(six_places(expr.value))
        name = expr if isinstance(expr, python.Name) else self.names.fresh()
        first = expr if name is expr else pieces.walrus(name, expr)
        below = pieces.constant(-1e9), pieces.constant(1e9)
        inside = python.Compare(below[0], [python.Lt(), python.Lt()], [first, below[1]])
        scaled = pieces.binary(name, python.Mult(), pieces.constant(1e6))
        floored = pieces.binary(
            pieces.add(scaled, pieces.constant(0.5)), python.FloorDiv(), pieces.constant(1.0)
        )
        return pieces.choose(
            inside, pieces.binary(floored, python.Div(), pieces.constant(1e6)), name
        )
