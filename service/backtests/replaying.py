"""Decide the past again under a draft, and name the edit behind every change: pure.

A decision flips where its verdict or outcome comes out otherwise than it was stored. An
edit is named as its cause if undoing that edit alone gives back what was stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final, Literal
from uuid import UUID

from service.backtests.mattering import facts_that_matter
from service.backtests.metering import Values, facts_under, was_measured
from service.backtests.undoing import Undoing
from service.rules import Decision, Facts, RuleSet

__all__ = ["MOST_EDITS", "Case", "Cause", "CauseKind", "Erased", "Flip", "Replayed", "Unseen"]
__all__ += ["decide_case", "replay"]

MOST_EDITS: Final = 64
"""With more edits than this no cause is looked for: each flip would take that many decisions."""

CauseKind = Literal["alone", "together", "earlier", "too_many"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One stored decision: what it stood on and how it came out.

    *asked* holds the attributes that its version declared: nothing else could be stored.
    *facts* is None once they were erased; *measured* holds metrics by definition. An account
    as it is known now stands under its own id, with *account_id*.
    """

    decision_id: UUID
    decided_at: datetime
    version: int
    asked: frozenset[str]
    facts: Mapping[str, object] | None
    tabled: Mapping[str, str]
    final: bool
    suspended: tuple[str, ...]
    verdict: str
    outcome: str
    scores: Mapping[str, float]
    account_id: UUID | None = None
    measured: Values = field(default_factory=dict)

    def has_asked(self, rules: RuleSet, name: str) -> bool:
        """Return whether *name*, as *rules* declare it, could have been known here."""
        was_measured_so = was_measured(rules, name, self.measured)
        return name in self.asked if was_measured_so is None else was_measured_so


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a decision flips; *edits* are places in `Undoing.edits`.

    `alone`: undoing any one of the edits removes the flip. `together`: only undoing all of
    them does, and none of them can be spared. `earlier`: the base already decides otherwise
    than the version that was live then. `too_many`: not looked for.
    """

    kind: CauseKind
    edits: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Flip:
    """A decision that comes out otherwise, why, and the names of the facts it turned on."""

    cause: Cause
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Replayed:
    """A stored decision made again under the draft; *flip* is None where nothing moved."""

    case: Case
    decision: Decision
    flip: Flip | None


@dataclass(frozen=True, slots=True)
class Unseen:
    """A decision that turns on attributes which were not asked for when it was made."""

    case: Case
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Erased:
    """A decision whose facts are gone."""

    case: Case


def replay(case: Case, undoing: Undoing) -> Replayed | Unseen | Erased:
    """Return what the draft of *undoing* makes of *case*; the same arguments give the same.

    An attribute that was never asked for stops the replay only where its answer could
    still change the outcome.
    """
    if case.facts is None:
        return Erased(case)
    decision = decide_case(case, undoing.draft)
    missing = [each.attribute for each in decision.missing]
    unseen = [name for name in missing if not case.has_asked(undoing.draft, name)]
    if unseen:
        return Unseen(case, tuple(sorted(unseen)))
    if _is_stored(case, decision):
        return Replayed(case, decision, None)
    base = decide_case(case, undoing.base)
    cause = _cause(case, base, undoing)
    return Replayed(case, decision, Flip(cause, facts_that_matter(base, decision)))


def _cause(case: Case, base: Decision, undoing: Undoing) -> Cause:
    if not _is_stored(case, base):
        return Cause("earlier")
    count = len(undoing.edits)
    if count > MOST_EDITS:
        return Cause("too_many")
    removes = partial(_removes, case=case, undoing=undoing)
    alone = tuple(place for place in range(count) if removes(frozenset({place})))
    if alone:
        return Cause("alone", alone)
    needed = frozenset(range(count))
    for place in range(count):
        if removes(needed - {place}):
            needed -= {place}
    return Cause("together", tuple(sorted(needed)))


def _removes(undone: frozenset[int], *, case: Case, undoing: Undoing) -> bool:
    """Return whether the flip is gone with these edits undone."""
    rules = undoing.without(undone)
    return rules is not None and _comes_out_as_stored(case, rules)


def _comes_out_as_stored(case: Case, rules: RuleSet) -> bool:
    facts = _facts_of(case, rules)
    tell = rules.briefly(at=case.decided_at, suspended=case.suspended, tabled=case.tabled)
    brief = tell(facts)
    if brief is None:
        return _is_stored(case, decide_case(case, rules, facts))
    outcome = rules.model.outcomes[brief.outcome]
    return (outcome.verdict, outcome.id) == (case.verdict, case.outcome)


def decide_case(case: Case, rules: RuleSet, facts: Facts | None = None) -> Decision:
    """Return what *rules* make of *case*, on *facts* where they were admitted already."""
    return rules.decide(
        facts or _facts_of(case, rules),
        at=case.decided_at,
        final=case.final,
        suspended=case.suspended,
        tabled=case.tabled,
    )


def _facts_of(case: Case, rules: RuleSet) -> Facts:
    if case.facts is None:
        raise AssertionError("a decision without facts is never made again")
    return rules.admit(facts_under(rules, case.facts, case.measured))


def _is_stored(case: Case, decision: Decision) -> bool:
    return (decision.verdict, decision.outcome) == (case.verdict, case.outcome)
