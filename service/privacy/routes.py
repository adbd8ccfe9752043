"""`/v1/erasures`: clear what is held of one person or company, and watch it."""

from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from service.privacy import store
from service.privacy.asking import ask_for, existing
from service.privacy.schemas import ErasurePage, ErasureSent, ErasureShown
from service.privacy.showing import erasure_shown
from service.rulesets import Editing
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

__all__ = ["erasure_routes"]

erasure_routes = APIRouter(
    prefix="/v1/erasures", tags=["privacy"], route_class=StrictRoute, responses=REFUSALS
)


@erasure_routes.post("", operation_id="askErasure", status_code=202, response_model=ErasureShown)
async def ask_for_one(
    *,
    sent: ErasureSent,
    request: Request,
    house: InHouse,
    caller: WithKey,
    editor: Editing,
) -> Response:
    """Clear a person's or a company's values wherever they are kept; it cannot be undone.

    What stays is that something was decided: verdict, outcome, scores, rules that spoke, version
    and times. The answer comes at once; read the erasure for its progress. Asked again, it finds
    what came since, or nothing.
    """

    async def work(connection: AsyncConnection) -> Answer:
        row = await ask_for(connection, sent.names, editor=editor, dry_run=sent.dry_run)
        shown = erasure_shown(row)
        return Answer.of(shown, status=202, headers={"Location": f"/v1/erasures/{shown['id']}"})

    return await answer_once(request, work, house=house, caller=caller)


@erasure_routes.get("", operation_id="listErasures", response_model=ErasurePage)
async def list_them(
    *,
    request: Request,
    response: Response,
    house: InHouse,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List erasures and the days' retentions, the newest first."""
    filters = {"erasures": "all"}
    before = uuid_after(cursor, filters=filters)
    async with transaction(house.engine) as connection:
        rows = await store.list_of(connection, before=before, limit=limit + 1)
        seen = await store.seen_again(connection, [row.id for row in rows])
    return page_of(
        rows,
        show=lambda row: erasure_shown(row, seen.get(row.id, 0)),
        position=lambda row: (row.id,),
        limit=limit,
        filters=filters,
        request=request,
        response=response,
    )


@erasure_routes.get("/{id}", operation_id="readErasure", response_model=ErasureShown)
async def read(
    *,
    id: str,  # noqa: A002 - the address calls it so
    house: InHouse,
) -> Response:
    """Return an erasure: how far it is, and what it has cleared."""
    async with transaction(house.engine) as connection:
        row = await existing(connection, parse_id(id, "era"))
        seen = await store.seen_again(connection, [row.id])
    return Answer.of(erasure_shown(row, seen.get(row.id, 0))).to_response()
