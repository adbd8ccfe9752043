"""Overrides as the wire shows them."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row

from service.storage import to_text
from service.web import rfc3339

__all__ = ["State", "override_told", "state_of"]

State = Literal["in_force", "expired", "withdrawn", "replaced"]


def state_of(row: Row[Any], *, at: datetime) -> State:
    """Return whether an override counts at *at*, and if not, what ended it."""
    ended_at = at if row.withdrawn_at is None else row.withdrawn_at
    if row.expires_at is not None and row.expires_at <= ended_at:
        return "expired"
    if row.withdrawn_at is None:
        return "in_force"
    return "replaced" if row.withdrawn_reason is None else "withdrawn"


def override_told(row: Row[Any], *, at: datetime) -> dict[str, Any]:
    """Return a whole override, as it stands at *at*."""
    state = state_of(row, at=at)
    return {
        "id": to_text("ovr", row.id),
        "rule_set": row.rule_set,
        "version": row.version,
        "subject": {
            "decision": None if row.decision_id is None else to_text("dec", row.decision_id),
            "account": row.account_key,
        },
        "overruled": to_text("dec", row.overruled),
        "rules": {"verdict": row.rules_verdict, "outcome": row.rules_outcome},
        "spoke": row.rules,
        "verdict": row.verdict,
        "outcome": row.outcome,
        "next": {
            "action": row.action,
            "url": row.url,
            "message": row.message,
            "assign": row.assign,
        },
        "reason": row.reason,
        "person": row.person,
        "created_at": rfc3339(row.created_at),
        "expires_at": None if row.expires_at is None else rfc3339(row.expires_at),
        "state": state,
        "ended": _end(row) if state in {"withdrawn", "replaced"} else None,
    }


def _end(row: Row[Any]) -> dict[str, Any]:
    return {
        "at": rfc3339(row.withdrawn_at),
        "by": row.withdrawn_by,
        "reason": row.withdrawn_reason,
    }
