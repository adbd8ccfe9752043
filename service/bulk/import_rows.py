"""Rows of a file as the server takes them: accounts with facts, events, or outcomes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, Literal

from service.bulk.map_document import MapDocument, read_map
from service.bulk.mapping import ColumnPlan, UnreadableCell, plan_columns
from service.bulk.rows import BadRow, Input, Row
from service.rules import Attribute, Source, read_source
from service.web import rfc3339

__all__ = ["Bad", "Job", "Kinds", "Sendable", "Skipped", "plan_of", "rows_of", "written_in"]

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_IDENTITY: Final = "identity_"
_OWN: Final = {
    "accounts": ("account", "at"),
    "events": ("account", "kind", "at", "event_id", "currency"),
    "outcomes": (
        *("external_id", "decision", "account", "result", "at", "opened_at"),
        *("amount", "currency", "owner", "product", "event_id"),
    ),
}
_FLAGS: Final = {"true": True, "yes": True, "on": True, "1": True}
_FLAGS_NOT: Final = {"false": False, "no": False, "off": False, "0": False}

Kinds = Mapping[str, Mapping[str, str]]
"""By kind, the type of each of its quantities."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is imported, who says so, and whether it is only tried."""

    what: Literal["accounts", "events", "outcomes"]
    source: str
    at: str | None
    is_dry: bool


