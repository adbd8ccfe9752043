"""What a rescoring is asked to do: by which version, as of when, and how much at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.decisions import Suspension, Under, decide_under
from service.rules import Decision, RuleSet

__all__ = ["Pace", "Rescoring", "TakenAway", "Tell"]

Tell = Callable[[int, int | None], None]
"""Told how many accounts were looked at, and of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much is done at once.

    *accounts* are read and decided together; of those, *slice* at most are written in one
    transaction, so that nobody who changes one of them waits for long.
    """

    accounts: int = 20_000
    slice: int = 2_500
    lease: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescoring:
    """What is to be rescored: a version, ready to decide, and the one clock.

    *suspensions* are those that stand at that instant.
    """

    rule_set: str
    version: int
    rules: RuleSet
    at: datetime
    suspensions: tuple[Suspension, ...] = ()

    def decide(self, facts: Mapping[str, object]) -> tuple[Decision, Under]:
        """Return the evaluator's decision on one account's stored facts."""
        return decide_under(
            self.rules, facts, self.suspensions, at=self.at, final=True, with_missing=False
        )


class TakenAway(Exception):
    """The rescoring was cancelled, or another process has it now."""
