"""Rows as the wire shows them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row

from service.rescorings.tally import NEVER, RescoringTally
from service.storage import to_text
from service.web import rfc3339

__all__ = ["rescoring_shown"]


def rescoring_shown(row: Row[Any]) -> dict[str, Any]:
    """Return a rescoring, how far it is, and what it found so far."""
    return {
        "id": to_text("rsc", row.id),
        "rule_set": row.rule_set,
        "version": row.version,
        "digest": row.digest,
        "at": rfc3339(row.at),
        "dry_run": row.dry_run,
        "state": row.state,
        "progress": {"done": row.done, "total": row.total},
        "result": _result(row),
        "failure": row.failure,
        "cause": row.cause,
        "asked_by": row.asked_by,
        "created_at": rfc3339(row.created_at),
        "started_at": _instant(row.started_at),
        "finished_at": _instant(row.finished_at),
    }


def _result(row: Row[Any]) -> dict[str, Any] | None:
    if row.tally is None and row.state != "done":
        return None
    tally = RescoringTally.from_json(row.tally)
    return {
        "written": tally.written,
        "unchanged": tally.unchanged,
        "later": tally.later,
        "verdicts_changed": tally.verdicts_changed,
        "verdicts": [
            {"before": None if before == NEVER else before, "after": after, "accounts": number}
            for before, into in sorted(tally.verdicts.items())
            for after, number in sorted(into.items())
        ],
    }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)
