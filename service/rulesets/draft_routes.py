"""`/v1/rule-sets/{slug}/drafts`: write, check, try, commit."""

from datetime import datetime
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Body, Request, Response
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rulesets import store
from service.rulesets.asking import DRAFT_BODY, DraftName, Editing, SlugInPath, sent_draft
from service.rulesets.checking import compile_source, examine, rules_for
from service.rulesets.committing import commit_draft
from service.rulesets.drafting import (
    Edit,
    drop_draft,
    existing_draft,
    put_draft,
    refuse_stale,
)
from service.rulesets.looking_deeper import look_deeper
from service.rulesets.missing import no_rule_set
from service.rulesets.patching import patched
from service.rulesets.schemas import (
    CheckShown,
    CommitAsked,
    DraftPage,
    DraftPatch,
    DraftShown,
    TryAsked,
    TryShown,
    VersionShown,
)
from service.rulesets.showing import answer_with, check_shown, draft_shown, version_shown
from service.storage import transaction
from service.web import (
    REFUSALS,
    Answer,
    House,
    InHouse,
    StrictRoute,
    WithKey,
    answer_once,
    answered_before,
    check_match,
    etag_of,
    is_unchanged,
    refusals,
)

__all__ = ["draft_routes"]

draft_routes = APIRouter(
    prefix="/v1/rule-sets/{slug}/drafts",
    tags=["rule sets"],
    route_class=StrictRoute,
    responses=REFUSALS,
)


EDITS = refusals(412, 428)


@draft_routes.get("", operation_id="listDrafts", response_model=DraftPage)
async def list_them(*, slug: SlugInPath, house: InHouse) -> dict[str, Any]:
    """List who is editing what."""
    async with transaction(house.engine) as connection:
        if await store.find_rule_set(connection, slug) is None:
            raise await no_rule_set(connection, slug)
        rows = await store.list_drafts(connection, slug)
    return {"data": [draft_shown(row, whole=False) for row in rows]}


@draft_routes.get("/{draft}", operation_id="readDraft", response_model=DraftShown)
async def read(*, slug: SlugInPath, draft: DraftName, request: Request, house: InHouse) -> Response:
    """Return a draft and its ETag; with `Accept: application/yaml`, its text alone."""
    row = await _draft(house, slug, draft)
    etag = etag_of(row.row_version)
    if is_unchanged(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers={"ETag": etag})
    if "application/yaml" in request.headers.get("accept", ""):
        return Response(row.source, media_type="application/yaml", headers={"ETag": etag})
    return _draft_answer(row).to_response()


@draft_routes.put(
    "/{draft}",
    operation_id="writeDraft",
    response_model=DraftShown,
    responses=EDITS | {201: {"model": DraftShown, "description": "The draft is new"}},
    openapi_extra=DRAFT_BODY,
)
async def write(
    *, slug: SlugInPath, draft: DraftName, request: Request, house: InHouse, editor: Editing
) -> Response:
    """Make a draft, or replace its text; replacing needs `If-Match`."""
    edit = await sent_draft(request)
    if_match = request.headers.get("if-match")
    if if_match is not None:
        await refuse_stale(await _draft(house, slug, draft), sent=edit.source, if_match=if_match)
    async with transaction(house.engine) as connection:
        row, is_new = await put_draft(
            connection, slug, draft, edit=edit, if_match=if_match, editor=editor
        )
    return _draft_answer(row, status=201 if is_new else 200).to_response()


@draft_routes.patch(
    "/{draft}", operation_id="patchDraft", response_model=DraftShown, responses=EDITS
)
async def patch(
    *,
    slug: SlugInPath,
    draft: DraftName,
    sent: DraftPatch,
    request: Request,
    house: InHouse,
    editor: Editing,
) -> Response:
    """Change a part of a draft under `If-Match`; the rest of its text stays as written."""
    row = await _draft(house, slug, draft)
    if_match = request.headers.get("if-match")
    if if_match is None:
        check_match(if_match, etag_of(row.row_version))
    source = sent.source
    if sent.document is not None:
        source = await anyio.to_thread.run_sync(patched, row.source, sent.document)
    await refuse_stale(row, sent=source, if_match=if_match)
    async with transaction(house.engine) as connection:
        changed, _ = await put_draft(
            connection,
            slug,
            draft,
            edit=Edit(source=source, note=sent.note),
            if_match=etag_of(row.row_version),
            editor=editor,
        )
    return _draft_answer(changed).to_response()


