"""`/v1/suspensions`: rules that may not blame the accounts of a group for now."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from service.decisions import suspension_store
from service.decisions.suspending import end_suspension, existing_suspension
from service.decisions.suspension_schemas import (
    EndingSent,
    SuspensionPage,
    SuspensionShown,
    suspension_told,
)
from service.decisions.suspension_store import Filters
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

__all__ = ["suspension_routes"]

suspension_routes = APIRouter(
    prefix="/v1/suspensions", tags=["suspensions"], route_class=StrictRoute, responses=REFUSALS
)


@suspension_routes.get("", operation_id="listSuspensions", response_model=SuspensionPage)
async def list_them(
    *,
    request: Request,
    response: Response,
    house: InHouse,
    rule_set: Annotated[str | None, Query(max_length=64)] = None,
    part: Annotated[
        str | None,
        Query(max_length=80, description="A rule's or gate's id, or `outcome:` and an outcome's."),
    ] = None,
    in_force: Annotated[bool | None, Query(description="Neither ended nor over.")] = None,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List suspensions, the newest first."""
    filters = Filters(rule_set=rule_set, part=part, in_force=in_force)
    at = house.clock()
    before = uuid_after(cursor, filters=filters.to_json())
    async with transaction(house.engine) as connection:
        rows = await suspension_store.list_of(
            connection, filters, at=at, before=before, limit=limit + 1
        )
    return page_of(
        rows,
        show=lambda row: suspension_told(row, at=at),
        position=lambda row: (row.id,),
        limit=limit,
        filters=filters.to_json(),
        request=request,
        response=response,
    )


@suspension_routes.get("/{id}", operation_id="readSuspension", response_model=SuspensionShown)
async def read(
    *,
    id: str,  # noqa: A002 - the address calls it so
    house: InHouse,
) -> Response:
    """Return one suspension, what showed it, and how it ended."""
    async with transaction(house.engine) as connection:
        row = await existing_suspension(connection, parse_id(id, "sus"))
    return Answer.of(suspension_told(row, at=house.clock())).to_response()


@suspension_routes.post("/{id}/end", operation_id="endSuspension", response_model=SuspensionShown)
async def end_it(
    *,
    id: str,  # noqa: A002 - the address calls it so
    sent: EndingSent,
    request: Request,
    house: InHouse,
    caller: WithKey,
) -> Response:
    """End a suspension as a person who knows better: the rule counts again from now on.

    It is not suspended for the same accounts again by itself for half a year.
    """
    suspension_id = parse_id(id, "sus")
    editor = Editor(person=caller.person, at=house.clock(), new_uuid=house.new_uuid)

    async def work(connection: AsyncConnection) -> Answer:
        await end_suspension(connection, suspension_id, reason=sent.reason, editor=editor)
        row = await existing_suspension(connection, suspension_id)
        return Answer.of(suspension_told(row, at=editor.at))

    return await answer_once(request, work, house=house, caller=caller)
