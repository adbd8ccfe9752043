"""Connections and deliveries as answers: everything but secrets."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from service.intake.connecting import Connection
from service.intake.declaring import Applied
from service.storage import to_text
from service.web import rfc3339

__all__ = ["applied_shown", "connection_shown", "delivery_shown"]


def connection_shown(
    connection: Connection, counts: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """Return a connection; with its whole address where that was just made."""
    row, resolved = connection.row, connection.resolved
    name = to_text("con", row.id)
    token = "" if connection.token is None else f"/{connection.token}"
    return {
        "id": name,
        "name": row.name,
        "preset": row.preset,
        "title": resolved.title,
        "address": f"{resolved.public_url or ''}/v1/intake/{name}{token}",
        "authentication": resolved.scheme.model_dump(mode="json"),
        "has_path_token": resolved.has_path_token,
        "has_secrets": sorted(connection.secrets),
        "document": row.document,
        "map": row.document.get("map", {}),
        "effective_map": resolved.map.model_dump(mode="json", exclude_none=True),
        "writes": resolved.writes.model_dump(mode="json", exclude_none=True),
        "public_url": resolved.public_url,
        "health": _health(row, counts),
        "row_version": row.row_version,
        "created_at": rfc3339(row.created_at),
        "created_by": row.created_by,
        "updated_at": rfc3339(row.updated_at),
    }


def applied_shown(applied: Applied, *, is_dry: bool) -> dict[str, Any]:
    """Return what became of a declared connection; what was only tried has no address yet."""
    is_there = not is_dry or applied.state != "created"
    told = connection_shown(applied.known) if is_there else {"id": None, "address": None}
    if is_dry and applied.known.token is not None:
        told["address"] = None
    return {
        "name": applied.known.name,
        "state": applied.state,
        "id": told["id"],
        "address": told["address"],
        "changes": [asdict(one) for one in applied.differences],
        "secrets": dict(applied.secrets),
    }


def delivery_shown(row: Row[Any]) -> dict[str, Any]:
    """Return a delivery without its body."""
    return {
        "id": to_text("itk", row.id),
        "received_at": rfc3339(row.received_at),
        "media_type": row.media_type,
        "bytes": row.body_bytes or 0,
        "state": row.state,
        "repeats": row.repeats,
        "tally": row.tally or {},
        "problems": row.problems or [],
        "translated_at": _at(row.translated_at),
    }


def _health(row: Row[Any], counts: Mapping[str, int] | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "degraded_at": _at(row.degraded_at),
        "degraded_why": row.degraded_why,
        "last_received_at": _at(row.last_received_at),
        "last_refused_at": _at(row.last_refused_at),
        "last_refused_why": row.last_refused_why,
    }
    if counts is not None:
        told |= {state: counts.get(state, 0) for state in ("waiting", "parked")}
    return told


def _at(instant: datetime | None) -> str | None:
    return None if instant is None else rfc3339(instant)
