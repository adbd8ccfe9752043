"""A piece of the past judged, and what is to be kept of it: pure, but for the time it takes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from service.backtests.metering import Values, facts_under, known_by
from service.backtests.past_store import Stood
from service.backtests.replaying import Case, Replayed, replay
from service.backtests.tallying import Tally, widths_of
from service.backtests.undoing import Undoing
from service.rules import RuleSet, load_rule_set

__all__ = ["Bench", "Chunk", "account_case_of", "case_of", "flip_row", "judge_chunk", "revenue_of"]

Facts = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What every decision of one backtest is held against."""

    undoing: Undoing
    widths: Mapping[str, float]

    @classmethod
    def of(cls, document: bytes, base: RuleSet) -> "Bench":
        """Return the bench for the canonical form of a draft, compared with *base*."""
        draft = load_rule_set(document)
        return cls(undoing=Undoing(base, draft), widths=widths_of(base, draft))

    @property
    def edits_shown(self) -> list[dict[str, object]]:
        """The edits as they are kept: what changed, and from what to what."""
        return [
            {
                "kind": edit.kind,
                "part": edit.part,
                "id": edit.id,
                "fields": [
                    {"field": field.field, "before": field.before, "after": field.after}
                    for field in edit.fields
                ],
            }
            for edit in self.undoing.edits
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """How many decisions were judged, the last one's place, and the flips among them."""

    judged: int
    position: tuple[datetime, UUID]
    flips: tuple[Mapping[str, object], ...]


def case_of(decision_id: UUID, stood: Stood, facts: Facts, *, version: RuleSet) -> Case:
    """Return a stored decision as a case; *version* is the one that made it."""
    return Case(
        decision_id=decision_id,
        decided_at=stood.decided_at,
        version=stood.version,
        asked=frozenset(version.attributes),
        facts=None if stood.is_erased else facts,
        tabled=stood.tabled or {},
        final=stood.is_final,
        suspended=stood.suspended or (),
        verdict=stood.verdict,
        outcome=stood.outcome,
        scores={name: score.value for name, score in stood.scores.items()},
        measured=known_by(version, facts),
    )


def account_case_of(
    account_id: UUID,
    facts: Facts | None,
    *,
    backtest: Row[Any],
    bench: Bench,
    measured: Values,
) -> Case:
    """Return an account's current facts as a case, decided by the base as of *backtest*'s asking.

    *facts* are None once they were erased; *measured* holds the metrics of base and draft at
    that instant. What an account does not carry is not known, whoever asks for it: nothing is
    unseen.
    """
    base, draft = bench.undoing.base, bench.undoing.draft
    decision = base.decide(
        {} if facts is None else facts_under(base, facts, measured), at=backtest.created_at
    )
    return Case(
        decision_id=account_id,
        decided_at=backtest.created_at,
        version=backtest.base_version,
        asked=frozenset({*base.attributes, *draft.attributes}),
        facts=facts,
        tabled=dict(decision.tabled),
        final=False,
        suspended=(),
        verdict=decision.verdict,
        outcome=decision.outcome,
        scores={name: score.value for name, score in decision.scores.items()},
        account_id=account_id,
        measured=measured,
    )


def judge_chunk(
    cases: Sequence[Case],
    bench: Bench,
    tally: Tally,
    *,
    within_s: float,
    timer: Callable[[], float],
) -> Chunk:
    """Judge *cases* in order and count them in *tally*, until all are done or time is up.

    At least one is judged. Where it stops changes nothing about what is found.
    """
    began_s = timer()
    flips: list[Mapping[str, object]] = []
    judged = 0
    for case in cases:
        found = replay(case, bench.undoing)
        tally.add(found)
        judged += 1
        if isinstance(found, Replayed) and found.flip is not None:
            flips.append(flip_row(found))
        if timer() - began_s >= within_s:
            break
    last = cases[judged - 1]
    position = (last.decided_at, last.decision_id)
    return Chunk(judged=judged, position=position, flips=tuple(flips))


def revenue_of(movements: Sequence[Row[Any]], attribute: str, bench: Bench) -> dict[str, object]:
    """Return the revenue that flips touch, in all and by movement between outcomes."""
    declared = [rules.attributes for rules in (bench.undoing.draft, bench.undoing.base)]
    unit = next((each[attribute].unit for each in declared if attribute in each), None)
    return {
        "attribute": attribute,
        "unit": unit,
        "subjects": sum(row.subjects for row in movements),
        "known": sum(row.known for row in movements),
        "amount": float(sum(row.amount for row in movements)),
        "movements": [
            {
                "verdict_before": row.verdict_before,
                "outcome_before": row.outcome_before,
                "verdict_after": row.verdict_after,
                "outcome_after": row.outcome_after,
                "subjects": row.subjects,
                "known": row.known,
                "amount": float(row.amount),
            }
            for row in movements
        ],
    }


def flip_row(found: Replayed) -> dict[str, object]:
    """Return what is kept of a flip."""
    if found.flip is None:
        raise AssertionError("a decision that did not move is not kept as a flip")
    case, decision, flip = found.case, found.decision, found.flip
    return {
        "decided_at": case.decided_at,
        "decision_id": case.decision_id,
        "verdict_before": case.verdict,
        "outcome_before": case.outcome,
        "verdict_after": decision.verdict,
        "outcome_after": decision.outcome,
        "account_id": case.account_id,
        "scores_before": None if case.account_id is None else dict(case.scores),
        "scores_after": {name: score.value for name, score in decision.scores.items()},
        "cause": flip.cause.kind,
        "edits": list(flip.cause.edits),
        "facts": list(flip.facts),
    }
