"""`/v1/audit`: who changed what, the newest first."""

from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlalchemy import Row, select

from service.storage import transaction
from service.storage.tables import AuditEntryRow
from service.web.documented import REFUSALS
from service.web.house import InHouse
from service.web.paging import CursorParameter, LimitParameter, number_after, page_of
from service.web.strict_route import StrictRoute
from service.web.wire import Shown, rfc3339

__all__ = ["audit_routes"]

audit_routes = APIRouter(prefix="/v1/audit", tags=["keys"], route_class=StrictRoute)


class AuditEntryShown(Shown):
    """One change. `hash` covers it and the entry before it; `goodfit audit verify` recomputes."""

    seq: int
    at: str
    actor: str
    action: str = Field(examples=["rulesets.release"])
    subject: str = Field(examples=["fleet_leads"])
    digest: str | None
    payload: dict[str, Any]
    hash: str


class AuditPage(Shown):
    """Entries, the newest first."""

    data: list[AuditEntryShown]
    next_cursor: str | None


@audit_routes.get("", operation_id="listAudit", response_model=AuditPage, responses=REFUSALS)
async def read_audit(
    *,
    request: Request,
    response: Response,
    house: InHouse,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List who changed keys, rule sets and releases, and when; entries never change."""
    below = number_after(cursor, filters={})
    statement = select(AuditEntryRow.__table__).order_by(AuditEntryRow.seq.desc())
    if below is not None:
        statement = statement.where(AuditEntryRow.seq < below)
    async with transaction(house.engine) as connection:
        rows = (await connection.execute(statement.limit(limit + 1))).all()
    return page_of(
        rows,
        show=_shown,
        position=lambda row: (row.seq,),
        limit=limit,
        filters={},
        request=request,
        response=response,
    )


def _shown(row: Row[Any]) -> dict[str, Any]:
    plain = {name: getattr(row, name) for name in ("seq", "actor", "action", "subject", "digest")}
    payload = orjson.loads(row.payload)
    return plain | {"at": rfc3339(row.at), "payload": payload, "hash": row.hash.hex()}
