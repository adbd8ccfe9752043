"""`/v1/connections`: forms and CRMs that tell us something, and what is written back to them."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request, Response

from service.intake import delivery_store, store
from service.intake.connecting import change, connect, connection_of, disconnect, existing
from service.intake.connection_document import ConnectionSent
from service.intake.connection_schemas import (
    AppliedPage,
    ConnectionPage,
    ConnectionPatch,
    ConnectionsDeclared,
    ConnectionShown,
    NewConnectionShown,
)
from service.intake.connection_showing import applied_shown, connection_shown
from service.intake.declaring import apply_declared
from service.intake.writing_back import ask_to_write
from service.storage import parse_id, transaction
from service.web import (
    REFUSALS,
    CursorParameter,
    DryRun,
    InHouse,
    InvalidIdempotencyKey,
    LimitParameter,
    StrictRoute,
    WithKey,
    etag_of,
    only_tried,
    page_of,
    refusals,
    uuid_after,
)

__all__ = ["connection_routes"]

connection_routes = APIRouter(
    prefix="/v1/connections",
    tags=["connections"],
    route_class=StrictRoute,
    responses=REFUSALS | refusals(412),
)
IfMatch = Annotated[str | None, Header(max_length=1_000, description="The ETag of what you edit.")]
_FILTERS: Final[dict[str, object]] = {}


@connection_routes.post(
    "", operation_id="createConnection", status_code=201, response_model=NewConnectionShown
)
async def create_connection(
    sent: ConnectionSent, request: Request, house: InHouse, caller: WithKey, response: Response
) -> dict[str, Any]:
    """Make a connection: a preset, and what differs from it.

    Where its address holds a token, the answer is the only one that shows it: an
    Idempotency-Key, under which it would have to be kept, is refused.
    """
    _refuse_idempotency(request)
    async with transaction(house.engine) as connection:
        made = await connect(connection, sent, house=house, person=caller.person)
        if made.resolved.writes.targets:
            await ask_to_write(connection, made.id)
    response.headers["Cache-Control"] = "no-store"
    response.headers["ETag"] = etag_of(made.row.row_version)
    return connection_shown(made)


@connection_routes.post("/apply", operation_id="applyConnections", response_model=AppliedPage)
async def apply_connections(
    *,
    sent: ConnectionsDeclared,
    request: Request,
    response: Response,
    house: InHouse,
    caller: WithKey,
    dry_run: DryRun = False,
) -> dict[str, Any]:
    """Bring connections to what a file declares of them: all of them, or none.

    To apply the same again changes nothing. Each document replaces the one before; secrets that
    are not given stay. What is not declared is left alone, and only removed by `DELETE`.
    """
    _refuse_idempotency(request)
    async with transaction(house.engine) as connection, only_tried(connection, dry_run):
        applied = await apply_declared(
            connection, sent.connections, house=house, person=caller.person
        )
    response.headers["Cache-Control"] = "no-store"
    shown = [applied_shown(one, is_dry=dry_run) for one in applied]
    return {"dry_run": dry_run, "connections": shown}


@connection_routes.get("", operation_id="listConnections", response_model=ConnectionPage)
async def list_connections(
    request: Request,
    response: Response,
    house: InHouse,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List connections, the newest first."""
    before = uuid_after(cursor, filters=_FILTERS)
    async with transaction(house.engine) as connection:
        rows = await store.list_all(connection, before=before, limit=limit + 1)
    return page_of(
        rows,
        show=lambda row: connection_shown(connection_of(row, house.settings)),
        position=lambda row: (row.id,),
        limit=limit,
        filters=_FILTERS,
        request=request,
        response=response,
    )


@connection_routes.get("/{id}", operation_id="readConnection", response_model=ConnectionShown)
async def read_connection(
    id: str,  # noqa: A002 - the address calls it so
    house: InHouse,
    response: Response,
) -> dict[str, Any]:
    """Return a connection, whether it works, and how many of its deliveries wait or are parked."""
    connection_id = parse_id(id, "con")
    async with transaction(house.engine) as connection:
        row = await existing(connection, connection_id)
        counts = await delivery_store.count_waiting(connection, connection_id)
    response.headers["ETag"] = etag_of(row.row_version)
    return connection_shown(connection_of(row, house.settings), counts)


@connection_routes.patch(
    "/{id}", operation_id="changeConnection", response_model=NewConnectionShown
)
async def change_connection(
    *,
    id: str,  # noqa: A002 - the address calls it so
    sent: ConnectionPatch,
    house: InHouse,
    caller: WithKey,
    response: Response,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Change a connection by a JSON merge patch, and rotate its secrets."""
    patch = sent.model_dump(exclude_unset=True, exclude={"secrets", "new_path_token"}, mode="json")
    async with transaction(house.engine) as connection:
        changed = await change(
            connection,
            parse_id(id, "con"),
            patch,
            secrets=sent.secrets,
            new_token=sent.new_path_token,
            if_match=if_match,
            house=house,
            person=caller.person,
        )
        if changed.resolved.writes.targets:
            await ask_to_write(connection, changed.id)
    response.headers["Cache-Control"] = "no-store"
    response.headers["ETag"] = etag_of(changed.row.row_version)
    return connection_shown(changed)


@connection_routes.delete("/{id}", operation_id="removeConnection", status_code=204)
async def remove_connection(
    id: str,  # noqa: A002 - the address calls it so
    house: InHouse,
    caller: WithKey,
) -> None:
    """Remove a connection with its secrets and its raw deliveries; what they came to stays."""
    async with transaction(house.engine) as connection:
        await disconnect(connection, parse_id(id, "con"), house=house, person=caller.person)


def _refuse_idempotency(request: Request) -> None:
    if "idempotency-key" in request.headers:
        words = "the address is shown once and not kept, so it cannot be shown again"
        raise InvalidIdempotencyKey(f"{words}; send no such header, names are unique")
