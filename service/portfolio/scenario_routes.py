"""`/v1/portfolio/{slug}/scenarios`: stop what is being worked out."""

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from service.portfolio.scenario_asking import cancel, scenario_shown
from service.portfolio.scenario_schemas import PendingShown
from service.rulesets import Editing, SlugInPath
from service.storage import parse_id
from service.web import REFUSALS, Answer, InHouse, StrictRoute, WithKey, answer_once

__all__ = ["scenario_routes"]

scenario_routes = APIRouter(
    prefix="/v1/portfolio/{slug}/scenarios",
    tags=["portfolio"],
    route_class=StrictRoute,
    responses=REFUSALS,
)


@scenario_routes.post("/{id}/cancel", operation_id="cancelScenario", response_model=PendingShown)
async def cancel_it(
    *,
    slug: SlugInPath,
    id: str,  # noqa: A002 - the address calls it so
    request: Request,
    house: InHouse,
    caller: WithKey,
    editor: Editing,
) -> Response:
    """Stop working out a focus or a sensitivity; to ask for it again begins anew."""
    scenario_id = parse_id(id, "scn")

    async def work(connection: AsyncConnection) -> Answer:
        return Answer.of(scenario_shown(await cancel(connection, slug, scenario_id, editor=editor)))

    return await answer_once(request, work, house=house, caller=caller)
