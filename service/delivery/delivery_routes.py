"""What was sent to an endpoint, how that went, and sending it again."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.delivery import endpoint_store, endpoints
from service.delivery.endpoint_routes import hand_of
from service.delivery.endpoint_store import DeliveryFilters
from service.delivery.endpoints import EndpointDisabled, NotOver
from service.delivery.schemas import (
    DeliveryPage,
    DeliveryShown,
    RangeSent,
    RangeShown,
    State,
    delivery_told,
)
from service.storage import parse_id, transaction
from service.web import (
    REFUSALS,
    Answer,
    CursorParameter,
    InHouse,
    LimitParameter,
    StrictRoute,
    WithKey,
    answer_once,
    page_of,
    uuid_after,
)

__all__ = ["delivery_routes"]

_MOST_AGAIN: Final = 5_000
delivery_routes = APIRouter(
    prefix="/v1", tags=["events"], route_class=StrictRoute, responses=REFUSALS
)


@delivery_routes.get(
    "/endpoints/{id}/deliveries", operation_id="listDeliveries", response_model=DeliveryPage
)
async def list_them(
    *,
    id: str,  # noqa: A002 - the address calls it so
    request: Request,
    response: Response,
    house: InHouse,
    state: State | None = None,
    event_type: Annotated[str | None, Query(alias="type", max_length=64)] = None,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List what was sent to an endpoint, or is about to be, the newest first."""
    filters = DeliveryFilters(endpoint=parse_id(id, "whe"), state=state, event_type=event_type)
    before = uuid_after(cursor, filters=filters.to_json())
    async with transaction(house.engine) as connection:
        await endpoints.existing(connection, filters.endpoint)
        rows = await endpoint_store.list_deliveries(
            connection, filters, before=before, limit=limit + 1
        )
        attempts = await endpoint_store.list_attempts(connection, [row.id for row in rows])
    return page_of(
        rows,
        show=lambda row: delivery_told(row, attempts[row.id]),
        position=lambda row: (row.id,),
        limit=limit,
        filters=filters.to_json(),
        request=request,
        response=response,
    )


@delivery_routes.get("/deliveries/{id}", operation_id="readDelivery", response_model=DeliveryShown)
async def read(
    *,
    id: str,  # noqa: A002 - the address calls it so
    house: InHouse,
) -> Response:
    """Return one delivery with its attempts."""
    async with transaction(house.engine) as connection:
        answer = await _shown(connection, id)
    return answer.to_response()


@delivery_routes.post(
    "/deliveries/{id}/redeliver",
    operation_id="redeliver",
    status_code=202,
    response_model=DeliveryShown,
)
async def redeliver(
    *,
    id: str,  # noqa: A002 - the address calls it so
    request: Request,
    house: InHouse,
    caller: WithKey,
) -> Response:
    """Send an event again, under the same id, with all attempts before it."""

    async def work(connection: AsyncConnection) -> Answer:
        row = await endpoints.existing_delivery(connection, parse_id(id, "dlv"))
        await _enabled(connection, row.endpoint_id)
        if not await endpoint_store.send_again(connection, row.id):
            words = "it was erased" if row.is_erased else "it is on its way; wait for its end"
            raise NotOver(words)
        return await _shown(connection, id, status=202)

    return await answer_once(request, work, house=house, caller=caller)


@delivery_routes.post(
    "/endpoints/{id}/redeliver",
    operation_id="redeliverRange",
    status_code=202,
    response_model=RangeShown,
)
async def redeliver_range(
    *,
    id: str,  # noqa: A002 - the address calls it so
    sent: RangeSent,
    request: Request,
    house: InHouse,
    caller: WithKey,
) -> Response:
    """Send again what an endpoint missed in a time, the oldest first: up to 5,000 at once."""

    async def work(connection: AsyncConnection) -> Answer:
        endpoint = await _enabled(connection, parse_id(id, "whe"))
        count = await endpoint_store.send_range_again(
            connection,
            endpoint.id,
            since=sent.since,
            until=sent.until or house.clock(),
            states=list(sent.states),
            most=_MOST_AGAIN,
        )
        return Answer.of({"redelivered": count, "more": count == _MOST_AGAIN}, status=202)

    return await answer_once(request, work, house=house, caller=caller)


@delivery_routes.post(
    "/endpoints/{id}/test",
    operation_id="testEndpoint",
    status_code=202,
    response_model=DeliveryShown,
)
async def send_test(
    *,
    id: str,  # noqa: A002 - the address calls it so
    request: Request,
    house: InHouse,
    caller: WithKey,
) -> Response:
    """Send an event of type `endpoint.test`; read the delivery to see how it went."""

    async def work(connection: AsyncConnection) -> Answer:
        row = await endpoints.existing(connection, parse_id(id, "whe"))
        delivery = await endpoints.send_test(connection, row, hand=hand_of(house, caller))
        found = await endpoints.existing_delivery(connection, delivery)
        return Answer.of(delivery_told(found, []), status=202)

    return await answer_once(request, work, house=house, caller=caller)


async def _enabled(connection: AsyncConnection, endpoint_id: UUID) -> Row[Any]:
    endpoint = await endpoints.existing(connection, endpoint_id)
    if endpoint.state != "enabled":
        raise EndpointDisabled
    return endpoint


async def _shown(connection: AsyncConnection, text: str, *, status: int = 200) -> Answer:
    row = await endpoints.existing_delivery(connection, parse_id(text, "dlv"))
    attempts = await endpoint_store.list_attempts(connection, [row.id])
    return Answer.of(delivery_told(row, attempts[row.id]), status=status)
