"""`/v1/rule-sets/{slug}/drafts/{draft}/history`: who edited a draft, and a way back."""

from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Path, Request, Response
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rulesets import history_store
from service.rulesets.asking import DraftName, Editing, SlugInPath
from service.rulesets.differing import difference_between
from service.rulesets.drafting import existing_draft
from service.rulesets.history_schemas import EditPage, EditShown, RestoreAsked
from service.rulesets.restoring import existing_edit, restore
from service.rulesets.schemas import DraftShown
from service.rulesets.showing import answer_with, draft_shown
from service.storage import parse_id, to_text, transaction
from service.web import (
    REFUSALS,
    Answer,
    CursorParameter,
    InHouse,
    LimitParameter,
    StrictRoute,
    WithKey,
    answer_once,
    etag_of,
    number_after,
    page_of,
    refusals,
    rfc3339,
)

__all__ = ["history_routes"]

history_routes = APIRouter(
    prefix="/v1/rule-sets/{slug}/drafts/{draft}",
    tags=["rule sets"],
    route_class=StrictRoute,
    responses=REFUSALS,
)


@history_routes.get("/history", operation_id="listDraftEdits", response_model=EditPage)
async def list_them(
    *,
    slug: SlugInPath,
    draft: DraftName,
    request: Request,
    response: Response,
    house: InHouse,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List who edited a draft, the newest edit first; also of a draft that was dropped."""
    filters = {"rule_set": slug, "draft": draft}
    below = number_after(cursor, filters=filters)
    async with transaction(house.engine) as connection:
        rows = await history_store.list_edits(
            connection, slug, draft=draft, below=below, limit=limit + 1
        )
        if not rows and below is None:  # a draft may be older than the history
            await existing_draft(connection, slug, draft)
    return page_of(
        rows,
        show=_head_shown,
        position=lambda row: (row.sequence,),
        limit=limit,
        filters=filters,
        request=request,
        response=response,
    )


@history_routes.get("/history/{edit}", operation_id="readDraftEdit", response_model=EditShown)
async def read(
    *,
    slug: SlugInPath,
    draft: DraftName,
    edit: Annotated[str, Path(description="An edit's id.")],
    house: InHouse,
) -> dict[str, Any]:
    """Return the text that one edit left, and the lines it changed."""
    async with transaction(house.engine) as connection:
        row = await existing_edit(connection, slug, draft=draft, edit_id=parse_id(edit, "edt"))
        before = await history_store.find_edit_before(connection, row)
    if row.action == "create":
        before = None
    old = "" if before is None else before.source
    return _head_shown(row) | {
        "source": row.source,
        "before": None if before is None else to_text("edt", before.id),
        "difference": await anyio.to_thread.run_sync(difference_between, old, row.source),
    }


@history_routes.post(
    "/restore",
    operation_id="restoreDraft",
    response_model=DraftShown,
    responses=refusals(412, 428)
    | {201: {"model": DraftShown, "description": "The draft had been dropped and is there again"}},
)
async def bring_back(
    *,
    slug: SlugInPath,
    draft: DraftName,
    asked: RestoreAsked,
    request: Request,
    house: InHouse,
    caller: WithKey,
    editor: Editing,
) -> Response:
    """Give a draft an earlier text again, under `If-Match`; without it where it was dropped."""
    edit_id = parse_id(asked.edit, "edt")

    async def work(connection: AsyncConnection) -> Answer:
        edit = await existing_edit(connection, slug, draft=draft, edit_id=edit_id)
        if_match = request.headers.get("if-match")
        row, is_new = await restore(connection, edit, if_match=if_match, editor=editor)
        status = 201 if is_new else 200
        shown = draft_shown(row)
        return answer_with(DraftShown, shown, status=status, ETag=etag_of(row.row_version))

    return await answer_once(request, work, house=house, caller=caller)


def _head_shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": to_text("edt", row.id),
        "rule_set": row.rule_set,
        "draft": row.draft,
        "action": row.action,
        "person": row.person,
        "at": rfc3339(row.at),
        "etag": etag_of(row.row_version),
        "note": row.note,
        "base_version": row.base_version,
    }
