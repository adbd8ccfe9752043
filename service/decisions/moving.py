"""Why a subject's decision moved since the one before: rules, data or time."""

from dataclasses import asdict
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row

from service.decisions import store
from service.decisions.attributing import attribute
from service.decisions.desk import Desk
from service.decisions.replaying import existing_decision
from service.decisions.wording import part_shown, summary_of
from service.rules.compare import compare
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
    moved = await attribute(before, after, desk=desk)
    first, last, attribution = moved.before, moved.after, moved.attribution
    changes = compare(first.rules, last.rules).changes
    return {
        "before": _end(before),
        "after": _end(after),
        "rules": {
            **part_shown(attribution, "rules"),
            "changes": [asdict(change) for change in changes],
            "suspended": {"before": list(first.suspended), "after": list(last.suspended)},
        },
        "data": {
            **part_shown(attribution, "data"),
            "changes": _changed_facts(before, after),
            "final": {"before": before.final, "after": after.final},
        },
        "time": {
            **part_shown(attribution, "time"),
            "before": rfc3339(before.decided_at),
            "after": rfc3339(after.decided_at),
            "changes": list(moved.aged),
        },
        "summary": summary_of(before, after, attribution),
    }


async def _before(after: Row[Any], before_id: UUID | None, *, desk: Desk) -> Row[Any]:
    if before_id is not None:
        return await existing_decision(before_id, desk)
    async with transaction(desk.house.engine) as connection:
        found = await store.find_decision_before(connection, after)
    if found is None:
        raise NoEarlierDecision
    return found


def _end(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": to_text("dec", row.id),
        "version": row.version,
        "verdict": row.verdict,
        "outcome": row.outcome,
        "scores": {name: score["value"] for name, score in row.scores.items()},
    }


def _changed_facts(before: Row[Any], after: Row[Any]) -> list[dict[str, Any]]:
    old, new = before.facts, after.facts
    return [
        {"attribute": name, "before": old.get(name), "after": new.get(name)}
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]
