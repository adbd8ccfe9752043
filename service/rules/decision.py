"""The decision: one evaluation's answer, with what explains it."""

from typing import Literal

from service.rules import explain as reference
from service.rules.decided import Decided
from service.rules.reasons import Reason
from service.rules.telling import Text, tell


class Decision(Decided, frozen=True):
    """One evaluation of a rule set, and the words for it, made when they are asked for."""

    @property
    def summary(self) -> str:
        """The decision in two or three sentences, with the subject's own values."""
        return reference.summary(self)

    def reasons(self, *, full: bool = False) -> tuple[Reason, ...]:
        """Return what decided, then what moved a score; with *full*, the other rules too."""
        return reference.reasons(self, full=full)

    def moves(self, score: str) -> tuple[Reason, ...]:
        """Return what moved *score*, in the order in which it counts; it adds up to its value."""
        return reference.moves(self, score)

    def told(self, *, explain: Literal["short", "full"] = "short") -> Text:
        """Return the same as `to_json`, as JSON text, in a fraction of the time."""
        return tell(self, full=explain == "full")

    def to_json(self, *, explain: Literal["short", "full"] = "short") -> dict[str, object]:
        """Return the decision as JSON members, without those the service adds."""
        reasons, summary = reference.explained(self, full=explain == "full")
        return {
            "verdict": self.verdict,
            "outcome": self.outcome,
            "certain": self.certain,
            "outcome_certain": self.outcome_certain,
            "possible_outcomes": list(self.possible_outcomes),
            "exact": self.exact,
            "scores": {
                name: {"value": score.value, "low": score.low, "high": score.high}
                for name, score in self.scores.items()
            },
            "grades": {name: list(bands) for name, bands in self.grades.items()},
            "reasons": [reason.to_json() for reason in reasons],
            "missing": [attribute.to_json() for attribute in self.missing],
            "next": self.next.to_json(),
            "data_problems": [problem.to_json() for problem in self.data_problems],
            "summary": summary,
        }
