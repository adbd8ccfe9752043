"""Events and who takes them. SQL only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.delivery.event_types import EventType

__all__ = ["Taker", "add_deliveries", "add_events", "forget_old", "list_takers"]

_TAKERS: Final = text(
    """
    SELECT kind, endpoint.id, outcomes FROM unnest(CAST(:kinds AS text[])) AS kind
    JOIN endpoint ON state = 'enabled' AND (events = '{}' OR kind = ANY (events))
    ORDER BY endpoint.id
    """
)
_EVENTS: Final = text(
    """
    INSERT INTO event (id, type, at, body, about)
    SELECT * FROM unnest(
        CAST(:ids AS uuid[]), CAST(:types AS text[]), CAST(:instants AS timestamptz[]),
        CAST(:bodies AS bytea[]), CAST(:subjects AS text[])
    )
    """
)
_DELIVERIES: Final = text(
    """
    INSERT INTO delivery (id, event_id, endpoint_id, state, next_at, generation, attempts, base,
                          created_at)
    SELECT id, event_id, endpoint_id, 'waiting', clock_timestamp(), 0, 0, 0, created_at
    FROM unnest(
        CAST(:ids AS uuid[]), CAST(:events AS uuid[]), CAST(:endpoints AS uuid[]),
        CAST(:instants AS timestamptz[])
    ) AS given (id, event_id, endpoint_id, created_at)
    """
)
_FORGET: Final = text(
    """
    DELETE FROM event WHERE id IN (
        SELECT id FROM event WHERE at < clock_timestamp() - CAST(:older AS interval)
        LIMIT :most FOR UPDATE SKIP LOCKED
    )
    """
)


@dataclass(frozen=True, slots=True)
class Taker:
    """An endpoint that takes a type of event; where *outcomes* are named, only about those."""

    endpoint: UUID
    outcomes: frozenset[str]

    def hears(self, outcome: str | None) -> bool:
        """Return whether it takes an event about *outcome*, None where it is about none."""
        return outcome is None or not self.outcomes or outcome in self.outcomes


async def list_takers(
    connection: AsyncConnection, kinds: Sequence[EventType]
) -> Mapping[EventType, Sequence[Taker]]:
    """Return the enabled endpoints that take events of each of *kinds*."""
    found: dict[EventType, list[Taker]] = {}
    rows = await connection.execute(_TAKERS, {"kinds": [kind.value for kind in kinds]})
    for kind, endpoint, outcomes in rows:
        found.setdefault(EventType(kind), []).append(Taker(endpoint, frozenset(outcomes)))
    return found


async def add_events(
    connection: AsyncConnection, events: Sequence[tuple[UUID, str, datetime, bytes, str | None]]
) -> None:
    """Keep events: id, type, instant, bytes, whom they are about."""
    names = ("ids", "types", "instants", "bodies", "subjects")
    columns = zip(*events, strict=True)
    await connection.execute(
        _EVENTS, {name: list(column) for name, column in zip(names, columns, strict=True)}
    )


async def add_deliveries(
    connection: AsyncConnection, deliveries: Sequence[tuple[UUID, UUID, UUID, datetime]]
) -> None:
    """Keep deliveries that are due at once: id, event, endpoint, instant."""
    names = ("ids", "events", "endpoints", "instants")
    columns = zip(*deliveries, strict=True)
    await connection.execute(
        _DELIVERIES, {name: list(column) for name, column in zip(names, columns, strict=True)}
    )


async def forget_old(connection: AsyncConnection, *, older: timedelta, most: int) -> int:
    """Remove up to *most* events that happened longer ago than *older*, with their deliveries."""
    return (await connection.execute(_FORGET, {"older": older, "most": most})).rowcount
