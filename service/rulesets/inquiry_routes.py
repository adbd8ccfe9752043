"""`/v1/rule-sets/{slug}/inquiries`: what rules mean, asked of the solver and kept."""

from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rulesets import inquiry_store, store
from service.rulesets.asking import Editing, SlugInPath
from service.rulesets.checking import compile_source
from service.rulesets.drafting import existing_draft
from service.rulesets.inquiring import (
    Inquiry,
    InquiryNotFound,
    checked_questions,
    inquire,
    inquiry_shown,
)
from service.rulesets.inquiry_schemas import InquiryAsked, InquiryPage, InquiryShown
from service.rulesets.live import VersionNotFound
from service.rulesets.missing import no_rule_set
from service.rulesets.showing import answer_with
from service.rulesets.trying import find_tried
from service.storage import leases, parse_id, transaction
from service.web import (
    REFUSALS,
    Answer,
    CursorParameter,
    House,
    InHouse,
    LimitParameter,
    StrictRoute,
    WithKey,
    answer_once,
    answered_before,
    page_of,
    refusals,
    uuid_after,
)

__all__ = ["inquiry_routes"]

inquiry_routes = APIRouter(
    prefix="/v1/rule-sets/{slug}/inquiries",
    tags=["rule sets"],
    route_class=StrictRoute,
    responses=REFUSALS,
)


@inquiry_routes.post(
    "",
    operation_id="askInquiry",
    status_code=202,
    response_model=InquiryShown,
    responses=refusals(422, 429)
    | {200: {"model": InquiryShown, "description": "This was asked before and has its answer"}},
)
async def ask(
    *,
    slug: SlugInPath,
    asked: InquiryAsked,
    request: Request,
    house: InHouse,
    caller: WithKey,
    editor: Editing,
) -> Response:
    """Compare a draft or a version with its base by what they decide, or ask questions of it.

    The answer comes at once; another process asks the solver. Read the inquiry until it is
    done. The same question about the same texts is asked once.
    """
    before = await answered_before(request, house=house, caller=caller)
    if before is not None:
        return before
    inquiry = await _inquiry(house, slug, asked, editor=editor)

    async def work(connection: AsyncConnection) -> Answer:
        return _answer(await inquire(connection, slug, inquiry, editor=editor))

    return await answer_once(request, work, house=house, caller=caller)


@inquiry_routes.get("", operation_id="listInquiries", response_model=InquiryPage)
async def list_them(
    *,
    slug: SlugInPath,
    request: Request,
    response: Response,
    house: InHouse,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List the inquiries about a rule set, the newest first."""
    filters = {"inquiries": slug}
    before = uuid_after(cursor, filters=filters)
    async with transaction(house.engine) as connection:
        if await store.find_rule_set(connection, slug) is None:
            raise await no_rule_set(connection, slug)
        rows = await inquiry_store.list_of(connection, slug, before=before, limit=limit + 1)
    return page_of(
        rows,
        show=inquiry_shown,
        position=lambda row: (row.id,),
        limit=limit,
        filters=filters,
        request=request,
        response=response,
    )


@inquiry_routes.get("/{id}", operation_id="readInquiry", response_model=InquiryShown)
async def read(
    *,
    slug: SlugInPath,
    id: str,  # noqa: A002 - the address calls it so
    house: InHouse,
) -> Response:
    """Return an inquiry, with its answer once it is done."""
    async with transaction(house.engine) as connection:
        row = await inquiry_store.find(connection, slug, parse_id(id, "inq"))
    if row is None:
        raise InquiryNotFound
    return answer_with(InquiryShown, inquiry_shown(row)).to_response()


def _answer(row: Row[Any]) -> Answer:
    shown = inquiry_shown(row)
    where = f"/v1/rule-sets/{row.rule_set}/inquiries/{shown['id']}"
    status = 202 if row.state in leases.OPEN else 200
    return answer_with(InquiryShown, shown, status=status, Location=where)


async def _inquiry(house: House, slug: str, asked: InquiryAsked, *, editor: Editing) -> Inquiry:
    questions = tuple(one.model_dump() for one in asked.questions)
    if questions:
        rules = await compile_source(await _source(house, slug, asked))
        checked_questions(rules, questions)
        return Inquiry(rules=rules, base=None, questions=questions, limit_s=asked.limit_s)
    async with transaction(house.engine) as connection:
        tried = await find_tried(
            connection, slug, draft=asked.draft, version=asked.version, base=asked.base,
            at=editor.at,
        )  # fmt: skip
    rules, base = await compile_source(tried.source), await compile_source(tried.base_source)
    return Inquiry(rules=rules, base=base, questions=(), limit_s=asked.limit_s)


async def _source(house: House, slug: str, asked: InquiryAsked) -> str | bytes:
    async with transaction(house.engine) as connection:
        if await store.find_rule_set(connection, slug) is None:
            raise await no_rule_set(connection, slug)
        if asked.draft is not None:
            return str((await existing_draft(connection, slug, asked.draft)).source)
        version = await store.find_version(connection, slug, number=asked.version)
    if version is None:
        raise VersionNotFound
    return bytes(version.canonical)