@draft_routes.delete("/{draft}", operation_id="dropDraft", status_code=204, responses=EDITS)
async def drop(
    *, slug: SlugInPath, draft: DraftName, request: Request, house: InHouse, editor: Editing
) -> None:
    """Delete a draft under `If-Match`; its versions stay."""
    if_match = request.headers.get("if-match")
    async with transaction(house.engine) as connection:
        await drop_draft(connection, slug, draft, if_match=if_match, editor=editor)


@draft_routes.post("/{draft}/check", operation_id="checkDraft", response_model=CheckShown)
async def check(
    *, slug: SlugInPath, draft: DraftName, house: InHouse, editor: Editing
) -> dict[str, Any]:
    """Return every problem of a draft, with line and column, and how its tests go.

    `meaning` is what the solver finds, such as rules that never matter. It is asked at the
    first check of a text and answered by another process; check again for the answer.
    """
    row = await _draft(house, slug, draft)
    checked = await examine(row.source)
    meaning = None
    if checked.rules is not None:
        meaning = await look_deeper(house.engine, slug, checked.rules, editor=editor)
    return check_shown(checked) | {"meaning": meaning}


@draft_routes.post("/{draft}/try", operation_id="tryDraft", response_model=TryShown)
async def try_out(
    *, slug: SlugInPath, draft: DraftName, asked: TryAsked, house: InHouse
) -> dict[str, Any]:
    """Decide on facts by a draft; nothing is stored."""
    row = await _draft(house, slug, draft)
    rules = await compile_source(row.source)
    at: datetime = asked.at or house.clock()

    def decide() -> dict[str, Any]:
        decision = rules.decide(asked.facts, at=at, final=asked.final)
        return decision.to_json(explain=asked.explain)

    decided = await anyio.to_thread.run_sync(decide)
    return {"decision": decided, "digest": rules.digest}


@draft_routes.post(
    "/{draft}/commit",
    operation_id="commitDraft",
    response_model=VersionShown,
    status_code=201,
    responses=refusals(412)
    | {200: {"model": VersionShown, "description": "A version with this content exists"}},
)
async def commit(
    *,
    slug: SlugInPath,
    draft: DraftName,
    request: Request,
    house: InHouse,
    caller: WithKey,
    editor: Editing,
    asked: Annotated[CommitAsked, Body(default_factory=CommitAsked)],
) -> Response:
    """Turn a draft without errors into an immutable version; the same content is the same one."""
    before = await answered_before(request, house=house, caller=caller)
    if before is not None:
        return before
    async with transaction(house.engine) as connection:
        row = await existing_draft(connection, slug, draft)
        rule_set = await store.find_rule_set(connection, slug)
        if rule_set is None:
            raise await no_rule_set(connection, slug)
    # Judged before the transaction begins: it may take longer than one may.
    rules = rules_for(await examine(row.source), slug=slug, subject=rule_set.subject)

    async def work(connection: AsyncConnection) -> Answer:
        committed = await commit_draft(
            connection,
            slug,
            draft,
            examined_etag=request.headers.get("if-match") or etag_of(row.row_version),
            rules=rules,
            note=asked.note,
            editor=editor,
        )
        where = f"/v1/rule-sets/{slug}/versions/{committed.row.number}"
        status = 201 if committed.is_new else 200
        shown = version_shown(committed.row)
        return answer_with(VersionShown, shown, status=status, Location=where)

    return await answer_once(request, work, house=house, caller=caller)


async def _draft(house: House, slug: SlugInPath, name: str) -> Row[Any]:
    async with transaction(house.engine) as connection:
        return await existing_draft(connection, slug, name)


def _draft_answer(row: Row[Any], *, status: int = 200) -> Answer:
    shown = draft_shown(row)
    return answer_with(DraftShown, shown, status=status, ETag=etag_of(row.row_version))
