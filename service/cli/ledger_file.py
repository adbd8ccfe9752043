"""A file of events, one JSON object a line as `POST /v1/events` takes them, to measure from."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from io import BufferedReader
from pathlib import Path
from typing import Final

from service.accounts import AMOUNT, BUILT_IN, Told, Wrong, read_entry
from service.accounts import Measure as HeldAgainst
from service.bulk import UnreadableJson, read_object
from service.cli.screen import refuse
from service.rules import Event

__all__ = ["read_events"]

_LONGEST_LINE: Final = 64 * 1024
_MOST: Final = 100_000
_MEMBERS: Final = frozenset(
    {"account", "identity", "kind", "at", "quantities", "source", "event_id", "currency"}
)


def read_events(name: str) -> tuple[Event, ...]:
    """Return the events in the file *name*; where a line is none, name it and end with 2.

    Whose they are is not looked at: the file is one account's ledger. One that the same source
    told twice counts once. Kinds that are built in are held to what the ledger asks of them,
    with their defaults; of any other kind, what an event says is taken as it is.
    """
    found: dict[tuple[str, str], Event] = {}
    try:
        with Path(name).open("rb") as lines:
            for number, line in enumerate(_lines(lines, name), start=1):
                if line.strip():
                    event = _read(line, number, name)
                    found.setdefault((event.source, event.id), event)
    except OSError as error:
        refuse(f"`{name}` cannot be read: {(error.strerror or 'it is no file').lower()}")
    return tuple(found.values())


def _lines(opened: BufferedReader, name: str) -> Iterator[bytes]:
    for number in range(1, _MOST + 2):
        line = opened.readline(_LONGEST_LINE + 1)
        if not line:
            return
        if number > _MOST:
            refuse(f"`{name}` has more than {_MOST:,} events; leave out those that do not count")
        if len(line) > _LONGEST_LINE:
            refuse(f"`{name}`:{number}: the line is longer than 64 kB")
        yield line


def _read(line: bytes, number: int, name: str) -> Event:
    try:
        told = _told(read_object(line), number)
    except UnreadableJson as error:
        refuse(f"`{name}`:{number}: {error}")
    if told.kind not in BUILT_IN:
        return Event(
            kind=told.kind,
            at=told.at,
            quantities=told.quantities,
            source=told.source,
            id=told.event_id,
        )
    # Later events are not seen, as nowhere; here they are no fault of the file.
    measure = HeldAgainst(kinds=BUILT_IN, currency=told.currency or "", now=told.at)
    entry = read_entry(told, measure)
    if isinstance(entry, Wrong):
        wrong = (*entry.faults, *entry.gaps)[0]
        refuse(f"`{name}`:{number}{wrong.pointer or ''}: {wrong.message}")
    amount = {} if entry.amount is None else {AMOUNT: entry.amount}
    return Event(
        kind=entry.kind,
        at=entry.at,
        quantities={**entry.quantities, **amount},
        source=entry.source,
        id=entry.event_id,
    )


def _told(said: Mapping[str, object], number: int) -> Told:
    """Return what a line says.

    Raises:
        UnreadableJson: If it lacks something, or holds something else.
    """
    unknown = sorted(said.keys() - _MEMBERS)
    if unknown:
        raise UnreadableJson(f"`{unknown[0][:64]}` is no member of an event")
    quantities = said.get("quantities", {})
    if not isinstance(quantities, dict):
        raise UnreadableJson('`quantities` is not an object; write {"hours": 2}')
    return Told(
        kind=_text(said, "kind"),
        at=_instant(_text(said, "at")),
        quantities=quantities,
        source=_text(said, "source", default="file"),
        event_id=_text(said, "event_id", default=f"line {number}"),
        currency=_text(said, "currency", default="") or None,
    )


def _text(said: Mapping[str, object], name: str, *, default: str | None = None) -> str:
    value = said.get(name, default)
    if not isinstance(value, str):
        words = "is missing" if value is None else "is not a text"
        raise UnreadableJson(f"`{name}` {words}")
    return value


def _instant(text: str) -> datetime:
    words = "`at` is not an instant with its time zone, such as 2026-01-31T09:00:00Z"
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UnreadableJson(words) from None
    if at.tzinfo is None:
        raise UnreadableJson(words)
    return at
