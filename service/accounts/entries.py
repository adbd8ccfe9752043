"""What is told of an event, read: an entry for the ledger, or everything wrong with it.

There are two kinds of wrong. A *fault* is in what was sent: an amount that is no number,
an instant in 1899, another currency. A *gap* is in what we know: nobody declared the kind,
or a quantity it needs is missing; such an event can wait until somebody closes the gap.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from service.accounts.amounts import InexactNumber, as_json_number, read_amount, read_number
from service.accounts.kinds import AMOUNT, Kind, Quantity, Value
from service.web import Fault, pointer_to

__all__ = ["EARLIEST", "Entry", "Measure", "Told", "Wrong", "latest_at", "read_entry"]

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_AHEAD: Final = timedelta(days=1)
_LONGEST_TEXT: Final = 500
_RESERVED: Final = "reversal:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event as its source tells it, its parts of the right types."""

    kind: str
    at: datetime
    quantities: Mapping[str, object]
    source: str
    event_id: str
    currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event as the ledger keeps it; only whose it is stands elsewhere.

    *digest* is of what was told, without the defaults: they may be declared otherwise
    tomorrow, and the same event told again is still the same.
    """

    kind: str
    at: datetime
    amount: Decimal | None
    quantities: Mapping[str, Any]
    source: str
    event_id: str
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """Why an event is no entry: `faults` in what was sent, `gaps` in what is known."""

    faults: tuple[Fault, ...]
    gaps: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What an event is held against: the kinds there are, the one currency, the clock."""

    kinds: Mapping[str, Kind]
    currency: str
    now: datetime


def latest_at(now: datetime) -> datetime:
    """Return the last instant that an event can be of: clocks and time zones differ by a day."""
    return now + _AHEAD


def read_entry(told: Told, measure: Measure, *, at: str = "") -> Entry | Wrong:
    """Return the entry that *told* is, or everything that is wrong with it.

    *at* is the pointer to the event in what was sent.
    """
    faults = [*_faults_of(told, measure, at)]
    gaps: list[Fault] = []
    read: dict[str, Value] = {}
    kind = measure.kinds.get(told.kind)
    if kind is None:
        words = "nobody declared this kind; PUT /v1/event-kinds/{kind} does"
        gaps.append(Fault(code="unknown_kind", message=words, pointer=f"{at}/kind"))
    else:
        gaps += _gaps_of(told, kind, at)
        for name, value in told.quantities.items():
            quantity = kind.quantities.get(name)
            if quantity is None or value is None:
                continue
            try:
                read[name] = _read(value, quantity)
            except ValueError as wrong:
                pointer = f"{at}/quantities{pointer_to(name)}"
                faults.append(Fault(code="bad_quantity", message=str(wrong), pointer=pointer))
    if faults or gaps or kind is None:
        return Wrong(faults=tuple(faults), gaps=tuple(gaps))
    defaults = {name: q.default for name, q in kind.quantities.items() if q.default is not None}
    amount = (defaults | read).get(AMOUNT)
    return Entry(
        kind=told.kind,
        at=told.at,
        amount=amount if isinstance(amount, Decimal) else None,
        quantities=_as_json(defaults | read),
        source=told.source,
        event_id=told.event_id,
        digest=_digest(told, read),
    )


def _faults_of(told: Told, measure: Measure, at: str) -> Iterator[Fault]:
    if told.currency is not None and told.currency != measure.currency:
        words = f"amounts here are in {measure.currency}; convert it, or leave the event out"
        yield Fault(code="other_currency", message=words, pointer=f"{at}/currency")
    if told.at < EARLIEST:
        words = "an event is of 1970 or later; correct its year"
        yield Fault(code="too_early", message=words, pointer=f"{at}/at")
    elif told.at > latest_at(measure.now):
        words = "an event has happened, or will within a day; correct its instant"
        yield Fault(code="in_the_future", message=words, pointer=f"{at}/at")
    if told.event_id.startswith(_RESERVED):
        words = f"ids that begin with `{_RESERVED}` are ours; put something before it"
        yield Fault(code="reserved", message=words, pointer=f"{at}/event_id")


def _gaps_of(told: Told, kind: Kind, at: str) -> Iterator[Fault]:
    for name, quantity in kind.quantities.items():
        if quantity.required and told.quantities.get(name) is None:
            words = f"events of this kind need `{name}`; add it"
            pointer = f"{at}/quantities{pointer_to(name)}"
            yield Fault(code="missing_quantity", message=words, pointer=pointer)
    for name in told.quantities:
        if name not in kind.quantities:
            known = ", ".join(kind.quantities) or "none"
            words = f"the kind has no quantity of this name (it has: {known}); declare it, or mend"
            pointer = f"{at}/quantities{pointer_to(name)}"
            yield Fault(code="unknown_quantity", message=words, pointer=pointer)


def _read(value: object, quantity: Quantity) -> Value:
    match quantity.type:
        case "money" | "number":
            number = read_amount(value) if quantity.type == "money" else read_number(value)
            if quantity.min is not None and number < quantity.min:
                raise InexactNumber(f"this is at least {quantity.min}; correct its sign or value")
            if quantity.max is not None and number > quantity.max:
                raise InexactNumber(f"this is at most {quantity.max}; correct it")
            return number
        case "flag":
            if not isinstance(value, bool):
                raise ValueError("this is true or false; send one of them")  # noqa: TRY004 - of what was sent
            return value
        case "text" | "choice":
            return _text(value, quantity.choices)


def _text(value: object, choices: tuple[str, ...]) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("this is a text; send one that is not blank")
    text = value.strip()
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"this has up to {_LONGEST_TEXT} characters; shorten it")
    if choices and text not in choices:
        raise ValueError(f"this is one of {', '.join(choices)}; send one of them")
    return text


def _as_json(quantities: Mapping[str, Value | None]) -> dict[str, Any]:
    return {
        name: as_json_number(value) if isinstance(value, Decimal) else value
        for name, value in quantities.items()
        if name != AMOUNT
    }


def _digest(told: Told, read: Mapping[str, Value]) -> bytes:
    """Return BLAKE2b of what was told: 1.50 and 1.5 are the same, and so is any order."""
    values = {
        name: f"{value.normalize():f}" if isinstance(value, Decimal) else [value]
        for name, value in read.items()
    }
    content = json.dumps([told.kind, told.at.isoformat(), values], sort_keys=True)
    return hashlib.blake2b(content.encode(), digest_size=16).digest()
