"""`/v1/events` and an account's own: the ledger, one event or many at a time."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts import ledger_store
from service.accounts.entering import enter_one, many_events
from service.accounts.keeping import existing_account
from service.accounts.ledger_schemas import (
    EventLineSent,
    EventPage,
    EventSent,
    EventShown,
    EventsShown,
    ParkedShown,
    ReversalSent,
)
from service.accounts.ledger_showing import event_shown, parked_shown
from service.accounts.ledger_store import EventFilters
from service.accounts.parking import existing_parked
from service.accounts.recording import Clerk
from service.accounts.reversing import existing_event, reverse
from service.accounts.schemas import AccountKey
from service.storage import parse_id, transaction
from service.web import (
    REFUSALS,
    STREAMED,
    Answer,
    CursorParameter,
    DryRun,
    House,
    IdempotencyKey,
    InHouse,
    Instant,
    LimitParameter,
    StrictRoute,
    Visiting,
    WithKey,
    answer_many,
    answer_once,
    body_of_many,
    instant_after,
    page_of,
)

__all__ = ["Entering", "event_routes"]

event_routes = APIRouter(prefix="/v1", tags=["ledger"], route_class=StrictRoute, responses=REFUSALS)

_LINE: Final = {"$ref": f"#/components/schemas/{EventLineSent.__name__}"}
_ONE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": EventShown, "description": "Entered before"},
    201: {"model": EventShown, "description": "Entered"},
    202: {"model": ParkedShown, "description": "Parked: it waits for the reasons named"},
}


async def _clerk_of(house: InHouse, caller: WithKey) -> Clerk:
    return Clerk(person=caller.person, now=house.clock(), new_uuid=house.new_uuid)


Entering = Annotated[Clerk, Depends(_clerk_of)]


async def _filters_of(
    kind: Annotated[str | None, Query(max_length=64)] = None,
    source: Annotated[str | None, Query(max_length=64)] = None,
    begin: Annotated[
        Instant | None, Query(alias="from", description="Happened then or later.")
    ] = None,
    end: Annotated[Instant | None, Query(alias="to", description="Happened before then.")] = None,
) -> EventFilters:
    return EventFilters(kind=kind, source=source, begin=begin, end=end)


Filtering = Annotated[EventFilters, Depends(_filters_of)]


@event_routes.post(
    "/accounts/{key}/events",
    operation_id="addEvent",
    status_code=201,
    responses=_ONE,
    response_model=EventShown,
)
async def add_event(
    *,
    key: AccountKey,
    sent: EventSent,
    request: Request,
    house: InHouse,
    caller: WithKey,
    clerk: Entering,
) -> Response:
    """Enter one event of an account.

    A repeat of `source` and `event_id` is recognised and answered with the entry; with
    other content it is 409. An event whose kind is not declared, or that lacks a quantity
    its kind needs, is parked (202); what cannot be right is refused with its place.
    """
    currency = house.settings.currency

    async def work(connection: AsyncConnection) -> Answer:
        await existing_account(connection, key)
        ending = await enter_one(connection, sent, key=key, clerk=clerk, currency=currency)
        if ending.event_id is None:
            parked = await existing_parked(connection, ending.parked_id)
            return Answer.of(parked_shown(parked), status=202)
        row = await existing_event(connection, ending.event_id)
        status = 201 if ending.state == "entered" else 200
        return Answer.of(event_shown(row, currency=currency), status=status)

    return await answer_once(request, work, house=house, caller=caller)


@event_routes.get(
    "/accounts/{key}/events", operation_id="listAccountEvents", response_model=EventPage
)
async def read_account_events(
    *,
    key: AccountKey,
    filters: Filtering,
    request: Request,
    response: Response,
    house: InHouse,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List what happened with an account, the latest first.

    What was entered for accounts that were merged into it is among it.
    """
    async with transaction(house.engine) as connection:
        account = await existing_account(connection, key)
        about = filters.to_cursor() | {"account": account.id}
        rows = await ledger_store.list_events(
            connection,
            filters,
            account_id=account.id,
            after=instant_after(cursor, filters=about),
            limit=limit + 1,
        )
    return _page(rows, about, request=request, response=response, limit=limit, house=house)


@event_routes.post(
    "/events",
    operation_id="addEvents",
    response_model=EventsShown,
    responses=STREAMED,
    openapi_extra=body_of_many(_LINE, a_line="One event"),
)
async def add_events(
    *,
    request: Request,
    house: InHouse,
    caller: WithKey,
    clerk: Entering,
    visit: Visiting,
    idempotency_key: IdempotencyKey = None,
    dry_run: DryRun = False,
) -> Response:
    """Enter up to 1,000 events in an array, or any number line by line.

    Each says whose it is and has its source's id, so that sending all again is safe. One
    that cannot be entered is parked with its reasons; what is no event, or contradicts
    what its source told before, gets a problem. No event fails another. An array is kept
    whole before its answer; of a stream every line before its result.
    """
    return await answer_many(
        request,
        many_events(clerk, currency=house.settings.currency),
        house=house,
        caller=caller,
        visit=visit,
        idempotency_key=idempotency_key,
        dry_run=dry_run,
    )


@event_routes.get("/events", operation_id="listEvents", response_model=EventPage)
async def read_events(
    *,
    filters: Filtering,
    request: Request,
    response: Response,
    house: InHouse,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List the ledger, what was entered last first."""
    about = filters.to_cursor()
    async with transaction(house.engine) as connection:
        rows = await ledger_store.list_events(
            connection,
            filters,
            account_id=None,
            after=instant_after(cursor, filters=about),
            limit=limit + 1,
        )
    return _page(rows, about, request=request, response=response, limit=limit, house=house)


@event_routes.get("/events/{id}", operation_id="readEvent", response_model=EventShown)
async def read_event(id: str, house: InHouse) -> dict[str, Any]:  # noqa: A002 - the address calls it so
    """Show one entry."""
    async with transaction(house.engine) as connection:
        row = await existing_event(connection, parse_id(id, "evt"))
    return event_shown(row, currency=house.settings.currency)


@event_routes.post(
    "/events/{id}/reversal",
    operation_id="reverseEvent",
    status_code=201,
    response_model=EventShown,
)
async def reverse_event(
    *,
    id: str,  # noqa: A002 - the address calls it so
    sent: ReversalSent,
    request: Request,
    house: InHouse,
    caller: WithKey,
    clerk: Entering,
) -> Response:
    """Take an entry back by another one that cancels it out; both stay to be seen.

    Enter the corrected event under an id of its own.
    """
    event_id = parse_id(id, "evt")

    async def work(connection: AsyncConnection) -> Answer:
        row = await reverse(connection, event_id, reason=sent.reason, clerk=clerk)
        shown = event_shown(row, currency=house.settings.currency)
        return Answer.of(shown, status=201)

    return await answer_once(request, work, house=house, caller=caller)


def _page(
    rows: Sequence[Any],
    about: dict[str, object],
    *,
    request: Request,
    response: Response,
    limit: int,
    house: House,
) -> dict[str, Any]:
    return page_of(
        rows,
        show=lambda row: event_shown(row, currency=house.settings.currency),
        position=lambda row: (row.at, row.id),
        limit=limit,
        filters=about,
        request=request,
        response=response,
    )
