"""Hold versions in the shadow against decisions that were made: pure, but for the time it takes."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from service.decisions.deciding import Judged, Subject
from service.rules import Decision, RuleSet
from service.rulesets import Running, Shadow
from service.web import Refusal

__all__ = ["Disagreement", "Held", "Original", "failed", "hold", "is_chosen", "kind_of"]
__all__ += ["original_of", "scores_of"]

_WHOLE: Final = 2**64


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """A decision as it was made by the live version, for *shadows* to be held against.

    *facts* are those that the caller sent or the account had, as JSON: a shadow may ask
    for attributes that the live version does not.
    """

    decision_id: UUID
    decided_at: datetime
    rule_set: str
    live_version: int
    facts: bytes
    final: bool
    suspended: tuple[str, ...]
    verdict: str
    outcome: str
    scores: Mapping[str, Mapping[str, float]]
    shadows: tuple[Shadow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """What is kept of one: jsonb as text, the shadow's own half None where it failed."""

    decided_at: datetime
    decision_id: UUID
    release_id: UUID
    rule_set: str
    version: int
    live_version: int
    verdict_before: str
    outcome_before: str
    verdict: str | None = None
    outcome: str | None = None
    scores: str | None = None
    facts: str | None = None
    tabled: str | None = None
    data_problems: str | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One shadow held against one decision; *disagreement* is None where both agree."""

    original: Original
    shadow: Shadow
    took_us: int
    verdict: str | None
    outcome: str | None
    disagreement: Disagreement | None

    @property
    def result(self) -> str:
        """`agreed`, `disagreed` or `failed`."""
        if self.disagreement is None:
            return "agreed"
        return "disagreed" if self.disagreement.failure is None else "failed"


def original_of(
    judged: Judged, subject: Subject, running: Running, *, decision_id: UUID
) -> Original | None:
    """Return *judged* for the shadows that are to judge it too; None where none is."""
    if not running.shadows:
        return None
    head, decision = judged.head, judged.decision
    name = str(subject.account_id or head.external_id or decision_id)
    shadows = tuple(one for one in running.shadows if is_chosen(one, head.rule_set, name))
    if not shadows:
        return None
    return Original(
        decision_id=decision_id,
        decided_at=head.decided_at,
        rule_set=head.rule_set,
        live_version=head.version,
        facts=_packed(subject.facts),
        final=decision.final,
        suspended=decision.suspended,
        verdict=decision.verdict,
        outcome=decision.outcome,
        scores=scores_of(decision),
        shadows=shadows,
    )


def is_chosen(shadow: Shadow, rule_set: str, subject: str) -> bool:
    """Return whether *shadow* judges this subject: always or never, while its share stays.

    A larger share only adds subjects. Two versions choose independently.
    """
    named = f"{rule_set}:{shadow.version}:{subject}".encode()
    number = int.from_bytes(hashlib.sha256(named).digest()[:8])
    return number < shadow.share * _WHOLE


def hold(original: Original, shadow: Shadow, rules: RuleSet, *, timer: Callable[[], float]) -> Held:
    """Return what *rules* make of *original*; whatever they do, this does not raise."""
    began_s = timer()
    try:
        decision = rules.decide(
            json.loads(original.facts),
            at=original.decided_at,
            final=original.final,
            suspended=original.suspended,
        )
        took_us = round((timer() - began_s) * 1_000_000)
        return _held(original, shadow, decision, took_us=took_us)
    except Exception as error:  # noqa: BLE001 - the front door of shadows: no rule set may harm what runs beside it
        took_us = round((timer() - began_s) * 1_000_000)
        return failed(original, shadow, kind_of(error), took_us=took_us)


def failed(original: Original, shadow: Shadow, kind: str, *, took_us: int = 0) -> Held:
    """Return that *shadow* came to no decision, for a *kind* of error."""
    return Held(
        original=original,
        shadow=shadow,
        took_us=took_us,
        verdict=None,
        outcome=None,
        disagreement=Disagreement(**_common(original, shadow), failure=kind),
    )


def kind_of(error: Exception) -> str:
    """Return what kind of error this is; its words may hold somebody's values."""
    return error.code if isinstance(error, Refusal) else type(error).__name__


def scores_of(decision: Decision) -> dict[str, dict[str, float]]:
    """Return every score as it is stored and shown."""
    return {
        name: {"value": score.value, "low": score.low, "high": score.high}
        for name, score in decision.scores.items()
    }


def _held(original: Original, shadow: Shadow, decision: Decision, *, took_us: int) -> Held:
    scores = scores_of(decision)
    came_out = (decision.verdict, decision.outcome, scores)
    disagreement = None
    if came_out != (original.verdict, original.outcome, original.scores):
        problems = [problem.to_json() for problem in decision.data_problems]
        disagreement = Disagreement(
            **_common(original, shadow),
            verdict=decision.verdict,
            outcome=decision.outcome,
            scores=_json(scores),
            facts=_json(decision.facts.to_json()),
            tabled=_json(dict(decision.tabled)) if decision.tabled else None,
            data_problems=_json(problems) if problems else None,
        )
    return Held(
        original=original,
        shadow=shadow,
        took_us=took_us,
        verdict=decision.verdict,
        outcome=decision.outcome,
        disagreement=disagreement,
    )


def _common(original: Original, shadow: Shadow) -> dict[str, Any]:
    return {
        "decided_at": original.decided_at,
        "decision_id": original.decision_id,
        "release_id": shadow.release_id,
        "rule_set": original.rule_set,
        "version": shadow.version,
        "live_version": original.live_version,
        "verdict_before": original.verdict,
        "outcome_before": original.outcome,
    }


def _packed(facts: Mapping[str, object]) -> bytes:
    """Return *facts* as JSON: what waits is then as large as what was sent, and no larger."""
    try:
        return orjson.dumps(facts)
    except TypeError:  # a whole number past 64 bits, from an account
        return json.dumps(facts).encode()


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
