"""`/v1/decisions/{id}/why`: why a subject's decision is not as the one before."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from service.decisions.desk import AtDesk
from service.decisions.moving import why_moved
from service.decisions.why_schemas import WhyShown
from service.storage import parse_id
from service.web import REFUSALS, StrictRoute, refusals

__all__ = ["why_routes"]

why_routes = APIRouter(
    prefix="/v1/decisions", tags=["decide"], route_class=StrictRoute, responses=REFUSALS
)


@why_routes.get(
    "/{id}/why",
    operation_id="whyDecisionMoved",
    response_model=WhyShown,
    responses=refusals(409, 410),
)
async def read(
    *,
    id: str,  # noqa: A002 - the address calls it so
    desk: AtDesk,
    before: Annotated[
        str | None, Query(max_length=64, description="A decision; the subject's last by default.")
    ] = None,
) -> dict[str, Any]:
    """Say what new rules, new data and the passing of time did, in shares that add up exactly.

    All eight mixtures of the two decisions are made; a share is a cause's mean effect over
    the orders in which the three could have changed.
    """
    before_id = None if before is None else parse_id(before, "dec")
    return await why_moved(parse_id(id, "dec"), before_id, desk=desk)
