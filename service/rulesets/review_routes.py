"""`/v1/rule-sets/{slug}/reviews`: ask for a second pair of eyes, read, approve, reject."""

import json
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules import RuleSet
from service.rulesets import review_store, store
from service.rulesets.asking import Editing, SlugInPath
from service.rulesets.checking import examine, rules_for
from service.rulesets.drafting import existing_draft
from service.rulesets.missing import no_rule_set
from service.rulesets.review_reading import ask_what_it_means, read_review
from service.rulesets.review_schemas import (
    ApprovalSent,
    RejectionSent,
    ReviewAsked,
    ReviewHead,
    ReviewPage,
    ReviewShown,
    ReviewState,
)
from service.rulesets.review_showing import review_shown
from service.rulesets.reviewing import (
    approve,
    ask_review_of_draft,
    ask_review_of_version,
    reject,
    withdraw,
)
from service.rulesets.showing import answer_with
from service.storage import parse_id, transaction
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
    etag_of,
    page_of,
    refusals,
    uuid_after,
)

__all__ = ["review_routes"]

review_routes = APIRouter(
    prefix="/v1/rule-sets/{slug}/reviews",
    tags=["rule sets"],
    route_class=StrictRoute,
    responses=REFUSALS,
)


@review_routes.post(
    "",
    operation_id="askReview",
    status_code=201,
    response_model=ReviewHead,
    responses=refusals(412)
    | {200: {"model": ReviewHead, "description": "An open review of this text exists"}},
)
async def ask(
    *,
    slug: SlugInPath,
    asked: ReviewAsked,
    request: Request,
    house: InHouse,
    caller: WithKey,
    editor: Editing,
) -> Response:
    """Ask somebody else to look at a draft as it is now, or at a version.

    What could not be committed is refused as a commit is. Backtest it first: the review
    shows who would flip.
    """
    before = await answered_before(request, house=house, caller=caller)
    if before is not None:
        return before
    examined = None if asked.draft is None else await _examined(house, slug, asked.draft)

    async def work(connection: AsyncConnection) -> Answer:
        if asked.version is not None:
            review = await ask_review_of_version(
                connection, slug, asked.version, note=asked.note, editor=editor
            )
        else:
            if asked.draft is None or examined is None:
                raise AssertionError("what is asked for is a version or an examined draft")
            etag, rules = examined
            review = await ask_review_of_draft(
                connection,
                slug,
                asked.draft,
                examined_etag=request.headers.get("if-match") or etag,
                rules=rules,
                note=asked.note,
                editor=editor,
            )
        shown = review_shown(review.row)
        where = f"/v1/rule-sets/{slug}/reviews/{shown['id']}"
        status = 201 if review.is_new else 200
        return answer_with(ReviewHead, shown, status=status, Location=where)

    answer = await answer_once(request, work, house=house, caller=caller)
    review = parse_id(json.loads(bytes(answer.body))["id"], "rev")
    await ask_what_it_means(house.engine, slug, review, editor=editor)
    return answer


@review_routes.get("", operation_id="listReviews", response_model=ReviewPage)
async def list_them(
    *,
    slug: SlugInPath,
    request: Request,
    response: Response,
    house: InHouse,
    state: ReviewState | None = None,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List reviews, the newest first."""
    filters = {"reviews": slug, "state": state}
    before = uuid_after(cursor, filters=filters)
    async with transaction(house.engine) as connection:
        if await store.find_rule_set(connection, slug) is None:
            raise await no_rule_set(connection, slug)
        rows = await review_store.list_reviews(
            connection, slug, state=state, before=before, limit=limit + 1
        )
    return page_of(
        rows,
        show=review_shown,
        position=lambda row: (row.id,),
        limit=limit,
        filters=filters,
        request=request,
        response=response,
    )


@review_routes.get("/{id}", operation_id="readReview", response_model=ReviewShown)
async def read(
    *,
    slug: SlugInPath,
    id: str,  # noqa: A002 - the address calls it so
    house: InHouse,
    editor: Editing,
) -> dict[str, Any]:
    """Return a review: what would change against live, and who would flip."""
    return await read_review(house.engine, slug, parse_id(id, "rev"), editor=editor)


@review_routes.post("/{id}/approve", operation_id="approveReview", response_model=ReviewHead)
async def approve_it(
    *,
    slug: SlugInPath,
    id: str,  # noqa: A002 - the address calls it so
    sent: ApprovalSent,
    request: Request,
    house: InHouse,
    caller: WithKey,
    editor: Editing,
) -> Response:
    """Approve the text with this digest; by nobody who wrote it or asked for the review."""

    async def work(connection: AsyncConnection) -> Answer:
        row = await approve(
            connection,
            slug,
            parse_id(id, "rev"),
            digest=sent.digest,
            comment=sent.comment,
            editor=editor,
        )
        return answer_with(ReviewHead, review_shown(row))

    return await answer_once(request, work, house=house, caller=caller)


@review_routes.post("/{id}/reject", operation_id="rejectReview", response_model=ReviewHead)
async def reject_it(
    *,
    slug: SlugInPath,
    id: str,  # noqa: A002 - the address calls it so
    sent: RejectionSent,
    request: Request,
    house: InHouse,
    caller: WithKey,
    editor: Editing,
) -> Response:
    """Say no, or take an approval back on which nothing was released yet."""

    async def work(connection: AsyncConnection) -> Answer:
        review_id = parse_id(id, "rev")
        row = await reject(connection, slug, review_id, comment=sent.comment, editor=editor)
        return answer_with(ReviewHead, review_shown(row))

    return await answer_once(request, work, house=house, caller=caller)


@review_routes.post("/{id}/withdraw", operation_id="withdrawReview", response_model=ReviewHead)
async def withdraw_it(
    *,
    slug: SlugInPath,
    id: str,  # noqa: A002 - the address calls it so
    request: Request,
    house: InHouse,
    caller: WithKey,
    editor: Editing,
) -> Response:
    """Ask no longer for a review."""

    async def work(connection: AsyncConnection) -> Answer:
        row = await withdraw(connection, slug, parse_id(id, "rev"), editor=editor)
        return answer_with(ReviewHead, review_shown(row))

    return await answer_once(request, work, house=house, caller=caller)


async def _examined(house: House, slug: str, draft: str) -> tuple[str, RuleSet]:
    """Return a draft's tag and rules, judged outside any transaction."""
    async with transaction(house.engine) as connection:
        row = await existing_draft(connection, slug, draft)
        rule_set = await store.find_rule_set(connection, slug)
        if rule_set is None:
            raise await no_rule_set(connection, slug)
    rules = rules_for(await examine(row.source), slug=slug, subject=rule_set.subject)
    return etag_of(row.row_version), rules
