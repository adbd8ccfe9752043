"""The typed syntax tree of an expression: closed, frozen, without behaviour.

Every meaning (evaluation, compiled code, words, and later SQL and the solver) is a module
of its own that matches on these nodes; a new node lights each of them up in mypy. Operators
and functions are not nodes but rows of the treaty (`functions.py`), applied by `Apply`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Literal as OneOf


class Kind(Enum):
    """What sort of value a node has."""

    NUMBER = "number"
    TEXT = "text"
    CHOICE = "choice"
    TRUTH = "truth"
    DATE = "date"
    LIST = "list"
    NUMBERS = "numbers"
    GRADE = "grade"


@dataclass(frozen=True, slots=True)
class Type:
    """A kind, and for a choice or a grade its members.

    Members of a grade stand best first, those of a choice as declared; *other* lets a choice
    hold values outside them. A folded text is compared case-folded.
    """

    kind: Kind
    members: tuple[str, ...] = ()
    ordered: bool = False
    other: bool = False
    fold: bool = False


NUMBER = Type(Kind.NUMBER)
TEXT = Type(Kind.TEXT)
FOLDED_TEXT = Type(Kind.TEXT, fold=True)
TRUTH = Type(Kind.TRUTH)
DATE = Type(Kind.DATE)
LIST = Type(Kind.LIST)
NUMBERS = Type(Kind.NUMBERS)


@dataclass(frozen=True, slots=True)
class Span:
    """Where a node stands in its expression: offsets in characters, *end* excluded."""

    start: int
    end: int


ConstantValue = float | str | bool | date | tuple[float, ...] | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Constant:
    """A value written in the rule: number, text, truth, day, or list of numbers or texts.

    *name* is `lists.x` where it came from there, so that words can use it.
    """

    value: ConstantValue
    type: Type
    span: Span
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Attribute:
    """A fact of the subject."""

    name: str
    type: Type
    span: Span


@dataclass(frozen=True, slots=True)
class Derived:
    """A named expression of the rule set, computed once per decision; numbers are rounded."""

    name: str
    type: Type
    span: Span


@dataclass(frozen=True, slots=True)
class Score:
    """A finished score: a range while facts are missing."""

    name: str
    type: Type
    span: Span


@dataclass(frozen=True, slots=True)
class Grade:
    """The bands a score's range touches."""

    name: str
    type: Type
    span: Span


@dataclass(frozen=True, slots=True)
class Variable:
    """The text that `exists` or `all` looks at in turn."""

    name: str
    type: Type
    span: Span


@dataclass(frozen=True, slots=True)
class Not:
    """`!c`."""

    part: "Node"
    span: Span
    type: Type = TRUTH


@dataclass(frozen=True, slots=True)
class Logic:
    """`a && b && ...` or `a || b || ...`; two parts or more, never nested in itself."""

    operator: OneOf["and", "or"]
    parts: tuple["Node", ...]
    span: Span
    type: Type = TRUTH


@dataclass(frozen=True, slots=True)
class AtLeast:
    """`at_least(n, a, b, ...)`, n from 1 to the number of parts."""

    count: int
    parts: tuple["Node", ...]
    span: Span
    type: Type = TRUTH


@dataclass(frozen=True, slots=True)
class Has:
    """`has(attribute)`."""

    attribute: str
    span: Span
    type: Type = TRUTH


@dataclass(frozen=True, slots=True)
class Choose:
    """`test ? then : otherwise`; *test* is a whole condition."""

    test: "Node"
    then: "Node"
    otherwise: "Node"
    type: Type
    span: Span


@dataclass(frozen=True, slots=True)
class Quantified:
    """`list.exists(t, c)` or `list.all(t, c)`."""

    quantifier: OneOf["exists", "all"]
    items: "Node"
    variable: str
    condition: "Node"
    span: Span
    type: Type = TRUTH


@dataclass(frozen=True, slots=True)
class Apply:
    """A row of the treaty applied to its arguments.

    *least* is set for `ratio` only: the smallest magnitude its denominator can have when
    it is not 0, as `check` proved it.
    """

    operator: str
    arguments: tuple["Node", ...]
    type: Type
    span: Span
    least: float | None = None


Node = (
    Constant | Attribute | Derived | Score | Grade | Variable
    | Not | Logic | AtLeast | Has | Choose | Quantified | Apply
)  # fmt: skip


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below *node*, in reading order."""
    match node:
        case Not(part=part):
            return (part,)
        case Logic(parts=parts) | AtLeast(parts=parts) | Apply(arguments=parts):
            return parts
        case Choose(test=test, then=then, otherwise=otherwise):
            return (test, then, otherwise)
        case Quantified(items=items, condition=condition):
            return (items, condition)
        case Constant() | Attribute() | Derived() | Score() | Grade() | Variable() | Has():
            return ()


def walk(node: Node) -> Iterator[Node]:
    """Yield *node* and everything below it, parents first, in reading order."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(children(current)))
