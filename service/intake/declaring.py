"""Bring connections to what somebody declared of them, all or none, and say what that changed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.intake import store
from service.intake.connecting import (
    Connection,
    change,
    connect,
    connection_of,
    members_of,
    secrets_of,
)
from service.intake.connection_document import (
    ConnectionDeclared,
    ConnectionSent,
    InvalidConnection,
)
from service.intake.writing_back import ask_to_write
from service.web import Fault, House, pointer_to

__all__ = ["Applied", "Difference", "apply_declared"]

State = Literal["created", "changed", "unchanged"]
_NOTHING: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One part of a connection that is not as it was; *at* is a pointer into it."""

    at: str
    change: Literal["added", "changed", "removed"]
    before: Any = None
    after: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """One connection as it is now; *secrets* says of each that was given whether it is news."""

    known: Connection
    state: State
    differences: tuple[Difference, ...]
    secrets: Mapping[str, str]


async def apply_declared(
    connection: AsyncConnection,
    declared: Mapping[str, ConnectionDeclared],
    *,
    house: House,
    person: str,
) -> list[Applied]:
    """Make and change connections until they are as *declared*; others are left alone.

    A document replaces the one that was there. A secret that is not given stays; so to apply the
    same again changes nothing.

    Raises:
        InvalidConnection: If some could not work, with every mistake of every one.
    """
    applied, faults = [], []
    for name, one in sorted(declared.items()):
        row = await store.find_named(connection, name, locked=True)
        try:
            applied.append(await _apply(connection, name, one, row, house=house, person=person))
        except InvalidConnection as invalid:
            at = pointer_to("connections", name)
            faults += [
                replace(fault, pointer=at + (fault.pointer or "")) for fault in invalid.faults
            ]
    if faults:
        words = "some connections cannot work as they are declared; see errors"
        raise InvalidConnection(words, faults=faults)
    return applied


async def _apply(
    connection: AsyncConnection,
    name: str,
    declared: ConnectionDeclared,
    row: Row[Any] | None,
    *,
    house: House,
    person: str,
) -> Applied:
    document = members_of(declared)
    if row is None:
        # What was not said stays unsaid: the document is kept as it was written.
        said = {field: getattr(declared, field) for field in declared.model_fields_set}
        made = await connect(
            connection, ConnectionSent(name=name, **said), house=house, person=person
        )
        await _ask_to_write(connection, made)
        told = dict.fromkeys(made.secrets, "added")
        differences = tuple(_differences({}, document))
        return Applied(known=made, state="created", differences=differences, secrets=told)
    if row.preset != declared.preset:
        words = f"it is one of `{row.preset}`, and that stays; remove it first, or declare that"
        fault = Fault(code="other_preset", message=words, pointer="/preset")
        raise InvalidConnection("a connection keeps its preset", faults=[fault])
    known = connection_of(row, house.settings)
    told = _news_of(known.secrets, secrets_of(declared.secrets))
    differences = tuple(_differences(row.document, document))
    if not differences and set(told.values()) <= {"unchanged"}:
        return Applied(known=known, state="unchanged", differences=(), secrets=told)
    changed = await change(
        connection,
        row.id,
        document,
        is_whole=True,
        secrets=declared.secrets,
        house=house,
        person=person,
    )
    await _ask_to_write(connection, changed)
    return Applied(known=changed, state="changed", differences=differences, secrets=told)


async def _ask_to_write(connection: AsyncConnection, known: Connection) -> None:
    if known.resolved.writes.targets:
        await ask_to_write(connection, known.id)


def _news_of(kept: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, str]:
    """Return of each secret that is given whether the connection has it already."""
    news = {}
    for name, value in given.items():
        is_same = "unchanged" if kept.get(name) == value else "changed"
        news[name] = is_same if name in kept else "added"
    return news


def _differences(before: object, after: object, at: str = "") -> Iterator[Difference]:
    """Yield what is not the same in two JSON values, member by member; a list is one part."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            there, here = before.get(name, _NOTHING), after.get(name, _NOTHING)
            yield from _differences(there, here, at + pointer_to(name))
    elif before is _NOTHING:
        yield Difference(at=at, change="added", after=after)
    elif after is _NOTHING:
        yield Difference(at=at, change="removed", before=before)
    else:
        yield Difference(at=at, change="changed", before=before, after=after)
