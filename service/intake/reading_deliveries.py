"""A stored delivery, read by its connection's present map."""

from datetime import datetime
from typing import Any

import anyio.to_thread
from sqlalchemy import Row

from service.intake.connecting import Connection
from service.intake.payloads import Unreadable, read_payload
from service.intake.reading import Read, Unmapped, read_items

__all__ = ["read_body", "read_delivery"]


async def read_delivery(row: Row[Any], known: Connection, *, now: datetime) -> list[Read]:
    """Return what the items of a stored delivery come to."""
    return await read_body(row.body, media_type=row.media_type, known=known, now=now)


async def read_body(
    body: bytes, *, media_type: str, known: Connection, now: datetime
) -> list[Read]:
    """Return what the items of *body* come to; a large one takes a while, so in a thread."""
    resolved = known.resolved

    def work() -> list[Read]:
        try:
            payload = read_payload(body, media_type=media_type, form=resolved.form)
        except Unreadable as unreadable:
            return [Unmapped(0, "unreadable", str(unreadable), "")]
        return list(read_items(payload, resolved.map, own=resolved.own, now=now))

    return await anyio.to_thread.run_sync(work)
