"""`/v1/connections/{id}/deliveries`: what came in, read again when the map is corrected."""

from dataclasses import replace
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response

from service.decisions import AtDesk
from service.intake import delivery_store
from service.intake.connecting import connection_of, existing
from service.intake.connection_document import ConnectionDocument, resolve
from service.intake.connection_showing import delivery_shown
from service.intake.delivery_schemas import (
    DeliveryPage,
    DeliveryState,
    ReplayedShown,
    ReplaySent,
    TriedShown,
    TrySent,
    WholeDeliveryShown,
)
from service.intake.map_document import merged
from service.intake.replaying import DeliveryNotFound, discard, replay
from service.intake.trying import try_payload
from service.storage import parse_id, transaction
from service.web import (
    REFUSALS,
    CursorParameter,
    InHouse,
    LimitParameter,
    StrictRoute,
    WithKey,
    page_of,
    uuid_after,
)

__all__ = ["delivery_routes"]

delivery_routes = APIRouter(
    prefix="/v1/connections/{id}",
    tags=["connections"],
    route_class=StrictRoute,
    responses=REFUSALS,
)


@delivery_routes.get(
    "/deliveries", operation_id="listConnectionDeliveries", response_model=DeliveryPage
)
async def list_deliveries(
    *,
    id: str,  # noqa: A002 - the address calls it so
    request: Request,
    response: Response,
    house: InHouse,
    state: Annotated[DeliveryState | None, Query()] = None,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List what a connection sent, the newest first; `parked` is what nobody could read."""
    connection_id = parse_id(id, "con")
    filters = {"deliveries": id, "state": state}
    before = uuid_after(cursor, filters=filters)
    async with transaction(house.engine) as connection:
        await existing(connection, connection_id)
        rows = await delivery_store.list_of(
            connection, connection_id, state=state, before=before, limit=limit + 1
        )
    return page_of(
        rows,
        show=delivery_shown,
        position=lambda row: (row.id,),
        limit=limit,
        filters=filters,
        request=request,
        response=response,
    )


@delivery_routes.post(
    "/deliveries/replay", operation_id="replayConnectionDeliveries", response_model=ReplayedShown
)
async def replay_deliveries(
    *,
    id: str,  # noqa: A002 - the address calls it so
    sent: ReplaySent,
    house: InHouse,
    caller: WithKey,
) -> dict[str, Any]:
    """Read up to 1,000 deliveries again by the present map; what had its effect has no second."""
    async with transaction(house.engine) as connection:
        count = await replay(
            connection, parse_id(id, "con"), states=sent.states, house=house, person=caller.person
        )
    return {"replayed": count}


@delivery_routes.get(
    "/deliveries/{delivery}",
    operation_id="readConnectionDelivery",
    response_model=WholeDeliveryShown,
)
async def read_one(
    *,
    id: str,  # noqa: A002 - the address calls it so
    delivery: str,
    house: InHouse,
) -> dict[str, Any]:
    """Return a delivery with its body as it came."""
    async with transaction(house.engine) as connection:
        row = await delivery_store.find(connection, parse_id(id, "con"), parse_id(delivery, "itk"))
    if row is None:
        raise DeliveryNotFound
    body = None if row.body is None else row.body.decode("utf-8", "backslashreplace")
    return delivery_shown(row) | {"body": body}


@delivery_routes.post(
    "/deliveries/{delivery}/replay",
    operation_id="replayConnectionDelivery",
    response_model=ReplayedShown,
)
async def replay_one(
    *,
    id: str,  # noqa: A002 - the address calls it so
    delivery: str,
    house: InHouse,
    caller: WithKey,
) -> dict[str, Any]:
    """Read one delivery again by the present map."""
    async with transaction(house.engine) as connection:
        count = await replay(
            connection,
            parse_id(id, "con"),
            states=("parked", "done", "discarded"),
            only=parse_id(delivery, "itk"),
            house=house,
            person=caller.person,
        )
    return {"replayed": count}


@delivery_routes.post(
    "/deliveries/{delivery}/discard", operation_id="discardConnectionDelivery", status_code=204
)
async def discard_one(
    *,
    id: str,  # noqa: A002 - the address calls it so
    delivery: str,
    house: InHouse,
    caller: WithKey,
) -> None:
    """Put a parked delivery aside for good; it can still be replayed."""
    async with transaction(house.engine) as connection:
        await discard(
            connection,
            parse_id(id, "con"),
            parse_id(delivery, "itk"),
            house=house,
            person=caller.person,
        )


@delivery_routes.post("/try", operation_id="tryConnectionPayload", response_model=TriedShown)
async def try_one(
    *,
    id: str,  # noqa: A002 - the address calls it so
    sent: TrySent,
    house: InHouse,
    desk: AtDesk,
) -> dict[str, Any]:
    """Show what a payload would come to, by the map or a changed one, and keep nothing."""
    async with transaction(house.engine) as connection:
        row = await existing(connection, parse_id(id, "con"))
    known = connection_of(row, house.settings)
    if sent.map is not None:
        changed = row.document | {"map": merged(row.document.get("map", {}), sent.map)}
        resolved = resolve(row.preset, ConnectionDocument.model_validate(changed))
        known = replace(known, resolved=resolved)
    body = orjson.dumps(sent.payload) if sent.body is None else sent.body.encode()
    items = await try_payload(body, media_type=sent.media_type, known=known, desk=desk)
    return {"items": items}
