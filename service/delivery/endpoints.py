"""Endpoints as their owner makes, changes and removes them: each time with an entry in the audit.

A secret is shown when it is made and never again; it is kept sealed, for we have to sign.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.delivery import endpoint_store, event_store
from service.delivery.announcing import Announcement, announce, body_of
from service.delivery.event_types import EventType
from service.delivery.reaching import Reach, Unreachable, check_address, check_url
from service.delivery.signing import make_secret
from service.storage import Sealer, append_audit, to_text
from service.web import Fault, Refusal, rfc3339

__all__ = ["DeliveryNotFound", "EndpointDisabled", "EndpointNotFound", "EndpointUnusable"]
__all__ += ["Hand", "NotOver", "change", "create", "existing", "existing_delivery", "remove"]
__all__ += ["rotate", "seal_name", "send_test", "switch_off"]

OLD_SECRET_LASTS: Final = timedelta(hours=24)


class EndpointNotFound(Refusal):
    """No endpoint has this id."""

    code: ClassVar[str] = "endpoint_not_found"

    def __init__(self) -> None:
        super().__init__("there is no endpoint with this id; list them with GET /v1/endpoints")


class DeliveryNotFound(Refusal):
    """No delivery has this id."""

    code: ClassVar[str] = "delivery_not_found"

    def __init__(self) -> None:
        super().__init__("there is no delivery with this id; list those of an endpoint")


class EndpointUnusable(Refusal):
    """Nothing may be sent to an address."""

    code: ClassVar[str] = "endpoint_unusable"


class EndpointDisabled(Refusal):
    """An endpoint that is switched off is sent nothing."""

    code: ClassVar[str] = "endpoint_disabled"

    def __init__(self) -> None:
        words = 'the endpoint is switched off; switch it on by PATCH with {"state": "enabled"}'
        super().__init__(words)


class NotOver(Refusal):
    """A delivery is still on its way, or what it told was erased."""

    code: ClassVar[str] = "delivery_not_over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """Who changes something, when, and with what."""

    person: str
    at: datetime
    new_uuid: Callable[[datetime], UUID]
    sealer: Sealer


async def check_reachable(url: str, reach: Reach) -> None:
    """Return where *url* may be sent to; outside any transaction, for it asks the network.

    A name that leads nowhere now is let through: every attempt looks again.

    Raises:
        EndpointUnusable: If it may not.
    """
    try:
        await check_address(check_url(url, reach), reach)
    except Unreachable as error:
        fault = Fault(code="unreachable", message=str(error), pointer="/url")
        raise EndpointUnusable(f"nothing can be sent there; {error}", faults=[fault]) from None
    except OSError:
        return


async def create(
    connection: AsyncConnection,
    *,
    url: str,
    description: str,
    events: Sequence[str],
    outcomes: Sequence[str],
    hand: Hand,
) -> tuple[Row[Any], str]:
    """Make an endpoint; return it and its secret."""
    endpoint_id, secret = hand.new_uuid(hand.at), make_secret()
    values = {
        "id": endpoint_id,
        "url": url,
        "description": description,
        "events": sorted(set(events)),
        "outcomes": sorted(set(outcomes)),
        "state": "enabled",
        "secret": hand.sealer.seal(secret.encode(), about=seal_name(endpoint_id)),
        "row_version": 1,
        "created_at": hand.at,
        "created_by": hand.person,
    }
    await endpoint_store.add_endpoint(connection, values)
    noted = {name: values[name] for name in ("url", "events", "outcomes")}
    await _note(connection, "create", endpoint_id, hand, noted)
    return await existing(connection, endpoint_id), secret


async def change(
    connection: AsyncConnection, row: Row[Any], changes: Mapping[str, Any], *, hand: Hand
) -> Row[Any]:
    """Set what is in *changes*: `url`, `description`, `events`, `outcomes`, `state`.

    Switched on, it starts afresh, and what waited for it goes out.
    """
    values = dict(changes)
    if values.get("state") == "enabled":
        values |= {"disabled_at": None, "disabled_because": None, "failing_since": None}
    elif values.get("state") == "disabled" and row.state == "enabled":
        values |= {"disabled_at": hand.at, "disabled_because": "asked"}
    for name in {"events", "outcomes"} & values.keys():
        values[name] = sorted(set(values[name]))
    await endpoint_store.change_endpoint(connection, row.id, values)
    if values.get("state") == "disabled" and row.state == "enabled":
        await _announce_disabled(connection, row.id, because="asked", hand=hand)
    await _note(connection, "change", row.id, hand, dict(changes))
    return await existing(connection, row.id)


async def remove(connection: AsyncConnection, endpoint_id: UUID, *, hand: Hand) -> None:
    """Remove an endpoint with all that was sent to it.

    Raises:
        EndpointNotFound: If there is none.
    """
    row = await existing(connection, endpoint_id, to_change=True)
    await endpoint_store.remove_endpoint(connection, endpoint_id)
    await _note(connection, "remove", endpoint_id, hand, {"url": row.url})


async def rotate(
    connection: AsyncConnection, endpoint_id: UUID, *, lasts: timedelta, hand: Hand
) -> tuple[Row[Any], str]:
    """Give an endpoint a fresh secret; the one it had signs too while it *lasts*.

    Raises:
        EndpointNotFound: If there is none.
    """
    row = await existing(connection, endpoint_id, to_change=True)
    secret = make_secret()
    values = {
        "secret": hand.sealer.seal(secret.encode(), about=seal_name(endpoint_id)),
        "old_secret": row.secret if lasts else None,
        "old_secret_until": hand.at + lasts if lasts else None,
    }
    await endpoint_store.change_endpoint(connection, endpoint_id, values)
    told = {"old_until": rfc3339(hand.at + lasts)}
    await _note(connection, "rotate_secret", endpoint_id, hand, told)
    return await existing(connection, endpoint_id), secret


async def send_test(connection: AsyncConnection, row: Row[Any], *, hand: Hand) -> UUID:
    """Send an event of no meaning to an endpoint, whatever it takes; return the delivery's id.

    Raises:
        EndpointDisabled: If it is switched off.
    """
    if row.state != "enabled":
        raise EndpointDisabled
    event = Announcement(
        id=hand.new_uuid(hand.at),
        type=EventType.ENDPOINT_TEST,
        at=hand.at,
        data={"endpoint": to_text("whe", row.id), "asked_by": hand.person},
    )
    delivery_id = hand.new_uuid(hand.at)
    await event_store.add_events(
        connection, [(event.id, event.type, event.at, body_of(event), None)]
    )
    values = {"id": delivery_id, "event_id": event.id, "endpoint_id": row.id, "created_at": hand.at}
    await endpoint_store.add_delivery(connection, values)
    return delivery_id


async def switch_off(
    connection: AsyncConnection, endpoint_id: UUID, *, because: str, hand: Hand
) -> bool:
    """Switch an endpoint off by ourselves and say so; return whether it was on."""
    row = await endpoint_store.disable(connection, endpoint_id, at=hand.at, because=because)
    if row is None:
        return False
    await _announce_disabled(connection, endpoint_id, because=because, hand=hand)
    await _note(connection, "disable", endpoint_id, hand, {"because": because})
    return True


async def existing(
    connection: AsyncConnection, endpoint_id: UUID, *, to_change: bool = False
) -> Row[Any]:
    """Return an endpoint.

    Raises:
        EndpointNotFound: If there is none.
    """
    row = await endpoint_store.find_endpoint(connection, endpoint_id, to_change=to_change)
    if row is None:
        raise EndpointNotFound
    return row


async def existing_delivery(connection: AsyncConnection, delivery_id: UUID) -> Row[Any]:
    """Return a delivery with its event.

    Raises:
        DeliveryNotFound: If there is none.
    """
    row = await endpoint_store.find_delivery(connection, delivery_id)
    if row is None:
        raise DeliveryNotFound
    return row


def seal_name(endpoint_id: UUID) -> str:
    """Return what the secrets of an endpoint are sealed for."""
    return f"endpoint {endpoint_id}"


async def _announce_disabled(
    connection: AsyncConnection, endpoint_id: UUID, *, because: str, hand: Hand
) -> None:
    data = {"endpoint": to_text("whe", endpoint_id), "because": because, "at": rfc3339(hand.at)}
    event = Announcement(
        id=hand.new_uuid(hand.at), type=EventType.ENDPOINT_DISABLED, at=hand.at, data=data
    )
    await announce(connection, event)


async def _note(
    connection: AsyncConnection, verb: str, endpoint_id: UUID, hand: Hand, payload: dict[str, Any]
) -> None:
    await append_audit(
        connection,
        at=hand.at,
        actor=hand.person,
        action=f"delivery.{verb}",
        subject=to_text("whe", endpoint_id),
        payload=payload,
    )
