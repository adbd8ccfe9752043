"""Events as they are sent: read, entered, and each told what became of it."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import orjson
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts.declaring import read_kinds
from service.accounts.entries import Measure, Told, Wrong, read_entry
from service.accounts.ledger_schemas import EventLineSent, EventSent
from service.accounts.recording import Addressed, Case, Clerk, Ending, mark_entered, record
from service.storage import Prefix, to_text
from service.web import (
    LEDGER,
    LINE_BYTES,
    BodyTooLarge,
    Element,
    Fault,
    Refusal,
    Visit,
    faults_within,
    read_json,
    respond_to,
)

__all__ = [
    "BadEvent",
    "EventConflict",
    "case_of",
    "enter_elements",
    "enter_one",
    "measure_of",
    "read_elements",
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


async def read_elements(elements: Sequence[Element]) -> list[EventLineSent | Refusal]:
    """Return what each of *elements* says, or why it is no event as it is sent.

    Apart from entering them, so that no transaction is open meanwhile.
    """
    return [await _read_element(element) for element in elements]


async def enter_elements(
    connection: AsyncConnection,
    elements: Sequence[Element],
    read: Sequence[EventLineSent | Refusal],
    *,
    clerk: Clerk,
    currency: str,
    visit: Visit,
) -> list[bytes]:
    """Enter what was *read* from *elements* and return a result for each, in order.

    One that is an event with its source's id is entered or parked; anything else gets a
    problem, and so does one that contradicts what its source told before.
    """
    measure = await measure_of(connection, clerk, currency=currency)
    cases = [
        case_of(one, measure, at=element.pointer)
        for element, one in zip(elements, read, strict=True)
        if not isinstance(one, Refusal)
    ]
    recorded = await record(connection, cases, clerk)
    await mark_entered(connection, recorded, cause="import")
    endings = iter(recorded)
    results: list[dict[str, Any]] = []
    for element, one in zip(elements, read, strict=True):
        refused = one if isinstance(one, Refusal) else None
        if refused is None:
            ending = next(endings)
            if ending.state != "conflict":
                results.append({"line": element.number} | told_of(ending))
                continue
            refused = _conflict(ending, at=element.pointer)
        results.append(_problem(element.number, refused, visit))
    return [orjson.dumps(result) for result in results]


def told_of(ending: Ending) -> dict[str, Any]:
    """Return an ending as it is answered, without members that say nothing."""
    told: dict[str, Any] = {"state": ending.state}
    if ending.event_id is not None:
        told["event"] = to_text("evt", ending.event_id)
    if ending.parked_id is not None:
        told["parked"] = to_text("prk", ending.parked_id)
        told["reasons"] = [reason.to_json() for reason in ending.reasons]
    return told


async def _read_element(element: Element) -> EventLineSent | Refusal:
    at = element.pointer
    if element.text is None:
        return BodyTooLarge(f"this line is longer than {LINE_BYTES // 1024} kB; send less in one")
    try:
        value = await read_json(element.text, limits=LEDGER, at=at)
        return EventLineSent.model_validate(value)
    except Refusal as refusal:
        return refusal
    except ValidationError as invalid:
        words = "this is no event as it is sent; see errors"
        return BadEvent(words, faults=faults_within(invalid, at=at))


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


def _problem(number: int, refusal: Refusal, visit: Visit) -> dict[str, Any]:
    """Return a refused element's result; *visit* as a whole was not refused."""
    code = visit.problem
    body = respond_to(refusal, visit).body
    visit.problem = code
    return {"line": number, "problem": orjson.Fragment(bytes(body))}
