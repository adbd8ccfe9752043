"""`/v1/intake/{connection}`: where forms and CRMs send; no key, the delivery proves itself."""

from typing import Any, Final

from fastapi import APIRouter, Request, Response

from service.decisions import AtDesk
from service.intake.receiving import Arrived, receive
from service.storage import parse_id
from service.web import REFUSALS, StrictRoute, media_type_of

__all__ = ["intake_routes"]

intake_routes = APIRouter(
    prefix="/v1/intake", tags=["intake"], route_class=StrictRoute, responses=REFUSALS
)
_ANY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "Whatever the vendor sends, up to 1 MB; kept as it came.",
        "content": {
            media_type: {"schema": {}}
            for media_type in (
                "application/json",
                "application/x-www-form-urlencoded",
                "text/xml",
                "text/plain",
            )
        },
    }
}
_TAKEN: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Kept; it is read afterwards",
        "content": {
            "application/json": {
                "schema": {"type": "object"},
                "examples": {
                    "kept": {"value": {"received": "itk_01m82amv90f7assrm6pf8d3pr0"}},
                    "decided": {
                        "summary": "To a workflow that waits for the verdict",
                        "value": {
                            "outputFields": {
                                "icp_verdict": "qualify",
                                "hs_execution_state": "SUCCESS",
                            }
                        },
                    },
                },
            },
            "text/xml": {"schema": {"type": "string"}},
        },
    }
}


@intake_routes.post(
    "/{connection}",
    operation_id="receiveDelivery",
    response_class=Response,
    responses=_TAKEN,
    openapi_extra=_ANY,
)
async def receive_delivery(connection: str, request: Request, desk: AtDesk) -> Response:
    """Take in one delivery of a connection that signs what it sends.

    Refused is only what does not prove where it comes from. What the map cannot read is
    parked, listed, and read again once the map is corrected.
    """
    return await _taken(connection, None, request, desk)


@intake_routes.post(
    "/{connection}/{token}",
    operation_id="receiveDeliveryByToken",
    response_class=Response,
    responses=_TAKEN,
    openapi_extra=_ANY,
)
async def receive_delivery_by_token(
    connection: str, token: str, request: Request, desk: AtDesk
) -> Response:
    """Take in one delivery of a connection whose address nobody can guess."""
    return await _taken(connection, token, request, desk)


async def _taken(connection: str, token: str | None, request: Request, desk: AtDesk) -> Response:
    query = request.scope["query_string"].decode("latin-1")
    path = request.scope.get("raw_path") or request.scope["path"].encode()
    arrived = Arrived(
        method=request.method,
        base=f"{request.url.scheme}://{request.headers.get('host', '')}",
        target=path.decode("latin-1").partition("?")[0] + (f"?{query}" if query else ""),
        headers={name.lower(): value for name, value in request.headers.items()},
        media_type=media_type_of(request.headers) or "application/json",
        body=await request.body(),
    )
    told = await receive(parse_id(connection, "con"), token, arrived, desk=desk)
    return Response(told.body, media_type=told.media_type)
