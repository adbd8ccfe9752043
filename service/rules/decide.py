"""A rule set's model, facts and a clock make a decision; nothing else enters."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Literal

from service.rules.attributes import Fact, Facts
from service.rules.classes import ClassPlan
from service.rules.decided import MissingAttribute, Next
from service.rules.decision import Decision
from service.rules.exact import ExactResult, exact_pass
from service.rules.expression import text
from service.rules.meaning import Meaning
from service.rules.model import Model, Outcome, Verdict
from service.rules.questions import (
    missing_attributes,
    possible_outcomes,
    undecided_reads,
    verdicts_of,
)
from service.rules.ranges import Range
from service.rules.reads import Reads
from service.rules.scores import bands
from service.rules.trace import Outline, Trace
from service.rules.truth import YES

Change = Literal["verdict", "outcome"]


@dataclass(slots=True)
class _Table:
    """`registrable_domain` with a memory: what a replay hands in, and what was looked up."""

    given: Mapping[str, str]
    used: dict[str, str] = field(default_factory=dict)

    def __call__(self, value: str) -> str:
        found = self.given.get(value)
        self.used[value] = found if found is not None else text.registrable_domain(value)
        return self.used[value]


def decide(
    meaning: Meaning,
    facts: Facts,
    *,
    at: datetime,
    plan: ClassPlan,
    reads: Reads,
    final: bool = False,
    suspended: Collection[str] = (),
    tabled: Mapping[str, str] | None = None,
    with_missing: bool = True,
) -> Decision:
    """Return the decision on *facts* at the instant *at*: pure, and total on admitted facts.

    Args:
        meaning: The rule set and the form in which it is evaluated.
        facts: What the door admitted.
        at: The one clock of the decision, with a time zone.
        plan: The kinds of answers each attribute can have.
        reads: What each part of the rule set reads.
        final: No more answers will come; unknown conditions count as no.
        suspended: Ids of rules and gates that count as no.
        tabled: What shipped tables said when this decision was first made.
        with_missing: Say what is missing; else a final decision is the same without it.

    Raises:
        ValueError: If *at* has no time zone.
    """
    if at.tzinfo is None:
        msg = "a decision's instant needs a time zone; use UTC"
        raise ValueError(msg)
    today = at.astimezone(UTC).date()
    table = _Table(tabled or {})
    trace = meaning.judge(facts.values, today=today, suspended=suspended, registrable=table)
    judged = _Case(meaning, facts, trace, today, frozenset(suspended), plan, reads, table)
    return judged.decide(at=at, final=final, with_missing=with_missing or not final)


@dataclass(slots=True)
class _Case:
    """One decision being made: what is known of it, step by step."""

    meaning: Meaning
    facts: Facts
    trace: Trace
    today: date
    suspended: frozenset[str]
    plan: ClassPlan
    reads: Reads
    table: _Table
    _outline: Outline | None = None

    @property
    def model(self) -> Model:
        return self.meaning.model

    def evaluate(self, values: Mapping[str, Fact]) -> Outline:
        """Evaluate further facts, still open; looks up tables without remembering it."""
        return self.meaning.outline(
            values,
            today=self.today,
            suspended=self.suspended,
            registrable=lambda value: self.table.given.get(value) or text.registrable_domain(value),
        )

    @property
    def outline(self) -> Outline:
        """The open evaluation of the facts themselves, made when first needed."""
        if self._outline is None:
            self._outline = self.evaluate(self.facts.values)
        return self._outline

    def decide(self, *, at: datetime, final: bool, with_missing: bool) -> Decision:
        model = self.model
        possible = possible_outcomes(model, self.trace.open)
        closing = self._closing()
        changes = self._changes(possible) if with_missing else {}
        is_open = not final and model.missing == "ask" and self._asks(changes)
        exact = self._exact() if is_open and _unsettled(model, possible) else None
        if exact is not None:
            possible, changes = exact.outcomes, exact.changes
            is_open = self._asks(changes)
        is_certain = not _unsettled(model, possible)
        outcome = closing if closing in possible else possible[0]
        is_undecided = is_open and not is_certain
        verdict: Verdict = "undecided" if is_undecided else model.outcomes[outcome].verdict
        missing = self._missing(changes)
        return Decision(
            verdict=verdict,
            outcome=model.outcomes[outcome].id,
            certain=is_certain,
            outcome_certain=len(possible) == 1,
            possible_outcomes=tuple(model.outcomes[place].id for place in possible),
            exact=exact is not None,
            scores={s.name: r for s, r in zip(model.scores, self.trace.scores, strict=True)},
            grades=self._grades(),
            missing=missing,
            next=_asking(missing) if is_undecided else _following(model.outcomes[outcome]),
            facts=self.facts,
            trace=self.trace,
            at=at,
            final=final,
            suspended=tuple(sorted(self.suspended)),
            tabled=self.table.used,
            model=model,
        )

    def _closing(self) -> int:
        """Return the place of the outcome if nothing more is answered."""
        for gate, result in zip(self.model.gates, self.trace.closed.gates, strict=True):
            if result is YES:
                return gate.outcome
        return self.trace.closed.outcomes.index(YES)

    def _changes(self, possible: tuple[int, ...]) -> Mapping[str, Change]:
        if len(possible) == 1:
            return {}
        change: Change = "verdict" if _unsettled(self.model, possible) else "outcome"
        return dict.fromkeys(undecided_reads(self.reads, self.outline, self.facts.values), change)

    def _asks(self, changes: Mapping[str, Change]) -> bool:
        return any(self.model.attributes[name].ask is not None for name in changes)

    def _exact(self) -> ExactResult | None:
        return exact_pass(
            self.reads,
            self.facts.values,
            outline=self.outline,
            classes=self.plan.classes(self.today),
            evaluate=self.evaluate,
        )

    def _missing(self, changes: Mapping[str, Change]) -> tuple[MissingAttribute, ...]:
        if not changes:
            return ()
        return missing_attributes(
            self.model,
            self.facts.values,
            changes=changes,
            classes=self.plan.classes(self.today),
            evaluate=self.evaluate,
        )

    def _grades(self) -> dict[str, tuple[str, ...]]:
        spans = {s.name: r for s, r in zip(self.model.scores, self.trace.scores, strict=True)}
        found: dict[str, tuple[str, ...]] = {}
        for grade in self.model.grades:
            span = spans[grade.of]
            touched = bands(grade.bands, Range(span.low, span.high))
            found[grade.name] = tuple(name for name, _ in grade.bands if name in touched)
        return found


def _unsettled(model: Model, possible: tuple[int, ...]) -> bool:
    return len(verdicts_of(model, possible)) > 1


def _following(outcome: Outcome) -> Next:
    return Next(outcome.action, outcome.url, outcome.message, outcome.assign)


def _asking(missing: tuple[MissingAttribute, ...]) -> Next:
    question = next((attribute.ask for attribute in missing if attribute.ask is not None), None)
    return Next("ask", None, question, None)
