"""Events that wait: mended, tried again, or dropped for good."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts import parked_store
from service.accounts.entering import EventConflict, case_of, measure_of
from service.accounts.ledger_schemas import EventLineSent
from service.accounts.recording import Clerk, mark_entered, record
from service.storage import append_audit, to_text
from service.web import LEDGER, Fault, Refusal, decode_json

__all__ = [
    "OtherEvent",
    "ParkedClosed",
    "ParkedNotFound",
    "Replayed",
    "drop",
    "existing_parked",
    "mend",
    "replay",
    "replay_many",
]


class ParkedNotFound(Refusal):
    """No event with this id waits or waited."""

    code: ClassVar[str] = "parked_event_not_found"


class ParkedClosed(Refusal):
    """The event was entered or dropped already."""

    code: ClassVar[str] = "parked_event_closed"


class OtherEvent(Refusal):
    """A mended event has another source or id than the one that waits."""

    code: ClassVar[str] = "validation_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What became of events that were tried again, in numbers."""

    entered: int
    parked: int
    conflicts: int


async def existing_parked(
    connection: AsyncConnection, parked_id: UUID | None, *, to_change: bool = False
) -> Row[Any]:
    """Return the parked event of this id; where it is *to_change*, one that still waits.

    Raises:
        ParkedNotFound: If there is none.
        ParkedClosed: If it is to change and does not wait any more.
    """
    row = None
    if parked_id is not None:
        row = await parked_store.find_parked(connection, parked_id, to_change=to_change)
    if row is None:
        raise ParkedNotFound("no event with this id was parked; GET /v1/parked-events")
    if to_change and row.state != "parked":
        raise ParkedClosed(f"this event was {row.state} already; nothing waits here")
    return row


async def mend(
    connection: AsyncConnection,
    parked_id: UUID,
    event: EventLineSent,
    *,
    clerk: Clerk,
    currency: str,
) -> Row[Any]:
    """Put *event* in the place of the one that waits, and try to enter it.

    Raises:
        OtherEvent: If it has another source or id.
        EventConflict: If another event was entered under its id since.
    """
    row = await existing_parked(connection, parked_id, to_change=True)
    if (event.source, event.event_id) != (row.source, row.source_event_id):
        words = "a mended event keeps its `source` and `event_id`; drop this one and send the other"
        fault = Fault(code="other_event", message=words, pointer="/event/event_id")
        raise OtherEvent(words, faults=[fault])
    return await _try(connection, row, event, clerk=clerk, currency=currency, action="mend")


async def replay(
    connection: AsyncConnection, parked_id: UUID, *, clerk: Clerk, currency: str
) -> Row[Any]:
    """Try to enter an event that waits, as it is.

    Raises:
        EventConflict: If another event was entered under its id since.
    """
    row = await existing_parked(connection, parked_id, to_change=True)
    event = _event_in(row)
    return await _try(connection, row, event, clerk=clerk, currency=currency, action="replay")


async def replay_many(
    connection: AsyncConnection, rows: Sequence[Row[Any]], *, clerk: Clerk, currency: str
) -> Replayed:
    """Try to enter all these events that wait, the same way as each alone."""
    measure = await measure_of(connection, clerk, currency=currency)
    cases = [case_of(_event_in(row), measure) for row in rows]
    endings = await record(connection, cases, clerk)
    counted = Counter(ending.state for ending in endings)
    replayed = Replayed(
        entered=counted["entered"] + counted["repeated"],
        parked=counted["parked"] + counted["dropped"],
        conflicts=counted["conflict"],
    )
    await append_audit(
        connection,
        at=clerk.now,
        actor=clerk.person,
        action="accounts.replay_events",
        subject="parked-events",
        payload={"entered": replayed.entered, "parked": replayed.parked},
    )
    await mark_entered(connection, endings, cause="import")
    return replayed


async def drop(
    connection: AsyncConnection, parked_id: UUID, *, reason: str, clerk: Clerk
) -> Row[Any]:
    """Say that an event that waits will never be entered; told the same again, it is not."""
    row = await existing_parked(connection, parked_id, to_change=True)
    await parked_store.change_parked(
        connection,
        row.id,
        state="dropped",
        closed_at=clerk.now,
        closed_by=clerk.person,
        closed_reason=reason,
    )
    await _tell(connection, row, "drop", clerk)
    return await existing_parked(connection, row.id)


async def _try(
    connection: AsyncConnection,
    row: Row[Any],
    event: EventLineSent,
    *,
    clerk: Clerk,
    currency: str,
    action: str,
) -> Row[Any]:
    measure = await measure_of(connection, clerk, currency=currency)
    (ending,) = await record(connection, [case_of(event, measure)], clerk)
    if ending.state == "conflict":
        words = "another event was entered under this id since; drop this one, or reverse that"
        event_id = None if ending.event_id is None else to_text("evt", ending.event_id)
        raise EventConflict(words, members={"event": event_id})
    await _tell(connection, row, action, clerk)
    await mark_entered(connection, [ending], cause="change")
    return await existing_parked(connection, row.id)


def _event_in(row: Row[Any]) -> EventLineSent:
    return EventLineSent.model_validate(decode_json(row.content.encode(), limits=LEDGER))


async def _tell(connection: AsyncConnection, row: Row[Any], action: str, clerk: Clerk) -> None:
    await append_audit(
        connection,
        at=clerk.now,
        actor=clerk.person,
        action=f"accounts.{action}_event",
        subject=to_text("prk", row.id),
        payload={},
    )
