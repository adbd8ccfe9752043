"""Why a subject's decision moved since the one before: rules, data or time."""

from dataclasses import asdict
from fractions import Fraction
from typing import Any, ClassVar
from uuid import UUID

import anyio.to_thread
from sqlalchemy import Row

from service.decisions import store
from service.decisions.desk import Desk
from service.decisions.replaying import existing_decision, replay
from service.rules.compare import CAUSES, Attribution, Cause, Situation, compare, why
from service.storage import to_text, transaction
from service.web import Refusal, rfc3339

__all__ = ["DifferentRuleSets", "NoEarlierDecision", "why_moved"]


class NoEarlierDecision(Refusal):
    """The subject has no earlier decision under the rule set."""

    code: ClassVar[str] = "no_earlier_decision"

    def __init__(self) -> None:
        words = "no earlier decision of this subject is known; name another one as `before`"
        super().__init__(words)


class DifferentRuleSets(Refusal):
    """Two decisions are of different rule sets."""

    code: ClassVar[str] = "different_rule_sets"

    def __init__(self) -> None:
        words = "the two decisions are of different rule sets; compare two of the same one"
        super().__init__(words)


async def why_moved(decision_id: UUID, before_id: UUID | None, *, desk: Desk) -> dict[str, Any]:
    """Return what rules, data and time did between two decisions, for the wire.

    Raises:
        DecisionNotFound, NoEarlierDecision, DifferentRuleSets: If there are no two to compare.
        FactsErased, NotReplayable: If one of them cannot be made again.
    """
    after = await existing_decision(decision_id, desk)
    before = await _before(after, before_id, desk=desk)
    if before.rule_set != after.rule_set:
        raise DifferentRuleSets
    for row in (before, after):
        (await replay(row, desk)).same()
    first, last = await _situation(before, desk), await _situation(after, desk)
    attribution = await anyio.to_thread.run_sync(lambda: why(first, last))
    changes = compare(first.rules, last.rules).changes
    return {
        "before": _end(before),
        "after": _end(after),
        "rules": {
            **_part(attribution, "rules"),
            "changes": [asdict(change) for change in changes],
            "suspended": {"before": list(first.suspended), "after": list(last.suspended)},
        },
        "data": {
            **_part(attribution, "data"),
            "changes": _changed_facts(before, after),
            "final": {"before": before.final, "after": after.final},
        },
        "time": {
            **_part(attribution, "time"),
            "before": rfc3339(before.decided_at),
            "after": rfc3339(after.decided_at),
        },
        "summary": _summary(before, after, attribution),
    }


async def _before(after: Row[Any], before_id: UUID | None, *, desk: Desk) -> Row[Any]:
    if before_id is not None:
        return await existing_decision(before_id, desk)
    async with transaction(desk.house.engine) as connection:
        found = await store.find_decision_before(connection, after)
    if found is None:
        raise NoEarlierDecision
    return found


async def _situation(row: Row[Any], desk: Desk) -> Situation:
    running = await desk.live.version(row.rule_set, row.version)
    return Situation(
        running.rules,
        row.facts,
        row.decided_at,
        row.tabled or {},
        suspended=tuple(row.suspended or ()),
        final=row.final,
    )


def _end(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": to_text("dec", row.id),
        "version": row.version,
        "verdict": row.verdict,
        "outcome": row.outcome,
        "scores": {name: score["value"] for name, score in row.scores.items()},
    }


def _part(attribution: Attribution, cause: Cause) -> dict[str, Any]:
    return {
        "verdict": _share(attribution.verdict[cause]),
        "outcome": _share(attribution.outcome[cause]),
        "scores": {name: _share(shares[cause]) for name, shares in attribution.scores.items()},
    }


def _share(fraction: Fraction) -> dict[str, Any]:
    """Return a share exactly, and as the number nearest to it."""
    return {"exact": str(fraction), "value": float(fraction)}


def _changed_facts(before: Row[Any], after: Row[Any]) -> list[dict[str, Any]]:
    old, new = before.facts, after.facts
    return [
        {"attribute": name, "before": old.get(name), "after": new.get(name)}
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def _summary(before: Row[Any], after: Row[Any], attribution: Attribution) -> str:
    moves = [
        _move("the verdict", before.verdict, after.verdict, attribution.verdict),
        _move("the outcome", before.outcome, after.outcome, attribution.outcome),
        *(
            _move(f"`{name}`", before.scores[name]["value"], after.scores[name]["value"], shares)
            for name, shares in attribution.scores.items()
        ),
    ]
    told = "; ".join(move for move in moves if move)
    return f"{told[0].upper()}{told[1:]}." if told else "Nothing moved."


def _move(what: str, old: object, new: object, shares: dict[Cause, Fraction] | Any) -> str:  # noqa: ANN401
    if old == new:
        return ""
    said = ", ".join(f"{cause} {shares[cause]}" for cause in CAUSES if shares[cause])
    return f"{what} went from {old} to {new} ({said})"
