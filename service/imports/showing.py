"""Rows as the wire shows them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row

from service.storage import to_text
from service.web import rfc3339

__all__ = ["import_shown", "problem_shown"]


def import_shown(row: Row[Any]) -> dict[str, Any]:
    """Return an import, how far it is, and what became of its rows so far."""
    return {
        "id": to_text("imp", row.id),
        "what": row.what,
        "format": row.format,
        "source": row.source,
        "at": rfc3339(row.at),
        "dry_run": row.dry_run,
        "map": row.map,
        "state": row.state,
        "bytes": row.arrived,
        "progress": {"rows": row.rows, "share": row.share},
        "result": _result(row),
        "failure": row.failure,
        "asked_by": row.asked_by,
        "created_at": rfc3339(row.created_at),
        "started_at": _instant(row.started_at),
        "finished_at": _instant(row.finished_at),
    }


def problem_shown(row: Row[int, str, str]) -> dict[str, Any]:
    """Return a row that was not taken."""
    return {"line": row.line, "code": row.code, "reason": row.reason}


def _result(row: Row[Any]) -> dict[str, Any] | None:
    if row.tally is None:
        return None
    return {
        "rows": row.rows,
        "states": row.tally["states"],
        "left_out": row.tally["skipped"],
        "bad": row.tally["bad"],
        "ignored_columns": row.ignored or [],
    }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)