@dataclass(frozen=True, slots=True)
class Sendable:
    """A row as it is sent."""

    line: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bad:
    """A row that cannot be sent, and why."""

    line: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row of which the map says that it is none: its kind, or its result, is null."""

    line: int


def plan_of(
    job: Job, columns: Sequence[str] | None, *, map_text: str, kinds: Kinds
) -> tuple[MapDocument, ColumnPlan]:
    """Return how the columns of a file are read.

    A column that the map does not name is read under its own name: of accounts where that
    can be an attribute's, of events where it is one of theirs or a quantity of a kind, and of
    outcomes where it is one of theirs.

    Raises:
        InvalidMap: If the map cannot be used with this file.
        UnreadableFile: If no column can be read.
    """
    named = _named_in(read_source(map_text or "{}"))
    known = {name: _type_of(options) for name, options in named.items()}
    taken = {options.get("column", name) for name, options in named.items()}
    for column in (*_OWN[job.what], *(columns or ())):
        if column in taken or column in known or _NAME.fullmatch(column) is None:
            continue
        if job.what == "accounts" or column in _OWN[job.what] or _is_quantity(column, kinds):
            known[column] = "text"
    attributes = {
        name: Attribute(name=name, type=kind, label=name)  # type: ignore[arg-type]  # one of three
        for name, kind in known.items()
    }
    document, source = read_map(map_text or "{}", attributes)
    plan = plan_columns(attributes, columns, document=document, source=source)
    return document, plan


def rows_of(
    rows: Input, plan: ColumnPlan, *, job: Job, kinds: Kinds
) -> Iterator[Sendable | Bad | Skipped]:
    """Give each row as it is sent, or why it is not."""
    for row in rows:
        if isinstance(row, BadRow):
            yield Bad(row.line, "unreadable_row", row.reason)
            continue
        try:
            cells = _cells(row, plan, job)
            made = _made(cells, job, kinds)
        except UnreadableCell as unreadable:
            yield Bad(row.line, "unreadable_cell", str(unreadable))
        else:
            yield Skipped(row.line) if made is None else Sendable(row.line, made)


def _cells(row: Row, plan: ColumnPlan, job: Job) -> dict[str, object]:
    cells: dict[str, object] = {}
    for column in plan.read:
        try:
            value = column.read(row.cells)
        except UnreadableCell as unreadable:
            raise UnreadableCell(f"`{column.attribute}` {unreadable}") from None
        if value is not None and not (isinstance(value, str) and not value.strip()):
            cells[column.attribute] = value.strip() if isinstance(value, str) else value
    if job.what == "accounts" and "account" not in cells:
        raise UnreadableCell("there is no `account` in this row; it is the account's key")
    return cells


def _made(cells: dict[str, object], job: Job, kinds: Kinds) -> dict[str, Any] | None:
    """Return the body of a row; None where the map says that the row is none."""
    match job.what:
        case "accounts":
            return _account(cells, job)
        case "events":
            return _event(cells, job, kinds)
        case "outcomes":
            return _outcome(cells, job)


def _account(cells: dict[str, object], job: Job) -> dict[str, Any]:
    body: dict[str, Any] = {"account": str(cells.pop("account")), "source": job.source}
    at = cells.pop("at", job.at)
    if at is not None:
        body["at"] = _instant(at)
    identities = [
        {"system": name.removeprefix(_IDENTITY), "id": str(cells.pop(name))}
        for name in sorted(cells)
        if name.startswith(_IDENTITY)
    ]
    if identities:
        body["identities"] = identities
    return body | {"facts": {name: _fact(value) for name, value in cells.items()}}


def _event(cells: dict[str, object], job: Job, kinds: Kinds) -> dict[str, Any] | None:
    if "kind" not in cells:
        return None
    kind = str(cells.pop("kind"))
    identity = next((name for name in sorted(cells) if name.startswith(_IDENTITY)), None)
    body: dict[str, Any] = {"kind": kind, "source": job.source}
    if "account" in cells:
        body["account"] = str(cells.pop("account"))
    elif identity is not None:
        system = identity.removeprefix(_IDENTITY)
        body["identity"] = {"system": system, "id": str(cells[identity])}
    else:
        raise UnreadableCell("the row names no account; fill it in, or leave the row out")
    for needed in ("at", "event_id"):
        if needed not in cells:
            raise UnreadableCell(f"there is no `{needed}` in this row; an event needs it")
    body["at"] = _instant(cells.pop("at"))
    body["event_id"] = str(cells.pop("event_id"))
    if "currency" in cells:
        body["currency"] = str(cells.pop("currency"))
    types = kinds.get(kind, {})
    body["quantities"] = {
        name: _quantity(value, types.get(name))
        for name, value in cells.items()
        if not name.startswith(_IDENTITY)
    }
    return body


def _outcome(cells: dict[str, object], job: Job) -> dict[str, Any] | None:
    if "result" not in cells:
        return None
    if not cells.keys() & {"external_id", "decision", "account"}:
        words = "the row names no lead and no account; fill one in, or leave the row out"
        raise UnreadableCell(words)
    for needed in ("at", "event_id"):
        if needed not in cells:
            raise UnreadableCell(f"there is no `{needed}` in this row; an outcome needs it")
    body: dict[str, Any] = {name: str(value) for name, value in cells.items()}
    for name in ("at", "opened_at"):
        if name in cells:
            body[name] = _instant(cells[name], name)
    if "amount" in cells:
        body["amount"] = _quantity(cells["amount"], "money")
    return body | {"source": job.source}


def _quantity(value: object, kind: str | None) -> object:
    """Return a cell as a quantity of its type; what cannot be one, for the server to judge.

    Numbers go as texts, with the digits that stand in the file.
    """
    text = str(value).strip().lower()
    if kind == "flag":
        return {**_FLAGS, **_FLAGS_NOT}.get(text, value)
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        return f"{Decimal(repr(value)):f}"
    return str(value) if isinstance(value, int | Decimal) else _fact(value)


def _fact(value: object) -> object:
    """Return a cell as JSON has it."""
    match value:
        case datetime():
            return rfc3339(value if value.tzinfo else value.replace(tzinfo=UTC))
        case date():
            return value.isoformat()
        case Decimal():
            return str(value)
        case _:
            return value


def _instant(value: object, name: str = "at") -> str:
    """Return an instant as it is sent: a day begins at midnight, and without a zone it is UTC."""
    text = value.isoformat() if isinstance(value, date) else str(value)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        words = f"`{name}` is no day or instant such as 2026-01-31 or 2026-01-31T09:30:00Z"
        raise UnreadableCell(f"{words}; give the form of the day in the map") from None
    return rfc3339(at if at.tzinfo is not None else at.replace(tzinfo=UTC))


def written_in(map_text: str) -> dict[str, Any]:
    """Return the encoding and the delimiter that a map names, before its columns are known."""
    data = read_source(map_text or "{}").data
    found = data if isinstance(data, dict) else {}
    return {
        name: found[name]
        for name in ("encoding", "delimiter")
        if isinstance(found.get(name), str) and found[name]
    }


def _named_in(source: Source) -> dict[str, Mapping[str, Any]]:
    data = source.data if isinstance(source.data, Mapping) else {}
    columns = data.get("columns")
    if not isinstance(columns, Mapping):
        return {}
    return {
        str(name): options if isinstance(options, Mapping) else {"column": options}
        for name, options in columns.items()
    }


def _type_of(options: Mapping[str, Any]) -> str:
    """Return the type for which a map's options are made; any other is text."""
    if options.keys() & {"times", "decimal", "thousands"}:
        return "number"
    if "split" in options:
        return "list"
    return "date" if "date" in options else "text"


def _is_quantity(column: str, kinds: Kinds) -> bool:
    """Say whether events can have *column*; *kinds* are empty where something else is read."""
    is_one = any(column in quantities for quantities in kinds.values())
    return bool(kinds) and (is_one or column.startswith(_IDENTITY))
