"""`/v1/endpoints`: who is told what happens here."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response

from service.delivery import endpoint_store, endpoints
from service.delivery.endpoints import Hand, check_reachable
from service.delivery.reaching import reach_of
from service.delivery.schemas import (
    EndpointChanged,
    EndpointPage,
    EndpointSent,
    EndpointShown,
    NewEndpointShown,
    RotationSent,
    endpoint_told,
)
from service.storage import parse_id, sealer_of, transaction
from service.web import (
    REFUSALS,
    Answer,
    Caller,
    CursorParameter,
    House,
    InHouse,
    InvalidIdempotencyKey,
    LimitParameter,
    StrictRoute,
    WithKey,
    check_match,
    etag_of,
    page_of,
    refusals,
    uuid_after,
)

__all__ = ["endpoint_routes", "hand_of"]

endpoint_routes = APIRouter(
    prefix="/v1/endpoints", tags=["events"], route_class=StrictRoute, responses=REFUSALS
)


def hand_of(house: House, caller: Caller) -> Hand:
    """Return who asks, with what they need."""
    sealer = sealer_of(house.settings)
    return Hand(person=caller.person, at=house.clock(), new_uuid=house.new_uuid, sealer=sealer)


@endpoint_routes.post(
    "", operation_id="createEndpoint", status_code=201, response_model=NewEndpointShown
)
async def create(
    *, sent: EndpointSent, request: Request, house: InHouse, caller: WithKey
) -> Response:
    """Make an endpoint and show its secret, once.

    An Idempotency-Key is refused here: it would have to keep the secret for a day.
    """
    _refuse_idempotency(request)
    await check_reachable(sent.url, reach_of(house.settings))
    async with transaction(house.engine) as connection:
        row, secret = await endpoints.create(
            connection,
            url=sent.url,
            description=sent.description,
            events=list(sent.events),
            outcomes=list(sent.outcomes),
            hand=hand_of(house, caller),
        )
    return _with_secret(endpoint_told(row), secret, status=201)


@endpoint_routes.get("", operation_id="listEndpoints", response_model=EndpointPage)
async def list_them(
    *,
    request: Request,
    response: Response,
    house: InHouse,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List endpoints, the newest first."""
    before = uuid_after(cursor, filters={})
    async with transaction(house.engine) as connection:
        rows = await endpoint_store.list_endpoints(connection, before=before, limit=limit + 1)
    return page_of(
        rows,
        show=endpoint_told,
        position=lambda row: (row.id,),
        limit=limit,
        filters={},
        request=request,
        response=response,
    )


@endpoint_routes.get("/{id}", operation_id="readEndpoint", response_model=EndpointShown)
async def read(
    *,
    id: str,  # noqa: A002 - the address calls it so
    house: InHouse,
) -> Response:
    """Return one endpoint; its secret is not shown again."""
    async with transaction(house.engine) as connection:
        row = await endpoints.existing(connection, parse_id(id, "whe"))
    headers = {"ETag": etag_of(row.row_version)}
    return Answer.of(endpoint_told(row), headers=headers).to_response()


@endpoint_routes.patch(
    "/{id}",
    operation_id="changeEndpoint",
    response_model=EndpointShown,
    responses=refusals(412),
)
async def change(
    *,
    id: str,  # noqa: A002 - the address calls it so
    sent: EndpointChanged,
    house: InHouse,
    caller: WithKey,
    if_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Change an endpoint, or switch it off and on; what is left out stays.

    Switched on again, it is sent what still waited for it. With `If-Match`, only the state that
    was read is changed.
    """
    endpoint_id = parse_id(id, "whe")
    changes = {name: value for name, value in sent.model_dump().items() if value is not None}
    if sent.url is not None:
        await check_reachable(sent.url, reach_of(house.settings))
    async with transaction(house.engine) as connection:
        row = await endpoints.existing(connection, endpoint_id, to_change=True)
        if if_match is not None:
            check_match(if_match, etag_of(row.row_version))
        if changes:
            hand = hand_of(house, caller)
            row = await endpoints.change(connection, row, changes, hand=hand)
    headers = {"ETag": etag_of(row.row_version)}
    return Answer.of(endpoint_told(row), headers=headers).to_response()


@endpoint_routes.delete("/{id}", operation_id="removeEndpoint", status_code=204)
async def remove(id: str, house: InHouse, caller: WithKey) -> None:  # noqa: A002 - the address calls it so
    """Remove an endpoint with its deliveries; nothing is sent to it any more."""
    async with transaction(house.engine) as connection:
        hand = hand_of(house, caller)
        await endpoints.remove(connection, parse_id(id, "whe"), hand=hand)


@endpoint_routes.post(
    "/{id}/rotate-secret", operation_id="rotateEndpointSecret", response_model=NewEndpointShown
)
async def rotate(
    *,
    id: str,  # noqa: A002 - the address calls it so
    request: Request,
    house: InHouse,
    caller: WithKey,
    sent: RotationSent | None = None,
) -> Response:
    """Give an endpoint a fresh secret and show it, once; the old one signs too for a while.

    An Idempotency-Key is refused, as where an endpoint is made.
    """
    _refuse_idempotency(request)
    lasts = (sent or RotationSent()).lasts
    async with transaction(house.engine) as connection:
        hand = hand_of(house, caller)
        row, secret = await endpoints.rotate(
            connection, parse_id(id, "whe"), lasts=lasts, hand=hand
        )
    return _with_secret(endpoint_told(row), secret, status=200)


def _refuse_idempotency(request: Request) -> None:
    if "idempotency-key" in request.headers:
        words = "a secret is shown once and not kept for a repeat; send no such header"
        raise InvalidIdempotencyKey(words)


def _with_secret(told: dict[str, Any], secret: str, *, status: int) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Answer.of({**told, "secret": secret}, status=status, headers=headers).to_response()
