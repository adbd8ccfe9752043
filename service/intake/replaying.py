"""Read deliveries again that a corrected map can read now, or put them aside."""

from collections.abc import Collection
from typing import ClassVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service.intake import delivery_store
from service.intake.connecting import existing
from service.intake.translating import ask_to_translate
from service.storage import append_audit, to_text
from service.web import House, Refusal

__all__ = ["DeliveryNotFound", "discard", "replay"]


class DeliveryNotFound(Refusal):
    """The connection sent no delivery of this id, or it is not in a state for this."""

    code: ClassVar[str] = "intake_delivery_not_found"

    def __init__(self) -> None:
        super().__init__("the connection has no such delivery in a state for this; list them")


async def replay(
    connection: AsyncConnection,
    connection_id: UUID,
    *,
    states: Collection[str],
    only: UUID | None = None,
    house: House,
    person: str,
) -> int:
    """Have deliveries in one of *states* read again, or *only* one; return how many.

    Raises:
        ConnectionNotFound: If there is no such connection.
        DeliveryNotFound: If *only* one was asked for and it is in none of *states*.
    """
    await existing(connection, connection_id)
    found = await delivery_store.wait_again(connection, connection_id, states=states, only=only)
    if only is not None and not found:
        raise DeliveryNotFound
    for delivery_id in found:
        await ask_to_translate(connection, delivery_id)
    await _tell(
        connection, "connections.replay", connection_id, house=house, by=person, count=len(found)
    )
    return len(found)


async def discard(
    connection: AsyncConnection,
    connection_id: UUID,
    delivery_id: UUID,
    *,
    house: House,
    person: str,
) -> None:
    """Put a parked delivery aside.

    Raises:
        DeliveryNotFound: If it is not parked.
    """
    row = await delivery_store.find(connection, connection_id, delivery_id)
    if row is None or row.state != "parked":
        raise DeliveryNotFound
    await delivery_store.set_state(connection, delivery_id, state="discarded")
    await _tell(connection, "connections.discard", connection_id, house=house, by=person, count=1)


async def _tell(
    connection: AsyncConnection,
    action: str,
    connection_id: UUID,
    *,
    house: House,
    by: str,
    count: int,
) -> None:
    await append_audit(
        connection,
        at=house.clock(),
        actor=by,
        action=action,
        subject=to_text("con", connection_id),
        payload={"deliveries": count},
    )
