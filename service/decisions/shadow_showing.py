"""Shadows as the wire shows them: what is in force, what was counted, what differs."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from service.decisions.disagreeing import Told
from service.decisions.showing import decision_shown, head_of, head_shown
from service.rules import Change
from service.rules.reasons import Reason
from service.rulesets import Shadow
from service.storage import to_text
from service.web import rfc3339

__all__ = ["disagreement_head", "disagreement_shown", "found_shown", "shadow_head"]

_Json = dict[str, Any]


def shadow_head(
    releases: Sequence[Shadow],
    *,
    rule_set: str,
    live: int | None,
    at: datetime,
    tally: Row[Any] | None,
    changes: int,
) -> _Json:
    """Return a shadow at *at*: *releases* are all of its version's, in their order."""
    begun = [one for one in releases if one.since <= at]
    now = begun[-1] if begun else releases[0]
    if not begun:
        state = "scheduled"
    elif now.share == 0:
        state = "ended"
    else:
        state = "live" if now.version == live else "running"
    counts = {
        name: 0 if tally is None else int(getattr(tally, name))
        for name in ("compared", "disagreed", "failed", "dropped")
    }
    came_out = counts["compared"] - counts["failed"]
    spent_ms = 0.0 if tally is None else int(tally.shadow_us) / 1000
    return {
        "rule_set": rule_set,
        "version": now.version,
        "digest": now.digest,
        "state": state,
        "share": now.share,
        "since": rfc3339(releases[0].since),
        "ended_at": rfc3339(now.since) if state == "ended" else None,
        **counts,
        "verdict_changes": changes,
        "verdict_change_share": round(changes / came_out, 6) if came_out else None,
        "mean_evaluation_ms": round(spent_ms / counts["compared"], 3)
        if counts["compared"]
        else None,
        "last_compared_at": None if tally is None else rfc3339(tally.last_at),
    }


def found_shown(movements: Sequence[Row[Any]], *, live_version: int | None) -> _Json:
    """Return what moved, in all or only while *live_version* was live."""
    counted = [row for row in movements if live_version in {None, row.live_version}]
    return {
        "live_versions": sorted({row.live_version for row in movements}),
        "verdicts": _moved((r.verdict_before, r.verdict_after, r.decisions) for r in counted),
        "outcomes": _moved((r.outcome_before, r.outcome_after, r.decisions) for r in counted),
    }


def disagreement_head(row: Row[Any]) -> _Json:
    """Return a disagreement as it stands in a list: no value of the subject's is in it."""
    return {
        "decision": to_text("dec", row.decision_id),
        "decided_at": rfc3339(row.decided_at),
        "live_version": row.live_version,
        "verdict_before": row.verdict_before,
        "verdict_after": row.verdict,
        "outcome_before": row.outcome_before,
        "outcome_after": row.outcome,
        "scores_before": row.scores_before,
        "scores_after": row.scores,
        "failure": row.failure,
    }


def disagreement_shown(row: Row[Any], told: Told) -> _Json:
    """Return a disagreement with both explanations, as far as they are left."""
    live = head_shown(told.row)
    if told.live is not None:
        live = decision_shown(told.live, head_of(told.row))
    shadow = None
    if told.shadow is not None and told.shadow_head is not None:
        shadow = decision_shown(told.shadow, told.shadow_head)
    return disagreement_head(row) | {
        "live": live,
        "shadow": shadow,
        "rules": [_rule(before, after) for before, after in told.otherwise()],
        "changes": [_change(change) for change in told.changes],
    }


def _moved(counted: Iterable[tuple[str, str, int]]) -> list[_Json]:
    total: Counter[tuple[str, str]] = Counter()
    for before, after, decisions in counted:
        total[before, after] += int(decisions)
    return [
        {"before": before, "after": after, "decisions": number}
        for (before, after), number in sorted(total.items())
    ]


def _rule(before: Reason | None, after: Reason | None) -> _Json:
    either = before or after
    return {
        "rule": "" if either is None else either.rule,
        "before": None if before is None else before.to_json(),
        "after": None if after is None else after.to_json(),
    }


def _change(change: Change) -> _Json:
    return {
        "kind": change.kind,
        "part": change.part,
        "id": change.id,
        "is_only_words": change.is_only_words,
        "fields": [asdict(each) for each in change.fields],
    }
