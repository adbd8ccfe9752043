"""Outcomes as answers show them."""

from typing import Any

from sqlalchemy import Row

from service.accounts import amount_text
from service.storage import to_text
from service.web import rfc3339

__all__ = ["outcome_shown"]


def outcome_shown(row: Row[Any], *, currency: str) -> dict[str, Any]:
    """Return one outcome; its amount is a text, because a JSON number may lose cents."""
    return {
        "id": to_text("out", row.id),
        "external_id": row.external_id,
        "decision": None if row.decision_id is None else to_text("dec", row.decision_id),
        "account": row.account_key,
        "is_known": row.is_known,
        "result": row.result,
        "at": rfc3339(row.at),
        "opened_at": None if row.opened_at is None else rfc3339(row.opened_at),
        "amount": None if row.amount is None else amount_text(row.amount),
        "currency": currency,
        "owner": row.owner,
        "product": row.product,
        "source": row.source,
        "event_id": row.source_event_id,
        "recorded_at": rfc3339(row.recorded_at),
        "recorded_by": row.recorded_by,
        "withdrawn_at": None if row.withdrawn_at is None else rfc3339(row.withdrawn_at),
        "withdrawn_by": row.withdrawn_by,
        "reason": row.withdrawn_reason,
    }
