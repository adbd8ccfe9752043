"""`/v1/portfolio/{slug}/statements`: the portfolio as of one instant."""

from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from service.portfolio import store
from service.portfolio.agreeing import Asked, agree, slice_names
from service.portfolio.asking import ask_for, cancel, running_of
from service.portfolio.reading import existing
from service.portfolio.schemas import StatementPage, StatementSent, StatementShown
from service.portfolio.showing import statement_shown, tried_shown
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

__all__ = ["statement_routes"]

statement_routes = APIRouter(
    prefix="/v1/portfolio/{slug}/statements",
    tags=["portfolio"],
    route_class=StrictRoute,
    responses=REFUSALS,
)


@statement_routes.post(
    "",
    operation_id="takeStatement",
    status_code=202,
    response_model=StatementShown,
    responses={200: {"description": "What a dry run found.", "model": StatementShown}},
)
async def take_one(
    *,
    slug: SlugInPath,
    sent: StatementSent,
    request: Request,
    house: InHouse,
    live: Live,
    caller: WithKey,
    editor: Editing,
) -> Response:
    """Decide every account anew, then sum what each brought and cost: the portfolio as of now.

    The answer comes at once; another process does the work. Read the statement until it is
    `done`. Where the rule set is being rescored already, the statement is of that instant.
    """
    before = await answered_before(request, house=house, caller=caller)
    if before is not None:
        return before
    running = await running_of(house.engine, slug, live=live, editor=editor)
    asked = Asked(**sent.model_dump(exclude={"dry_run"}))
    if sent.dry_run:
        terms = agree(running.rules, at=editor.at, asked=asked)
        slices = slice_names(running.rules)
        return Answer.of(tried_shown(running, terms, slices, editor=editor)).to_response()

    async def work(connection: AsyncConnection) -> Answer:
        row = await ask_for(connection, running, editor=editor, asked=asked)
        shown = statement_shown(row)
        address = f"/v1/portfolio/{slug}/statements/{shown['id']}"
        return Answer.of(shown, status=202, headers={"Location": address})

    return await answer_once(request, work, house=house, caller=caller)


@statement_routes.get("", operation_id="listStatements", response_model=StatementPage)
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
    """List the statements of a rule set, the newest first."""
    filters = {"statements": slug}
    before = uuid_after(cursor, filters=filters)
    async with transaction(house.engine) as connection:
        rows = await store.list_of(connection, slug, before=before, limit=limit + 1)
    if not rows:
        await live.check_there(slug, house.clock())
    return page_of(
        rows,
        show=statement_shown,
        position=lambda row: (row.id,),
        limit=limit,
        filters=filters,
        request=request,
        response=response,
    )


@statement_routes.get("/{id}", operation_id="readStatement", response_model=StatementShown)
async def read(
    *,
    slug: SlugInPath,
    id: str,  # noqa: A002 - the address calls it so
    house: InHouse,
) -> dict[str, Any]:
    """Return a statement: whether it is taken yet, by which terms, and what it adds up to."""
    async with transaction(house.engine) as connection:
        row = await existing(connection, slug, parse_id(id, "st"))
    return statement_shown(row)


@statement_routes.post(
    "/{id}/cancel", operation_id="cancelStatement", response_model=StatementShown
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
    """Let a statement not be taken. The rescoring it waits for goes on; cancel that by itself."""
    statement_id = parse_id(id, "st")

    async def work(connection: AsyncConnection) -> Answer:
        return Answer.of(
            statement_shown(await cancel(connection, slug, statement_id, editor=editor))
        )

    return await answer_once(request, work, house=house, caller=caller)
