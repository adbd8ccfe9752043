"""What may still follow and what to ask, where more than one outcome is possible.

Finding out evaluates the answers to every open question, and that depends on the subject
only by its state: which attributes are missing, what every single check came to, and the
values that still meet something unknown. Subjects in the same state share what was found.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Final, Literal, NamedTuple

import msgspec

from service.rules.attributes import Fact
from service.rules.classes import ClassPlan
from service.rules.decided import MissingAttribute, Next
from service.rules.exact import ExactResult, exact_pass
from service.rules.model import Model, Verdict
from service.rules.questions import Evaluate, missing_attributes, undecided_reads, verdicts_of
from service.rules.reads import Reads
from service.rules.trace import Outline
from service.rules.truth import UNKNOWN

_STATES_KEPT: Final = 512

Change = Literal["verdict", "outcome"]


class Prospect(msgspec.Struct, frozen=True):
    """What may still follow.

    Attributes:
        possible: The places of the outcomes that are, in document order.
        is_exact: Whether these and *missing* were narrowed by the exact pass.
        asks: Whether to ask before deciding.
        missing: What is not known and can change the answer, the best to ask first.
    """

    possible: tuple[int, ...]
    is_exact: bool = False
    asks: bool = False
    missing: tuple[MissingAttribute, ...] = ()


class End(NamedTuple):
    """What a decision says that can come to nothing else."""

    verdict: Verdict
    outcome: str
    possible: tuple[str]
    step: Next


@dataclass(frozen=True, eq=False)
class Prospects:
    """Finds what may still follow for the subjects of one rule set.

    Not slotted: it keeps what it found, which a subject's state alone decides. Safe to share
    between threads. No personal value is kept.
    """

    plan: ClassPlan
    reads: Reads
    _kept: dict[object, Prospect] = field(default_factory=dict, repr=False)

    @property
    def model(self) -> Model:
        """The rule set."""
        return self.reads.model

    @cached_property
    def alone(self) -> tuple[Prospect, ...]:
        """By the place of an outcome: what may follow where that one is settled."""
        return tuple(Prospect((place,)) for place in range(len(self.model.outcomes)))

    @cached_property
    def ends(self) -> tuple["End", ...]:
        """By the place of an outcome: what a decision says that can come to nothing else."""
        steps = self.steps
        return tuple(
            End(outcome.verdict, outcome.id, (outcome.id,), steps[place])
            for place, outcome in enumerate(self.model.outcomes)
        )

    @cached_property
    def steps(self) -> tuple[Next, ...]:
        """What to do next, by the place of the outcome."""
        return tuple(Next(o.action, o.url, o.message, o.assign) for o in self.model.outcomes)

    @cached_property
    def score_names(self) -> tuple[str, ...]:
        """In document order."""
        return tuple(score.name for score in self.model.scores)

    def find(
        self,
        values: Mapping[str, Fact],
        possible: tuple[int, ...],
        *,
        today: date,
        suspended: frozenset[str],
        final: bool,
        evaluate: Evaluate,
        is_pure: bool,
    ) -> Prospect:
        """Return what may follow of the *possible* outcomes, of which there are several.

        Args:
            values: What is known.
            possible: As ranges alone give them.
            today: The decision clock's UTC day.
            suspended: Ids of rules and gates, and `outcome:` ids, that count as no.
            final: No more answers will come.
            evaluate: Evaluates further facts, still open.
            is_pure: Whether *evaluate* gives everybody the same; what a replay hands in may not.
        """
        outline = evaluate(values)
        state = self._state(values, outline) if is_pure else None
        if state is None:
            return self._look(values, possible, outline, today, final=final, evaluate=evaluate)
        key = (state, today, suspended, final)
        found = self._kept.get(key)
        if found is None:
            found = self._look(values, possible, outline, today, final=final, evaluate=evaluate)
            if len(self._kept) >= _STATES_KEPT:
                self._kept.clear()
            self._kept[key] = found
        return found

    def _state(self, values: Mapping[str, Fact], outline: Outline) -> object:
        """Return what decides the future of a subject, or None where that is personal."""
        attributes = self.model.attributes
        mixed = set(self.reads.in_formulas)
        for result, names in zip(outline.checks, self.reads.checks, strict=True):
            if result is UNKNOWN:
                mixed |= names
        met = tuple((name, values[name]) for name in attributes if name in mixed and name in values)
        if any(attributes[name].pii for name, _ in met):
            return None
        return frozenset(values), outline.checks, met

    def _look(
        self,
        values: Mapping[str, Fact],
        possible: tuple[int, ...],
        outline: Outline,
        today: date,
        *,
        final: bool,
        evaluate: Evaluate,
    ) -> Prospect:
        changes = self._changes(values, possible, outline)
        asks = not final and self.model.missing == "ask" and self._asks(changes)
        classes = self.plan.classes(today)
        exact: ExactResult | None = None
        if asks and is_unsettled(self.model, possible):
            exact = exact_pass(
                self.reads, values, outline=outline, classes=classes, evaluate=evaluate
            )
        if exact is not None:
            possible, changes = exact.outcomes, exact.changes
            asks = self._asks(changes)
        missing: tuple[MissingAttribute, ...] = ()
        if changes:
            missing = missing_attributes(
                self.model, values, changes=changes, classes=classes, evaluate=evaluate
            )
        return Prospect(possible, exact is not None, asks, missing)

    def _changes(
        self, values: Mapping[str, Fact], possible: tuple[int, ...], outline: Outline
    ) -> Mapping[str, Change]:
        change: Change = "verdict" if is_unsettled(self.model, possible) else "outcome"
        return dict.fromkeys(undecided_reads(self.reads, outline, values), change)

    def _asks(self, changes: Mapping[str, Change]) -> bool:
        return any(self.model.attributes[name].ask is not None for name in changes)


def is_unsettled(model: Model, possible: tuple[int, ...]) -> bool:
    """Return whether the *possible* outcomes carry more than one verdict."""
    return len(verdicts_of(model, possible)) > 1
