"""`/v1/notices`: what Goodfit noticed by itself, and somebody should look at."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from service.decisions import drift_store
from service.decisions.drift_store import Filters
from service.decisions.notice_schemas import (
    ClosingSent,
    NoticeKind,
    NoticePage,
    NoticeShown,
    notice_told,
)
from service.decisions.notices import close_notice, existing_notice
from service.rulesets import Editor
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

__all__ = ["notice_routes"]

notice_routes = APIRouter(
    prefix="/v1/notices", tags=["notices"], route_class=StrictRoute, responses=REFUSALS
)


@notice_routes.get("", operation_id="listNotices", response_model=NoticePage)
async def list_them(
    *,
    request: Request,
    response: Response,
    house: InHouse,
    kind: NoticeKind | None = None,
    rule_set: Annotated[str | None, Query(max_length=64)] = None,
    is_open: Annotated[bool | None, Query(alias="open", description="Not closed yet.")] = None,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List notices, the newest first."""
    filters = Filters(kind=kind, rule_set=rule_set, is_open=is_open)
    before = uuid_after(cursor, filters=filters.to_json())
    async with transaction(house.engine) as connection:
        rows = await drift_store.list_notices(connection, filters, before=before, limit=limit + 1)
    return page_of(
        rows,
        show=notice_told,
        position=lambda row: (row.id,),
        limit=limit,
        filters=filters.to_json(),
        request=request,
        response=response,
    )


@notice_routes.get("/{id}", operation_id="readNotice", response_model=NoticeShown)
async def read(
    *,
    id: str,  # noqa: A002 - the address calls it so
    house: InHouse,
) -> Response:
    """Return one notice."""
    async with transaction(house.engine) as connection:
        row = await existing_notice(connection, parse_id(id, "ntc"))
    return Answer.of(notice_told(row)).to_response()


@notice_routes.post("/{id}/close", operation_id="closeNotice", response_model=NoticeShown)
async def close_it(
    *,
    id: str,  # noqa: A002 - the address calls it so
    sent: ClosingSent,
    request: Request,
    house: InHouse,
    caller: WithKey,
) -> Response:
    """Close a notice: somebody has looked. It does not come back while what it tells of lasts."""
    notice_id = parse_id(id, "ntc")
    editor = Editor(person=caller.person, at=house.clock(), new_uuid=house.new_uuid)

    async def work(connection: AsyncConnection) -> Answer:
        row = await close_notice(connection, notice_id, reason=sent.reason, editor=editor)
        return Answer.of(notice_told(row))

    return await answer_once(request, work, house=house, caller=caller)
