"""Reviews and policies as the wire shows them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row

from service.rules.compare import Comparison
from service.rulesets.budgeting import share_of
from service.rulesets.policy import policy_of
from service.rulesets.showing import frozen_shown
from service.storage import to_text
from service.web import rfc3339

__all__ = ["against_live", "evidence_shown", "freeze_shown", "policy_shown", "review_shown"]

_Json = dict[str, Any]


def policy_shown(rule_set: Row[Any]) -> _Json:
    """Return what a rule set asks of every release."""
    return {"rule_set": rule_set.slug, **policy_of(rule_set).to_json()}


def freeze_shown(rule_set: Row[Any], *, planned: Sequence[Row[Any]]) -> _Json:
    """Return whether a rule set is frozen, and the releases that take effect all the same."""
    return {
        "rule_set": rule_set.slug,
        "frozen": frozen_shown(rule_set),
        "planned": [
            {
                "id": to_text("rel", row.id),
                "version": row.version,
                "effective_at": rfc3339(row.effective_at),
                "released_by": row.released_by,
            }
            for row in planned
        ],
    }


def review_shown(row: Row[Any]) -> _Json:
    """Return a review without its evidence."""
    return {
        "id": to_text("rev", row.id),
        "rule_set": row.rule_set,
        "draft": row.draft,
        "version": row.version,
        "digest": row.digest,
        "authors": row.authors,
        "note": row.note,
        "asked_by": row.asked_by,
        "created_at": rfc3339(row.created_at),
        "state": row.state,
        "ended_by": row.ended_by,
        "ended_at": None if row.ended_at is None else rfc3339(row.ended_at),
        "comment": row.comment,
    }


def evidence_shown(row: Row[Any]) -> _Json:
    """Return what a backtest found of the text under review."""
    return {
        "backtest": to_text("bt", row.backtest_id),
        "against": row.against,
        "base_version": row.base_version,
        "since": None if row.since is None else rfc3339(row.since),
        "until": rfc3339(row.until),
        "total": row.total,
        "replayed": row.replayed,
        "not_replayable": row.unseen,
        "flips": row.flips,
        "share": share_of(row),
        "revenue": row.revenue,
        "revenue_unknown": row.revenue_unknown,
        "attribute": row.revenue_attribute,
        "unit": row.revenue_unit,
        "created_at": rfc3339(row.created_at),
    }


def against_live(live: Row[Any], comparison: Comparison) -> _Json:
    """Return what would change by the text under review."""
    since = rfc3339(live.effective_at)
    return {
        "live": {"version": live.version, "digest": live.digest, "since": since},
        "is_same_logic": comparison.is_same_logic,
        "changes": [asdict(change) for change in comparison.changes],
    }
