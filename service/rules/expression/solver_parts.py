"""What the solver's terms are made of: conditions of two truths, and what is only guessed."""

from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

import z3

from service.rules.expression.ast import Apply, Node
from service.rules.ranges import Range
from service.rules.solver.numbers import Number
from service.rules.truth import Truth

TRUE: Final = z3.BoolVal(True)  # noqa: FBT003 - z3's own constants
FALSE: Final = z3.BoolVal(False)  # noqa: FBT003


@dataclass(frozen=True, slots=True)
class Three:
    """A condition: whether it is yes, and whether it is no."""

    yes: z3.BoolRef
    no: z3.BoolRef


@dataclass
class Guesses:
    """What of the terms is only near the truth, shared by all that is asked together.

    Attributes:
        laws: What holds whatever is guessed.
        wishes: What would make every guess right; a find that grants them is more likely one.
        opaque: The checks of which nothing is known, as they are written.
        kept: Terms that are known by their number, which lasts as long as they do.
    """

    laws: list[z3.BoolRef] = field(default_factory=list)
    wishes: list[z3.BoolRef] = field(default_factory=list)
    opaque: dict[str, None] = field(default_factory=dict)
    kept: list[object] = field(default_factory=list)
    numbered: dict[object, int] = field(default_factory=dict)
    made: dict[object, Any] = field(default_factory=dict)
    told: dict[object, list[Truth | None]] = field(default_factory=dict)

    def number_of(self, key: object) -> int:
        """Return a short name for *key*."""
        return self.numbered.setdefault(key, len(self.numbered))

    def name_of(self, term: z3.BoolRef) -> int:
        """Return a name for *term* that no other one gets."""
        self.kept.append(term)
        return int(term.get_id())


class Maker(Protocol):
    """What the halves of rows need of whoever makes terms."""

    @property
    def guesses(self) -> Guesses:
        """What is only near the truth."""

    def key(self, node: Node) -> object:
        """Return what is equal for trees that mean the same in the same words."""

    def subject(self, node: Node) -> tuple[str, ...]:
        """Return the variables that *node* reads."""

    def of_two(self, node: Apply, sides: list[Number], span: Range, wish: "Wish") -> Number:
        """Return a number bounded by *span*, of which *wish* says what makes it right."""


class Wish(Protocol):
    """Says of a term what makes it right."""

    def __call__(self, value: z3.ArithRef) -> z3.BoolRef:
        """Return it."""


def written(node: Node) -> str:
    """Return how *node* is told apart for people: by its operator."""
    return node.operator if isinstance(node, Apply) else type(node).__name__.lower()


def sure(number: Number) -> Number:
    """Return *number* as one that is known."""
    return replace(number, known=TRUE)


def real(term: z3.ArithRef) -> z3.ArithRef:
    """Return *term* as a real number."""
    return z3.ToReal(term) if term.is_int() else term
