"""`/v1/keys`: who may ask this service anything."""

from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import Row

from service.storage import parse_id, to_text, transaction
from service.web.documented import REFUSALS
from service.web.house import InHouse, WithKey
from service.web.idempotency import InvalidIdempotencyKey
from service.web.key_making import give_key, take_key_back
from service.web.key_schemas import KeyAsked, KeyPage, NewKeyShown
from service.web.key_store import list_keys
from service.web.paging import (
    CursorParameter,
    LimitParameter,
    page_of,
    uuid_after,
)
from service.web.strict_route import StrictRoute
from service.web.wire import rfc3339

__all__ = ["key_routes"]

key_routes = APIRouter(prefix="/v1/keys", tags=["keys"], route_class=StrictRoute)


@key_routes.post("", operation_id="createKey", status_code=201, responses=REFUSALS)
async def create_key(
    asked: KeyAsked, request: Request, house: InHouse, caller: WithKey, response: Response
) -> NewKeyShown:
    """Make a key and show it, once.

    An Idempotency-Key is refused here: it would have to keep the key itself for a day.
    """
    if "idempotency-key" in request.headers:
        words = "a key is shown once and not kept, so it cannot be shown again; send no such header"
        raise InvalidIdempotencyKey(words)
    now = house.clock()
    async with transaction(house.engine) as connection:
        made = await give_key(
            connection, asked, key_id=house.new_uuid(now), by=caller.person, at=now
        )
    response.headers["Cache-Control"] = "no-store"
    return NewKeyShown(key=made.key, **_shown(made.row))


@key_routes.get("", operation_id="listKeys", response_model=KeyPage, responses=REFUSALS)
async def read_keys(
    request: Request,
    response: Response,
    house: InHouse,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List every key, revoked ones too, the newest first."""
    after = uuid_after(cursor, filters={})
    async with transaction(house.engine) as connection:
        rows = await list_keys(connection, after=after, limit=limit + 1)
    return page_of(
        rows,
        show=_shown,
        position=lambda row: (row.id,),
        limit=limit,
        filters={},
        request=request,
        response=response,
    )


@key_routes.delete("/{id}", operation_id="revokeKey", status_code=204, responses=REFUSALS)
async def revoke_key(id: str, house: InHouse, caller: WithKey) -> None:  # noqa: A002 - the address calls it so
    """Revoke a key for good; within a second it opens nothing."""
    async with transaction(house.engine) as connection:
        await take_key_back(connection, parse_id(id, "key"), by=caller.person, at=house.clock())
    house.keys.forget()


def _shown(row: Row[Any]) -> dict[str, Any]:
    moments = ("created_at", "expires_at", "last_used_at", "revoked_at")
    plain = ("prefix", "kind", "name", "person", "scopes", "rule_set", "origins")
    told: dict[str, Any] = {name: getattr(row, name) for name in plain}
    for name in moments:
        at = getattr(row, name)
        told[name] = None if at is None else rfc3339(at)
    return told | {
        "id": to_text("key", row.id),
        "created_by": row.created_by,
        "revoked_by": row.revoked_by,
    }
