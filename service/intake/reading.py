"""A payload to what it says of whom, by a map: pure, and total over whatever comes."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from service.intake.attribute_values import NOTHING, Unmappable, value_of
from service.intake.expressions import ExpressionFailed, evaluate, field_of
from service.intake.field_pairs import fields_of
from service.intake.instants import instant_of
from service.intake.map_document import EraseDocument, KindDocument, MapDocument

__all__ = ["Erasure", "Own", "Read", "Said", "Skipped", "Unmapped", "read_items"]

_MOST_ITEMS: Final = 4_000
_LONGEST_ID: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """By what we know our own hand: the properties we write, and as whom."""

    properties: frozenset[str] = frozenset()
    author: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What item *place* says of a subject. *at* is None where it does not say of when.

    *identity* is its id in the vendor's system; *is_partial* says that more is known there.
    *event* is the digest by which a repeat is known, None where nothing tells one.
    *rule_set* names the rules that the item asks for; somebody may wait for what they say.
    """

    place: int
    kind: str
    key: str
    identity: tuple[str, str] | None
    facts: Mapping[str, object]
    at: datetime | None
    event: bytes | None
    is_partial: bool
    rule_set: str | None = None
    is_waited_for: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """Item *place* asks us to forget somebody, by these identities."""

    place: int
    identities: tuple[tuple[str, str], ...]
    event: bytes | None


@dataclass(frozen=True, slots=True)
class Skipped:
    """Item *place* is none of our business; *why* is one word of a closed list."""

    place: int
    why: str


@dataclass(frozen=True, slots=True)
class Unmapped:
    """Item *place* should have been read and cannot be; *pointer* is a place in the map."""

    place: int
    code: str
    message: str
    pointer: str


Read = Said | Erasure | Skipped | Unmapped


def read_items(
    payload: object, document: MapDocument, *, own: Own, now: datetime
) -> Iterator[Read]:
    """Yield what each item of *payload* comes to, in order. Never raises for what it holds."""
    try:
        if document.accept is not None and not evaluate(document.accept, payload):
            yield Unmapped(0, "not_accepted", "`accept` of the map does not hold of it", "/accept")
            return
        is_waited_for = bool(document.reply and evaluate(document.reply.when, payload))
        found = evaluate(document.items, payload)
    except ExpressionFailed as failed:
        yield Unmapped(0, "expression_failed", str(failed), "/items")
        return
    items = found if isinstance(found, list) else [found]
    if found is None or len(items) > _MOST_ITEMS:
        words = f"`{document.items}` finds no items here, or more than {_MOST_ITEMS}"
        yield Unmapped(0, "no_items", words, "/items")
        return
    for place, item in enumerate(items):
        try:
            read = _read(place, item, document, own=own, now=now)
            yield _asked(read, item, document) if is_waited_for else read
        except Unmappable as unmappable:
            yield Unmapped(place, unmappable.code, str(unmappable), unmappable.pointer)


def _read(place: int, item: object, document: MapDocument, *, own: Own, now: datetime) -> Read:
    if not isinstance(item, dict):
        raise Unmappable("no_object", "the item is no object; let `items` find objects", "/items")
    event = _event_of(item, document)
    erase = document.erase
    if erase is not None and _find(erase.when, item, "/erase/when"):
        return Erasure(place=place, identities=_forgotten(item, erase, document), event=event)
    fields = fields_of(item, document.fields)
    foreign = {name: value for name, value in fields.items() if name not in own.properties}
    if (fields and not foreign) or _is_by_us(item, document, own):
        return Skipped(place, "our_own")
    seen = {**item, "fields": foreign}
    name, kind = _kind_of(seen, document)
    if kind is None:
        return Skipped(place, "no_kind")
    return _read_as(name, kind, place, item=seen, document=document, event=event, now=now)


def _read_as(
    name: str,
    kind: KindDocument,
    place: int,
    *,
    item: Mapping[str, Any],
    document: MapDocument,
    event: bytes | None,
    now: datetime,
) -> Said | Skipped:
    at = f"/kinds/{name}"
    if kind.deleted is not None and _find(kind.deleted, item, f"{at}/deleted"):
        return Skipped(place, "deleted")
    facts = _facts_of(item, kind, at)
    is_partial = kind.partial is not None and bool(_find(kind.partial, item, f"{at}/partial"))
    if not facts and not (is_partial and kind.attributes):
        return Skipped(place, "nothing_to_read")
    key, identity = _who(item, kind, document, at)
    told, pointer = (kind.at, f"{at}/at") if kind.at else (document.at, "/at")
    instant = None if told is None else instant_of(_find(told, item, pointer), pointer, now)
    return Said(
        place=place,
        kind=name,
        key=key,
        identity=identity,
        facts=facts,
        at=instant,
        event=event,
        is_partial=is_partial,
    )


