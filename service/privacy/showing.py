"""Rows as the wire shows them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row

from service.storage import to_text
from service.web import rfc3339

__all__ = ["erasure_shown"]


def erasure_shown(row: Row[Any], seen_again: int = 0) -> dict[str, Any]:
    """Return an erasure, how far it is, and what it has cleared."""
    return {
        "id": to_text("era", row.id),
        "cause": row.cause,
        "known_by": row.known_by,
        "dry_run": row.dry_run,
        "state": row.state,
        "progress": {"step": row.step, "done": row.done, "total": row.total},
        "cleared": [
            {"table": table, "rows": rows} for table, rows in sorted(row.tally.items()) if rows
        ],
        "seen_again": seen_again,
        "failure": row.failure,
        "asked_by": row.asked_by,
        "created_at": rfc3339(row.created_at),
        "started_at": _instant(row.started_at),
        "finished_at": _instant(row.finished_at),
    }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)
