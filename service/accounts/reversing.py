"""Take an entry back: by another entry, so that sums are right and both stay to be seen."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts import ledger_store
from service.accounts.due_store import mark_due
from service.accounts.recording import Clerk
from service.storage import append_audit, to_text
from service.web import Refusal

__all__ = ["AlreadyReversed", "EventNotFound", "existing_event", "reverse"]


class EventNotFound(Refusal):
    """The ledger has no entry with this id."""

    code: ClassVar[str] = "event_not_found"


class AlreadyReversed(Refusal):
    """The entry was taken back before, or takes another one back itself."""

    code: ClassVar[str] = "already_reversed"


async def existing_event(connection: AsyncConnection, event_id: UUID) -> Row[Any]:
    """Return the entry of this id.

    Raises:
        EventNotFound: If there is none.
    """
    row = await ledger_store.find_event(connection, event_id)
    if row is None:
        raise EventNotFound("there is no entry with this id; GET the account's events")
    return row


async def reverse(
    connection: AsyncConnection, event_id: UUID, *, reason: str, clerk: Clerk
) -> Row[Any]:
    """Enter what takes the entry of *event_id* back, and return that.

    It is of the same kind, source and instant, so that every sum over any slice and any
    time is as if neither existed. The source's own id stays taken: the event told again is
    still recognised, and a corrected one comes under an id of its own.

    Raises:
        EventNotFound: If there is no such entry.
        AlreadyReversed: If it was taken back before, or takes another back.
    """
    entry = await existing_event(connection, event_id)
    if entry.reverses is not None:
        words = "this entry takes another one back; enter that event again under a new id"
        raise AlreadyReversed(words)
    if entry.reversed_by is not None:
        raise _already(entry.reversed_by)
    reversal = {
        "id": clerk.new_uuid(clerk.now),
        "account_id": entry.account_id,
        "kind": entry.kind,
        "at": entry.at,
        "amount": None if entry.amount is None else -entry.amount,
        "quantities": _negated(entry.quantities),
        "source": entry.source,
        "source_event_id": f"reversal:{to_text('evt', event_id)}",
        "digest": bytes(16),
        "recorded_at": clerk.now,
        "recorded_by": clerk.person,
        "reverses": event_id,
        "reason": reason,
    }
    if not await ledger_store.add_entries(connection, [reversal]):
        # Somebody else took it back between our look and our insert.
        raise _already((await existing_event(connection, event_id)).reversed_by)
    reversal_id = to_text("evt", reversal["id"])
    await append_audit(
        connection,
        at=clerk.now,
        actor=clerk.person,
        action="accounts.reverse_event",
        subject=to_text("evt", event_id),
        payload={"reversal": reversal_id},
    )
    await mark_due(connection, [entry.account_id])
    return await existing_event(connection, reversal["id"])


def _negated(quantities: Mapping[str, Any]) -> dict[str, Any]:
    """Return *quantities* with every number's sign turned; `-x` of a double loses no digit."""
    return {
        name: -value if isinstance(value, int | float | Decimal) and not isinstance(value, bool)
        else value
        for name, value in quantities.items()
    }  # fmt: skip


def _already(reversal_id: UUID) -> AlreadyReversed:
    reversal = to_text("evt", reversal_id)
    words = "this entry was taken back already; see `reversal`"
    return AlreadyReversed(words, members={"reversal": reversal})
