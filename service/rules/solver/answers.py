"""What is said about the meaning of rule sets: plain values, which need no solver to be read."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

Settled = Literal["yes", "no", "not_settled", "not_available"]
"""yes with a witness, no as proved; or neither within the limit, or without the solver."""

Relation = Literal[
    "same", "stricter", "looser", "different_both_ways", "not_settled", "not_available"
]
Amount = Literal["same", "fewer", "more", "both", "not_settled"]
Way = Literal["stricter", "looser", "same_verdict"]

NOT_AVAILABLE: Final = "not available: the solver is not installed here; install `goodfit[solver]`"


@dataclass(frozen=True, slots=True)
class Witness:
    """Facts that show it, tried in the evaluator, and what each rule set decides on them."""

    facts: Mapping[str, object]
    outcomes: tuple[str, ...]
    verdicts: tuple[str, ...]
    scores: tuple[Mapping[str, float], ...]
    day: str | None = None
    """The clock's day, where the rules ask for ages."""


@dataclass(frozen=True, slots=True)
class HoldsFor:
    """The clock's days of which something is said; neither *first* nor *last*: every day."""

    first: str | None = None
    last: str | None = None
    words: str = "every day"


EVERY_DAY: Final = HoldsFor()


@dataclass(frozen=True, slots=True)
class Part:
    """What is said of one attribute in a region."""

    attribute: str
    words: str


@dataclass(frozen=True, slots=True)
class Region:
    """Where it is so: whoever all parts fit, whatever else is known of them.

    *is_all* says that it is so nowhere else; None where that did not come out.
    """

    parts: tuple[Part, ...]
    words: str
    is_all: bool | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which leads are decided otherwise: from an outcome to another."""

    before: str
    after: str
    way: Way
    witness: Witness
    region: Region | None
    words: str


@dataclass(frozen=True, slots=True)
class MeaningComparison:
    """Two rule sets by what they decide.

    Attributes:
        relation: Of the verdicts, all of them in one word.
        is_same: Whether no facts are decided otherwise: proved. None where not settled.
        by_verdict, by_outcome: Whether fewer or more leads end there.
        scores: Whether each score of both can come out otherwise.
        differences: One for each pair of outcomes, if *is_settled* all there are.
        approximate: What was asked about without knowing what it means.
        day: The clock's day; *depends_on_day* where another might say otherwise.
        holds_for: The days for which it was compared.
        words: All of it in a sentence.
    """

    relation: Relation
    is_same: bool | None
    by_verdict: Mapping[str, Amount]
    by_outcome: Mapping[str, Amount]
    scores: Mapping[str, Settled]
    differences: tuple[Difference, ...]
    is_settled: bool
    approximate: tuple[str, ...]
    day: str
    depends_on_day: bool
    words: str
    holds_for: HoldsFor = field(default_factory=HoldsFor)

    def to_json(self) -> dict[str, Any]:
        """Return all members."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question about one rule set.

    *about* are the ids or names it is asked of; *number* an answer that is one.
    """

    question: str
    about: tuple[str, ...]
    answer: Settled
    words: str
    witness: Witness | None = None
    number: float | None = None
    is_approximate: bool = False
    holds_for: HoldsFor = field(default_factory=HoldsFor)

    def to_json(self) -> dict[str, Any]:
        """Return all members."""
        return asdict(self)
