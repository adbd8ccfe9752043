"""Declare kinds of events and what is known of their sources."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts import declared_store as store
from service.accounts.amounts import as_json_number
from service.accounts.kinds import BUILT_IN, Kind, Quantity, Value, narrowings
from service.rules import nearest
from service.storage import append_audit
from service.web import Fault, Refusal, pointer_to

__all__ = [
    "NarrowedKind",
    "Source",
    "UnknownKind",
    "declare_kind",
    "declare_source",
    "last_declared_at",
    "read_kinds",
    "read_ranks",
    "read_sources",
]


class NarrowedKind(Refusal):
    """A declaration takes away what events of the past have."""

    code: ClassVar[str] = "kind_narrowed"


class UnknownKind(Refusal):
    """A source is said to report kinds that nobody declared."""

    code: ClassVar[str] = "unknown_kind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is known of a source.

    The word of a source with a higher *rank* stands against a newer one of a lower. It
    *reports* the kinds of which it tells every event; None where nobody said which.
    """

    name: str
    rank: int = 0
    reports: frozenset[str] | None = None


async def read_kinds(connection: AsyncConnection) -> dict[str, Kind]:
    """Return every kind there is, ours first, each as it is declared now."""
    declared = {row.kind: _kind_of(row) for row in await store.list_kinds(connection)}
    return {**BUILT_IN, **declared}


async def declare_kind(
    connection: AsyncConnection, kind: Kind, *, person: str, now: datetime
) -> None:
    """Declare *kind*, in place of what was declared under its name before.

    Raises:
        NarrowedKind: If it lacks a quantity that events may have, or gives it another type.
    """
    row = await store.find_kind(connection, kind.name)
    before = BUILT_IN.get(kind.name) if row is None else _kind_of(row)
    if before is not None and (taken := narrowings(before, kind)):
        words = "events of this kind exist; a declaration may only add to it"
        faults = [
            Fault(code="narrowed", message=said, pointer=f"/quantities{pointer_to(name)}")
            for name, said in taken.items()
        ]
        raise NarrowedKind(words, faults=faults)
    await store.put_kind(
        connection,
        kind=kind.name,
        document=_document_of(kind),
        updated_at=now,
        updated_by=person,
    )
    await append_audit(
        connection,
        at=now,
        actor=person,
        action="accounts.declare_kind",
        subject=kind.name,
        payload={"quantities": sorted(kind.quantities)},
    )


async def read_sources(connection: AsyncConnection) -> dict[str, Source]:
    """Return every source of which something was said, by name."""
    return {
        row.name: Source(
            name=row.name,
            rank=row.rank,
            reports=None if row.reports is None else frozenset(row.reports),
        )
        for row in await store.list_sources(connection)
    }


async def read_ranks(connection: AsyncConnection) -> dict[str, int]:
    """Return the rank of every source that has one."""
    return {row.name: row.rank for row in await store.list_sources(connection) if row.rank}


async def last_declared_at(connection: AsyncConnection) -> datetime | None:
    """Return when something was last said of any source: what they report may rest on it."""
    return await store.last_put_at(connection)


async def declare_source(
    connection: AsyncConnection, source: Source, *, person: str, now: datetime
) -> None:
    """Say how much the word of a source weighs, and which kinds it reports.

    Raises:
        UnknownKind: If nobody declared one of the kinds.
    """
    reports = None if source.reports is None else sorted(source.reports)
    known = await read_kinds(connection)
    faults = [
        Fault(
            code="unknown_kind",
            message="nobody declared this kind; PUT /v1/event-kinds/{kind} does",
            pointer=f"/reports/{place}",
            suggestion=nearest(kind, known),
        )
        for place, kind in enumerate(reports or ())
        if kind not in known
    ]
    if faults:
        raise UnknownKind("a source can only report kinds that are declared", faults=faults)
    await store.put_source(
        connection,
        name=source.name,
        rank=source.rank,
        reports=reports,
        updated_at=now,
        updated_by=person,
    )
    await append_audit(
        connection,
        at=now,
        actor=person,
        action="accounts.declare_source",
        subject=source.name,
        payload={"rank": source.rank, "reports": reports},
    )


def _document_of(kind: Kind) -> dict[str, Any]:
    return {
        "title": kind.title,
        "quantities": {name: _described(one) for name, one in kind.quantities.items()},
    }


def _described(quantity: Quantity) -> dict[str, Any]:
    return {
        "type": quantity.type,
        "required": quantity.required,
        "default": _shown(quantity.default),
        "choices": list(quantity.choices),
        "min": _shown(quantity.min),
        "max": _shown(quantity.max),
    }


def _kind_of(row: Row[Any]) -> Kind:
    quantities = {name: _quantity_of(one) for name, one in row.document["quantities"].items()}
    title = row.document["title"]
    return Kind(name=row.kind, title=title, quantities=quantities, is_ours=row.kind in BUILT_IN)


def _quantity_of(described: Mapping[str, Any]) -> Quantity:
    return Quantity(
        type=described["type"],
        required=described["required"],
        default=_exact(described["default"]),
        choices=tuple(described["choices"]),
        min=_number(described["min"]),
        max=_number(described["max"]),
    )


def _shown(value: Value | None) -> Any:  # noqa: ANN401 - a JSON value
    return as_json_number(value) if isinstance(value, Decimal) else value


def _exact(value: Any) -> Value | None:  # noqa: ANN401 - a JSON value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return _number(value) if is_number else value


def _number(value: Any) -> Decimal | None:  # noqa: ANN401 - a JSON value
    return None if value is None else Decimal(repr(value))
