"""`/v1/connections/{id}/writes`: what is written back, what was given up, and why."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Row

from service.intake import write_store
from service.intake.connecting import existing
from service.intake.delivery_schemas import ReplayedShown, WritePage, WriteState
from service.intake.resyncing import resynchronise
from service.intake.setting_up import set_up
from service.intake.writing_back import ask_to_write
from service.storage import append_audit, parse_id, to_text, transaction
from service.web import (
    REFUSALS,
    CursorParameter,
    InHouse,
    Instant,
    LimitParameter,
    Sent,
    Shown,
    StrictRoute,
    WithKey,
    page_of,
    read_cursor,
    rfc3339,
)

__all__ = ["write_routes"]

write_routes = APIRouter(
    prefix="/v1/connections/{id}",
    tags=["connections"],
    route_class=StrictRoute,
    responses=REFUSALS,
)


class ResyncSent(Sent):
    """From when on the vendor is asked what changed."""

    since: Instant


class AskedShown(Shown):
    """The work was asked for; look at the connection's deliveries for what it came to."""

    asked: bool


class SetUpShown(Shown):
    """What became of each property: `made`, `there` already, or why not."""

    properties: dict[str, str]


@write_routes.get("/writes", operation_id="listConnectionWrites", response_model=WritePage)
async def list_writes(
    *,
    id: str,  # noqa: A002 - the address calls it so
    request: Request,
    response: Response,
    house: InHouse,
    state: Annotated[WriteState | None, Query()] = None,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List the records that are told of decisions; `parked` ones need somebody, and say why."""
    connection_id = parse_id(id, "con")
    filters = {"writes": id, "state": state}
    after = None
    if cursor is not None:
        record, own = read_cursor(cursor, filters=filters, shape=(str, str))
        after = str(record), str(own)
    async with transaction(house.engine) as connection:
        await existing(connection, connection_id)
        rows = await write_store.list_of(
            connection, connection_id, state=state, after=after, limit=limit + 1
        )
    return page_of(
        rows,
        show=_shown,
        position=lambda row: (row.object, row.external_id),
        limit=limit,
        filters=filters,
        request=request,
        response=response,
    )


@write_routes.post(
    "/writes/retry", operation_id="retryConnectionWrites", response_model=ReplayedShown
)
async def retry_writes(
    *,
    id: str,  # noqa: A002 - the address calls it so
    house: InHouse,
    caller: WithKey,
) -> dict[str, Any]:
    """Try everything again that was given up."""
    connection_id = parse_id(id, "con")
    async with transaction(house.engine) as connection:
        await existing(connection, connection_id)
        count = await write_store.try_again(connection, connection_id, at=house.clock())
        await ask_to_write(connection, connection_id)
        await append_audit(
            connection,
            at=house.clock(),
            actor=caller.person,
            action="connections.retry_writes",
            subject=to_text("con", connection_id),
            payload={"records": count},
        )
    return {"replayed": count}


@write_routes.post("/set-up", operation_id="setUpConnection", response_model=SetUpShown)
async def set_it_up(
    *,
    id: str,  # noqa: A002 - the address calls it so
    house: InHouse,
    caller: WithKey,
) -> dict[str, Any]:
    """Make in HubSpot the properties that are written; once, and again after adding some."""
    made = await set_up(parse_id(id, "con"), house=house, person=caller.person)
    return {"properties": made}


@write_routes.post(
    "/resync", operation_id="resynchroniseConnection", status_code=202, response_model=AskedShown
)
async def ask_to_resync(
    *,
    id: str,  # noqa: A002 - the address calls it so
    sent: ResyncSent,
    house: InHouse,
    caller: WithKey,
) -> dict[str, Any]:
    """Ask HubSpot for everything that changed since an instant, after an outage."""
    await resynchronise(parse_id(id, "con"), since=sent.since, house=house, person=caller.person)
    return {"asked": True}


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "object": row.object,
        "external_id": row.external_id,
        "decision": to_text("dec", row.decision_id),
        "wanted": row.wanted,
        "written": row.written,
        "state": row.state,
        "attempts": row.attempts,
        "due_at": rfc3339(row.due_at),
        "problem": row.problem,
        "written_at": None if row.written_at is None else rfc3339(row.written_at),
    }
