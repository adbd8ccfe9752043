"""Endpoints and their deliveries, as their owner asks about them. SQL only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage.tables import AttemptRow, DeliveryRow, EndpointRow, EventRow

__all__ = ["DeliveryFilters", "add_delivery", "add_endpoint", "change_endpoint", "disable"]
__all__ += ["find_delivery", "find_endpoint", "list_attempts", "list_deliveries", "list_endpoints"]
__all__ += ["remove_endpoint", "send_again", "send_range_again"]

_OVER = ("delivered", "failed", "cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilters:
    """Which deliveries of an endpoint; None is any."""

    endpoint: UUID
    state: str | None = None
    event_type: str | None = None

    def to_json(self) -> dict[str, object]:
        """Return what a cursor is bound to."""
        return {"endpoint": str(self.endpoint), "state": self.state, "type": self.event_type}


async def add_endpoint(connection: AsyncConnection, values: Mapping[str, object]) -> None:
    """Keep a new endpoint."""
    await connection.execute(insert(EndpointRow).values(**values))


async def find_endpoint(
    connection: AsyncConnection, endpoint_id: UUID, *, to_change: bool = False
) -> Row[Any] | None:
    """Return an endpoint, locked where it is to be changed."""
    statement = select(EndpointRow.__table__).where(EndpointRow.id == endpoint_id)
    if to_change:
        # Not its key: whoever adds a delivery to it, as another one does that is switched off,
        # need not wait.
        statement = statement.with_for_update(key_share=True)
    row: Row[Any] | None = (await connection.execute(statement)).first()
    return row


async def list_endpoints(
    connection: AsyncConnection, *, before: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Return endpoints, the newest first."""
    statement = select(EndpointRow.__table__)
    if before is not None:
        statement = statement.where(EndpointRow.id < before)
    return (await connection.execute(statement.order_by(EndpointRow.id.desc()).limit(limit))).all()


async def change_endpoint(
    connection: AsyncConnection, endpoint_id: UUID, values: Mapping[str, object]
) -> None:
    """Set columns of an endpoint; it becomes another state of itself."""
    await connection.execute(
        update(EndpointRow)
        .where(EndpointRow.id == endpoint_id)
        .values(row_version=EndpointRow.row_version + 1, **values)
    )


async def disable(
    connection: AsyncConnection, endpoint_id: UUID, *, at: datetime, because: str
) -> Row[Any] | None:
    """Switch an endpoint off and return it; None where it is off, or gone, already."""
    statement = (
        update(EndpointRow)
        .where(EndpointRow.id == endpoint_id, EndpointRow.state == "enabled")
        .values(
            state="disabled",
            disabled_at=at,
            disabled_because=because,
            row_version=EndpointRow.row_version + 1,
        )
        .returning(EndpointRow.__table__)
    )
    row: Row[Any] | None = (await connection.execute(statement)).first()
    return row


async def remove_endpoint(connection: AsyncConnection, endpoint_id: UUID) -> None:
    """Remove an endpoint with its deliveries."""
    await connection.execute(delete(EndpointRow).where(EndpointRow.id == endpoint_id))


async def add_delivery(connection: AsyncConnection, values: Mapping[str, object]) -> None:
    """Keep one delivery that is due at once."""
    await connection.execute(
        insert(DeliveryRow).values(
            state="waiting",
            next_at=func.clock_timestamp(),
            generation=0,
            attempts=0,
            base=0,
            **values,
        )
    )


async def find_delivery(connection: AsyncConnection, delivery_id: UUID) -> Row[Any] | None:
    """Return a delivery with its event."""
    statement = _deliveries().where(DeliveryRow.id == delivery_id)
    row: Row[Any] | None = (await connection.execute(statement)).first()
    return row


async def list_deliveries(
    connection: AsyncConnection, filters: DeliveryFilters, *, before: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Return deliveries of an endpoint with their events, the newest first."""
    statement = _deliveries().where(DeliveryRow.endpoint_id == filters.endpoint)
    if filters.state is not None:
        statement = statement.where(DeliveryRow.state == filters.state)
    if filters.event_type is not None:
        statement = statement.where(EventRow.type == filters.event_type)
    if before is not None:
        statement = statement.where(DeliveryRow.id < before)
    found = await connection.execute(statement.order_by(DeliveryRow.id.desc()).limit(limit))
    rows: Sequence[Row[Any]] = found.all()
    return rows


async def list_attempts(
    connection: AsyncConnection, deliveries: Sequence[UUID]
) -> Mapping[UUID, list[Row[Any]]]:
    """Return the attempts of each delivery, the first one first."""
    statement = (
        select(AttemptRow.__table__)
        .where(AttemptRow.delivery_id.in_(deliveries))
        .order_by(AttemptRow.delivery_id, AttemptRow.number)
    )
    found: dict[UUID, list[Row[Any]]] = {one: [] for one in deliveries}
    for row in await connection.execute(statement):
        found[row.delivery_id].append(row)
    return found


async def send_again(connection: AsyncConnection, delivery_id: UUID) -> bool:
    """Make a delivery that is over due anew, with all attempts before it; False where it is not."""
    statement = _again().where(DeliveryRow.id == delivery_id).returning(DeliveryRow.id)
    return (await connection.execute(statement)).first() is not None


async def send_range_again(
    connection: AsyncConnection,
    endpoint_id: UUID,
    *,
    since: datetime,
    until: datetime,
    states: Sequence[str],
    most: int,
) -> int:
    """Make up to *most* deliveries of an endpoint due anew, the oldest first; return how many."""
    some = (
        select(DeliveryRow.id)
        .join(EventRow, EventRow.id == DeliveryRow.event_id)
        .where(
            DeliveryRow.endpoint_id == endpoint_id,
            DeliveryRow.state.in_(states),
            DeliveryRow.created_at >= since,
            DeliveryRow.created_at < until,
            EventRow.body.is_not(None),
        )
        .order_by(DeliveryRow.id)
        .limit(most)
        .with_for_update(of=DeliveryRow, skip_locked=True)
    )
    statement = _again().where(DeliveryRow.id.in_(some)).returning(DeliveryRow.id)
    return len((await connection.execute(statement)).all())


def _again() -> Any:  # noqa: ANN401 - SQLAlchemy's own word for an update
    return (
        update(DeliveryRow)
        .where(
            DeliveryRow.state.in_(_OVER),
            DeliveryRow.event_id.in_(select(EventRow.id).where(EventRow.body.is_not(None))),
        )
        .values(
            state="waiting",
            base=DeliveryRow.attempts,
            next_at=func.clock_timestamp(),
            generation=DeliveryRow.generation + 1,
            first_attempt_at=None,
            delivered_at=None,
        )
    )


def _deliveries() -> Select[Any]:
    return select(
        DeliveryRow.__table__,
        EventRow.type.label("event_type"),
        EventRow.at.label("event_at"),
        EventRow.body.is_(None).label("is_erased"),
    ).join(EventRow, EventRow.id == DeliveryRow.event_id)
