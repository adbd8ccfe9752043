"""What was decided, as plain values: everything but the words for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from service.rules.attributes import DataProblem, Facts
from service.rules.model import Model, Verdict
from service.rules.trace import ScoreRange, Trace

MEANING = 1
"""Raised by any change of ours that can alter a result; stored with every decision."""


@dataclass(frozen=True, slots=True)
class MissingAttribute:
    """A missing attribute that can still change the answer.

    Attributes:
        attribute: Its name; *label* and *ask* are the author's words for it.
        changes: The verdict, or only the outcome.
        swing: By score, how far its answer can move the score's low or high.
        could_lead_to: The verdicts that some answer would settle alone.
    """

    attribute: str
    label: str
    ask: str | None
    changes: Literal["verdict", "outcome"]
    swing: Mapping[str, float]
    could_lead_to: tuple[Verdict, ...]

    def to_json(self) -> dict[str, object]:
        """Return all members in reading order."""
        return {
            "attribute": self.attribute,
            "label": self.label,
            "ask": self.ask,
            "changes": self.changes,
            "swing": dict(self.swing),
            "could_lead_to": list(self.could_lead_to),
        }


@dataclass(frozen=True, slots=True)
class Next:
    """What to do next, as the outcome's author wrote it; while undecided: ask."""

    action: str | None
    url: str | None
    message: str | None
    assign: str | None

    def to_json(self) -> dict[str, object]:
        """Return all members in reading order."""
        return {
            "action": self.action,
            "url": self.url,
            "message": self.message,
            "assign": self.assign,
        }


class Decided(msgspec.Struct, frozen=True):
    """One evaluation of a rule set on one subject's facts at one instant.

    Attributes:
        verdict: The machine contract; `undecided` always comes with a question in *missing*.
        outcome: The possible outcome where there is one, else what would follow if nothing
            more were answered (then *outcome_certain* is false).
        certain: Whether no answer to an open question can change the verdict.
        exact: Whether *possible_outcomes* and *missing* were narrowed by the exact pass.
        grades: By grade, the bands its score can still be in, best first.
        suspended: Rules, gates and `outcome:` ids that counted as no, whatever they said.
        tabled: Results of `registrable_domain` by its input, from the shipped table; to be
            stored with the facts and handed back at replay.
    """

    verdict: Verdict
    outcome: str
    certain: bool
    outcome_certain: bool
    possible_outcomes: tuple[str, ...]
    exact: bool
    scores: Mapping[str, ScoreRange]
    grades: Mapping[str, tuple[str, ...]]
    missing: tuple[MissingAttribute, ...]
    next: Next
    facts: Facts
    trace: Trace
    at: datetime
    final: bool
    suspended: tuple[str, ...]
    tabled: Mapping[str, str]
    model: Model
    meaning: int = MEANING

    @property
    def data_problems(self) -> tuple[DataProblem, ...]:
        """What of the raw facts could not be read."""
        return self.facts.problems
