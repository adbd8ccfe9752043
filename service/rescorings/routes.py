"""`/v1/rule-sets/{slug}/rescorings`: decide all stored accounts anew, and watch it."""

from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rescorings import store
from service.rescorings.asking import ask_for, cancel, existing
from service.rescorings.schemas import RescoringPage, RescoringSent, RescoringShown
from service.rescorings.showing import rescoring_shown
from service.rulesets import Editing, Live, SlugInPath
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
    answered_before,
    page_of,
    uuid_after,
)

__all__ = ["rescoring_routes"]

rescoring_routes = APIRouter(
    prefix="/v1/rule-sets/{slug}/rescorings",
    tags=["rescorings"],
    route_class=StrictRoute,
    responses=REFUSALS,
)


@rescoring_routes.post(
    "", operation_id="askRescoring", status_code=202, response_model=RescoringShown
)
async def ask_for_one(
    *,
    slug: SlugInPath,
    sent: RescoringSent,
    request: Request,
    house: InHouse,
    live: Live,
    caller: WithKey,
    editor: Editing,
) -> Response:
    """Decide every stored account by the version that is live now, and write what changed.

    The answer comes at once; another process does the work. Read the rescoring for its
    progress. A rule set is rescored once at a time.
    """
    before = await answered_before(request, house=house, caller=caller)
    if before is not None:
        return before
    running = await live.version_at(slug, editor.at)

    async def work(connection: AsyncConnection) -> Answer:
        row = await ask_for(connection, running, editor=editor, dry_run=sent.dry_run)
        return _answer(row, status=202)

    return await answer_once(request, work, house=house, caller=caller)


@rescoring_routes.get("", operation_id="listRescorings", response_model=RescoringPage)
async def list_them(
    *,
    slug: SlugInPath,
    request: Request,
    response: Response,
    house: InHouse,
    live: Live,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List the rescorings of a rule set, the newest first."""
    filters = {"rescorings": slug}
    before = uuid_after(cursor, filters=filters)
    async with transaction(house.engine) as connection:
        rows = await store.list_of(connection, slug, before=before, limit=limit + 1)
    if not rows:
        await live.check_there(slug, house.clock())
    return page_of(
        rows,
        show=rescoring_shown,
        position=lambda row: (row.id,),
        limit=limit,
        filters=filters,
        request=request,
        response=response,
    )


@rescoring_routes.get("/{id}", operation_id="readRescoring", response_model=RescoringShown)
async def read(
    *,
    slug: SlugInPath,
    id: str,  # noqa: A002 - the address calls it so
    house: InHouse,
) -> Response:
    """Return a rescoring: how far it is, and what became of the accounts so far."""
    async with transaction(house.engine) as connection:
        row = await existing(connection, parse_id(id, "rsc"), rule_set=slug)
    return _answer(row).to_response()


@rescoring_routes.post(
    "/{id}/cancel", operation_id="cancelRescoring", response_model=RescoringShown
)
async def cancel_it(
    *,
    slug: SlugInPath,
    id: str,  # noqa: A002 - the address calls it so
    request: Request,
    house: InHouse,
    caller: WithKey,
    editor: Editing,
) -> Response:
    """Stop a rescoring; the decisions written so far stay."""

    async def work(connection: AsyncConnection) -> Answer:
        rescoring_id = parse_id(id, "rsc")
        await existing(connection, rescoring_id, rule_set=slug)
        return _answer(await cancel(connection, rescoring_id, editor=editor))

    return await answer_once(request, work, house=house, caller=caller)


def _answer(row: Row[Any], *, status: int = 200) -> Answer:
    shown = rescoring_shown(row)
    address = f"/v1/rule-sets/{row.rule_set}/rescorings/{shown['id']}"
    return Answer.of(shown, status=status, headers={"Location": address} if status == 202 else {})
