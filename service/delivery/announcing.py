"""Announce what happened, in the transaction that makes it happen.

An event is written once, in the bytes that every attempt signs, with one delivery for each
endpoint that takes its type. Where none does, nothing is written.
"""

import hashlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from service.delivery import event_store
from service.delivery.event_types import EventType
from service.storage import make_uuid, to_text
from service.web import rfc3339

__all__ = ["Announcement", "announce", "body_of", "who_hears"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """One thing that happened. *id* is fresh, and a UUIDv7 as all of ours.

    *data* holds ids, outcomes and instants, and nothing of what people told of themselves.
    *about* is the external id or the account's key in it, where there is one, so that it
    can be erased. *outcome* is the one it is about, where there is one.
    """

    id: UUID
    type: EventType
    at: datetime
    data: Mapping[str, Any]
    about: str | None = None
    outcome: str | None = None

    @classmethod
    def caused_by(
        cls,
        cause: UUID,
        kind: EventType,
        *,
        at: datetime,
        data: Mapping[str, Any],
        about: str | None = None,
        outcome: str | None = None,
    ) -> "Announcement":
        """Return what is told of *cause*, a row: it has one event of a kind, of the same id."""
        digest = hashlib.sha256(cause.bytes + kind.value.encode()).digest()
        return cls(
            id=make_uuid(at, digest[:8]), type=kind, at=at, data=data, about=about, outcome=outcome
        )


async def who_hears(
    connection: AsyncConnection, kinds: Sequence[EventType]
) -> AbstractSet[EventType]:
    """Return which of *kinds* any endpoint takes: for who would make many in vain."""
    return (await event_store.list_takers(connection, kinds)).keys()


async def announce(connection: AsyncConnection, *announcements: Announcement) -> int:
    """Have *announcements* told once this transaction is committed; return to how many ears.

    Costs one statement where nobody listens, three where somebody does.
    """
    if not announcements:
        return 0
    kinds = {one.type for one in announcements}
    takers = await event_store.list_takers(connection, sorted(kinds))
    pairs = [
        (one, taker.endpoint)
        for one in announcements
        for taker in takers.get(one.type, ())
        if taker.hears(one.outcome)
    ]
    if not pairs:
        return 0
    heard = {one.id: one for one, _ in pairs}.values()
    await event_store.add_events(
        connection, [(one.id, one.type, one.at, body_of(one), one.about) for one in heard]
    )
    await event_store.add_deliveries(
        connection,
        [(_delivery_id(one, endpoint), one.id, endpoint, one.at) for one, endpoint in pairs],
    )
    return len(pairs)


def body_of(one: Announcement) -> bytes:
    """Return the bytes that are sent and signed."""
    told = {"type": one.type.value, "timestamp": rfc3339(one.at), "data": one.data}
    return orjson.dumps({"id": to_text("msg", one.id), **told})


def _delivery_id(one: Announcement, endpoint: UUID) -> UUID:
    """Return an id that differs for each pair, as hard to guess as both."""
    mixed = (one.id.int ^ endpoint.int) & ((1 << 64) - 1)
    return make_uuid(one.at, mixed.to_bytes(8, "big"))
