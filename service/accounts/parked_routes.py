"""`/v1/parked-events`: events that wait for somebody to close the gap they name."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts import parked_store
from service.accounts.event_routes import Entering
from service.accounts.ledger_schemas import (
    MendedSent,
    ParkedPage,
    ParkedShown,
    ReplayedShown,
    ReplaySent,
)
from service.accounts.ledger_showing import parked_shown
from service.accounts.parking import drop, existing_parked, mend, replay, replay_many
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
    write_cursor,
)

__all__ = ["parked_routes"]

parked_routes = APIRouter(
    prefix="/v1/parked-events", tags=["ledger"], route_class=StrictRoute, responses=REFUSALS
)
_Name = Annotated[str | None, Query(max_length=64)]
_AT_ONCE: Final = 500


@parked_routes.get("", operation_id="listParkedEvents", response_model=ParkedPage)
async def read_parked(
    *,
    request: Request,
    response: Response,
    house: InHouse,
    state: Literal["parked", "entered", "dropped"] = "parked",
    source: _Name = None,
    reason: Annotated[_Name, Query(description="The code of one of its reasons.")] = None,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List events that wait, or that were entered or dropped after they had waited."""
    filters = {"state": state, "source": source, "reason": reason}
    after = uuid_after(cursor, filters=filters)
    async with transaction(house.engine) as connection:
        rows = await parked_store.list_parked(
            connection, state=state, source=source, code=reason, after=after, limit=limit + 1
        )
    return page_of(
        rows,
        show=parked_shown,
        position=lambda row: (row.id,),
        limit=limit,
        filters=filters,
        request=request,
        response=response,
    )


@parked_routes.post("/replay", operation_id="replayParkedEvents", response_model=ReplayedShown)
async def replay_all(
    *,
    sent: ReplaySent,
    request: Request,
    house: InHouse,
    caller: WithKey,
    clerk: Entering,
) -> Response:
    """Try to enter the events that wait, up to 500 at a time, the newest first.

    For when an account or a kind has become known. Go on with `next_cursor` until it is null.
    """
    filters = {"source": sent.source, "reason": sent.reason}
    after = uuid_after(sent.cursor, filters=filters)

    async def work(connection: AsyncConnection) -> Answer:
        rows = await parked_store.list_parked(
            connection,
            state="parked",
            source=sent.source,
            code=sent.reason,
            after=after,
            limit=_AT_ONCE,
        )
        done = await replay_many(connection, rows, clerk=clerk, currency=house.settings.currency)
        is_more = len(rows) == _AT_ONCE
        cursor = write_cursor((rows[-1].id,), filters=filters) if is_more else None
        return Answer.of(
            {
                "entered": done.entered,
                "parked": done.parked,
                "conflicts": done.conflicts,
                "next_cursor": cursor,
            }
        )

    return await answer_once(request, work, house=house, caller=caller)


@parked_routes.get("/{id}", operation_id="readParkedEvent", response_model=ParkedShown)
async def read_one(id: str, house: InHouse) -> dict[str, Any]:  # noqa: A002 - the address calls it so
    """Show one event with the reasons for which it waits."""
    async with transaction(house.engine) as connection:
        return parked_shown(await existing_parked(connection, parse_id(id, "prk")))


@parked_routes.put("/{id}", operation_id="mendParkedEvent", response_model=ParkedShown)
async def mend_one(
    *,
    id: str,  # noqa: A002 - the address calls it so
    sent: MendedSent,
    house: InHouse,
    clerk: Entering,
) -> dict[str, Any]:
    """Put a mended event in the place of the one that waits, and try to enter it.

    `state` of the answer says whether that went well; if not, `reasons` are the new ones.
    """
    parked_id = parse_id(id, "prk")
    currency = house.settings.currency
    async with transaction(house.engine) as connection:
        row = await mend(connection, parked_id, sent.event, clerk=clerk, currency=currency)
    return parked_shown(row)


@parked_routes.post("/{id}/replay", operation_id="replayParkedEvent", response_model=ParkedShown)
async def replay_one(
    *,
    id: str,  # noqa: A002 - the address calls it so
    request: Request,
    house: InHouse,
    caller: WithKey,
    clerk: Entering,
) -> Response:
    """Try to enter an event that waits, as it is."""
    parked_id = parse_id(id, "prk")
    currency = house.settings.currency

    async def work(connection: AsyncConnection) -> Answer:
        row = await replay(connection, parked_id, clerk=clerk, currency=currency)
        return Answer.of(parked_shown(row))

    return await answer_once(request, work, house=house, caller=caller)


@parked_routes.delete("/{id}", operation_id="dropParkedEvent", response_model=ParkedShown)
async def drop_one(
    *,
    id: str,  # noqa: A002 - the address calls it so
    house: InHouse,
    clerk: Entering,
    reason: Annotated[
        str, Query(min_length=1, max_length=1_000, pattern=r"\S", description="Why, for others.")
    ],
) -> dict[str, Any]:
    """Never enter an event that waits, however often its source tells the same again."""
    async with transaction(house.engine) as connection:
        row = await drop(connection, parse_id(id, "prk"), reason=reason, clerk=clerk)
    return parked_shown(row)
