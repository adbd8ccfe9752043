"""What an expression is in SQL: a truth that may be NULL, or a number with one end or two."""

from dataclasses import dataclass, field
from typing import Final

from service.rules.expression import sql_pieces as pieces
from service.rules.expression.sql_pieces import Sql


@dataclass(frozen=True, slots=True)
class Answer:
    """A condition: TRUE, FALSE, or NULL for unknown; *sure* where it is never NULL."""

    piece: Sql
    sure: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A number, or the places of a grade's best and worst band: from *low* to *high*.

    A part that cannot be a range has the same piece at both ends. Unknown is NULL at both.
    """

    low: Sql
    high: Sql

    @property
    def is_point(self) -> bool:
        """Whether both ends are always the same."""
        return self.low is self.high


def point(piece: Sql) -> Part:
    """Return the part with only *piece* in it."""
    return Part(piece, piece)


ZERO: Final = point(pieces.number(0.0))
TRUE: Final = Answer(pieces.boolean(value=True), sure=True)
FALSE: Final = Answer(pieces.boolean(value=False), sure=True)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What cannot mean the same in a dialect, and what to do about it.

    Attributes:
        construct: The operator or part of the rule set.
        where: The rule, gate, score or outcome it stands in; empty where it is everywhere.
    """

    construct: str
    where: str
    why: str
    instead: str

    def __str__(self) -> str:
        """Return the refusal as one line."""
        place = f" in `{self.where}`" if self.where else ""
        return f"`{self.construct}`{place}: {self.why}; {self.instead}"

    def to_json(self) -> dict[str, str]:
        """Return all members."""
        return {
            "construct": self.construct,
            "where": self.where,
            "why": self.why,
            "instead": self.instead,
        }


@dataclass(slots=True)
class Refusals:
    """The refusals met so far, and where we are."""

    where: str = ""
    found: list[Refusal] = field(default_factory=list)

    def refuse(self, construct: str, why: str, instead: str) -> None:
        """Note a refusal once."""
        refusal = Refusal(construct, self.where, why, instead)
        if refusal not in self.found:
            self.found.append(refusal)