def _asked(read: Read, item: object, document: MapDocument) -> Read:
    """Return what an item says together with which rules it asks for."""
    if not isinstance(read, Said) or document.reply is None:
        return read
    told = None
    if document.reply.rule_set is not None:
        told = _text(_find(document.reply.rule_set, item, "/reply/rule_set")).strip() or None
    return replace(read, rule_set=told, is_waited_for=True)


def _is_by_us(item: object, document: MapDocument, own: Own) -> bool:
    if own.author is None or document.author is None:
        return False
    return _text(_find(document.author, item, "/author")) == own.author


def _find(expression: str, item: object, pointer: str) -> Any:  # noqa: ANN401 - whatever it holds
    try:
        return evaluate(expression, item)
    except ExpressionFailed as failed:
        raise Unmappable("expression_failed", str(failed), pointer) from None


def _kind_of(item: object, document: MapDocument) -> tuple[str, KindDocument | None]:
    for name, kind in document.kinds.items():
        if kind is None:
            continue
        pointer = f"/kinds/{name}/when"
        if kind.when is None or _find(kind.when, item, pointer):
            return name, kind
    return "", None


def _facts_of(item: Mapping[str, Any], kind: KindDocument, at: str) -> dict[str, object]:
    """Return the attributes on which the item has a word; None takes one back."""
    facts: dict[str, object] = {}
    for name, attribute in kind.attributes.items():
        if attribute is None:
            continue
        pointer = f"{at}/attributes/{name}"
        value = value_of(_find(attribute.path, item, pointer), attribute, pointer)
        field = field_of(attribute.path)
        is_emptied = field is not None and field in item["fields"] and attribute.null == "remove"
        if value is not NOTHING:
            facts[name] = value
        elif is_emptied:
            facts[name] = None
    return facts


def _who(
    item: object, kind: KindDocument, document: MapDocument, at: str
) -> tuple[str, tuple[str, str] | None]:
    """Return our key for the subject of an item, and its identity in the vendor's system."""
    identity, key = None, None
    if kind.id is not None:
        found = _id(_find(kind.id, item, f"{at}/id"), f"{at}/id")
        identity = (document.system, found)
        key = f"{document.system}-{found}"[:_LONGEST_ID]
    if kind.key is not None:
        key = _id(_find(kind.key, item, f"{at}/key"), f"{at}/key")
    if key is None:
        words = "the map says neither an `id` nor a `key` of the subject; add one"
        raise Unmappable("no_id", words, at)
    if "/" in key and kind.subject == "account":
        raise Unmappable("bad_key", "an account's key has no slash; map another `key`", f"{at}/key")
    return key, identity


def _id(value: object, pointer: str) -> str:
    text = _text(value).strip()
    if not text or len(text) > _LONGEST_ID or not text.isprintable():
        words = "the item has no id there, of 1 to 200 characters; let the expression find one"
        raise Unmappable("no_id", words, pointer)
    return text


def _text(value: object) -> str:
    match value:
        case bool() | None | dict() | list():
            return ""
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def _event_of(item: Mapping[str, object], document: MapDocument) -> bytes | None:
    """Return the digest by which a repeat of an item is known."""
    told: object = None
    if document.event is not None:
        told = _find(document.event, item, "/event")
        if isinstance(told, list) and all(part is None for part in told):
            told = None
    elif document.at is not None and _find(document.at, item, "/at") is not None:
        told = item
    if told is None:
        return None
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).digest()


def _forgotten(
    item: object, erase: EraseDocument, document: MapDocument
) -> tuple[tuple[str, str], ...]:
    """Return who is to be forgotten: by e-mail, and by id in the vendor's system."""
    identities = []
    if erase.email is not None:
        identities.append(("email", _text(_find(erase.email, item, "/erase/email"))))
    if erase.external_id is not None:
        told = _text(_find(erase.external_id, item, "/erase/external_id"))
        identities.append((document.system, told))
    identities = [one for one in identities if one[1] and len(one[1]) <= _LONGEST_ID]
    if not identities:
        words = "the item asks us to forget somebody and does not say whom"
        raise Unmappable("no_id", words, "/erase")
    return tuple(identities)
