"""`/v1/portfolio/{slug}/statements`: the portfolio as of one instant."""

from typing import Any

from fastapi import APIRouter, Request, Response

from service.portfolio import store
from service.portfolio.reading import existing
from service.portfolio.schemas import StatementPage, StatementShown
from service.portfolio.showing import statement_shown
from service.rulesets import Live, SlugInPath
from service.storage import parse_id, transaction
from service.web import (
    REFUSALS,
    CursorParameter,
    InHouse,
    LimitParameter,
    StrictRoute,
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
