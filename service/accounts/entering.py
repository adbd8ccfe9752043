"""Events as they are sent: read, entered, and each told what became of it."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts.declaring import read_kinds
from service.accounts.entries import Measure, Told, Wrong, read_entry
from service.accounts.ledger_schemas import EventLineSent, EventSent
from service.accounts.recording import Addressed, Case, Clerk, Ending, mark_entered, record
from service.storage import Prefix, to_text
from service.web import LEDGER, Fault, Many, Refusal

__all__ = [
    "BadEvent",
    "EventConflict",
    "case_of",
    "enter_many",
    "enter_one",
    "many_events",
    "measure_of",
    "told_of",
]

_OWN_ID: Final[Prefix] = "evt"


class BadEvent(Refusal):
    """An event is not one: its amount, its instant or its currency cannot be right."""

    code: ClassVar[str] = "validation_failed"


class EventConflict(Refusal):
    """The source told something else under this id before."""

    code: ClassVar[str] = "event_conflict"


async def measure_of(connection: AsyncConnection, clerk: Clerk, *, currency: str) -> Measure:
    """Return what events are held against now."""
    return Measure(kinds=await read_kinds(connection), currency=currency, now=clerk.now)


async def enter_one(
    connection: AsyncConnection, sent: EventSent, *, key: str, clerk: Clerk, currency: str
) -> Ending:
    """Enter one event of the account of *key*, which is there, or park it.

    Raises:
        BadEvent: If the fault is in what was sent.
        EventConflict: If its source told something else under its id before.
    """
    event_id = sent.event_id or to_text(_OWN_ID, clerk.new_uuid(clerk.now))
    told = _told(sent, event_id)
    measure = await measure_of(connection, clerk, currency=currency)
    read = read_entry(told, measure)
    if isinstance(read, Wrong) and read.faults:
        words = "the event cannot be right as it was sent; see errors"
        raise BadEvent(words, faults=(*read.faults, *read.gaps))
    case = Case(told=told, of=Addressed(key=key), read=read)
    (ending,) = await record(connection, [case], clerk)
    await mark_entered(connection, [ending], cause="change")
    if ending.state == "conflict":
        raise _conflict(ending, at="")
    return ending


async def enter_many(
    connection: AsyncConnection,
    sent: Sequence[tuple[EventLineSent, str]],
    *,
    clerk: Clerk,
    currency: str,
) -> list[dict[str, Any] | Refusal]:
    """Enter events, each with the pointer to it, and return what became of each, in order.

    One is entered or parked; one that contradicts what its source told before is refused.
    """
    measure = await measure_of(connection, clerk, currency=currency)
    cases = [case_of(one, measure, at=at) for one, at in sent]
    endings = await record(connection, cases, clerk)
    await mark_entered(connection, endings, cause="import")
    return [
        _conflict(ending, at=case.at) if ending.state == "conflict" else told_of(ending)
        for case, ending in zip(cases, endings, strict=True)
    ]


def many_events(clerk: Clerk, *, currency: str) -> Many[tuple[EventLineSent, str]]:
    """Return how events are read and entered, many at a time, by *clerk*."""

    async def keep(
        connection: AsyncConnection, sent: list[tuple[EventLineSent, str]]
    ) -> list[dict[str, Any] | Refusal]:
        return await enter_many(connection, sent, clerk=clerk, currency=currency)

    return Many(
        what="no event",
        read=lambda value, at: (EventLineSent.model_validate(value), at),
        keep=keep,
        limits=LEDGER,
        safe_because="each event has its source's id",
    )


def told_of(ending: Ending) -> dict[str, Any]:
    """Return an ending as it is answered, without members that say nothing."""
    told: dict[str, Any] = {"state": ending.state}
    if ending.event_id is not None:
        told["event"] = to_text("evt", ending.event_id)
    if ending.parked_id is not None:
        told["parked"] = to_text("prk", ending.parked_id)
        told["reasons"] = [reason.to_json() for reason in ending.reasons]
    return told


def case_of(sent: EventLineSent, measure: Measure, *, at: str = "") -> Case:
    """Return one event of many as a case for the ledger."""
    told = _told(sent, sent.event_id)
    identity = None if sent.identity is None else (sent.identity.system, sent.identity.id)
    of = Addressed(key=sent.account, identity=identity)
    return Case(told=told, of=of, read=read_entry(told, measure, at=at), at=at)


def _told(sent: EventSent | EventLineSent, event_id: str) -> Told:
    quantities: Mapping[str, object] = sent.quantities
    return Told(
        kind=sent.kind,
        at=sent.at,
        quantities=quantities,
        source=sent.source,
        event_id=event_id,
        currency=sent.currency,
    )


def _conflict(ending: Ending, *, at: str) -> EventConflict:
    words = "the source told something else under this id before; correct it by a reversal"
    fault = Fault(code="event_conflict", message=words, pointer=f"{at}/event_id")
    members = {} if ending.event_id is None else {"event": to_text("evt", ending.event_id)}
    return EventConflict(words, faults=[fault], members=members)
