"""Entries and parked events as answers show them."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row

from service.accounts.amounts import amount_text
from service.storage import Prefix, to_text
from service.web import decode_json, rfc3339

__all__ = ["event_shown", "parked_shown"]


def event_shown(row: Row[Any], *, currency: str) -> dict[str, Any]:
    """Return one entry; its amount is a text, because a JSON number may lose cents."""
    return {
        "id": to_text("evt", row.id),
        "account": row.account_key,
        "kind": row.kind,
        "at": rfc3339(row.at),
        "amount": None if row.amount is None else amount_text(row.amount),
        "currency": currency,
        "quantities": row.quantities,
        "source": row.source,
        "event_id": row.source_event_id,
        "recorded_at": rfc3339(row.recorded_at),
        "recorded_by": row.recorded_by,
        "reverses": _id("evt", row.reverses),
        "reversed_by": _id("evt", row.reversed_by),
        "reason": row.reason,
    }


def parked_shown(row: Row[Any]) -> dict[str, Any]:
    """Return one parked event with the reasons for which it waits."""
    return {
        "id": to_text("prk", row.id),
        "state": row.state,
        "event": decode_json(row.content.encode()),
        "reasons": row.reasons,
        "first_at": rfc3339(row.first_at),
        "last_at": rfc3339(row.last_at),
        "parked_by": row.parked_by,
        "closed_at": None if row.closed_at is None else rfc3339(row.closed_at),
        "closed_by": row.closed_by,
        "closed_reason": row.closed_reason,
        "entered_as": _id("evt", row.event_id),
    }


def _id(prefix: Prefix, uuid: UUID | None) -> str | None:
    return None if uuid is None else to_text(prefix, uuid)
