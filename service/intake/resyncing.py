"""Bring a connection up to date after an outage: HubSpot forgets what it could not deliver.

What changed since an instant is searched for page by page, and each page is kept and read as
if it had been delivered: repeats are recognised, and late words do not win.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from service.intake import delivery_store, store
from service.intake.connecting import Connection, connection_of, existing
from service.intake.fetching import fields_read, item_of, open_hubspot
from service.intake.setting_up import CannotAskVendor
from service.intake.translating import ask_to_translate
from service.intake.troubles import tell_trouble
from service.intake.vendor_http import VendorUnavailable
from service.storage import Job, append_audit, defer, to_text, transaction
from service.web import House

__all__ = ["resync", "resynchronise"]

_PAGE: Final = 100
# A search ends after 10,000 results; the next one begins where it was.
_MOST_AFTER: Final = 9_900
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Search is limited to a few requests a second, whatever else is allowed.
_BETWEEN: Final = timedelta(seconds=1)
_MODIFIED: Final = {"contacts": "lastmodifieddate"}


async def resynchronise(connection_id: UUID, *, since: datetime, house: House, person: str) -> None:
    """Ask for everything that changed since an instant, of every kind that the map reads.

    Raises:
        ConnectionNotFound: If there is no such connection.
        CannotAskVendor: If it is not HubSpot's, or has no access token.
    """
    async with transaction(house.engine) as connection:
        row = await existing(connection, connection_id)
        known = connection_of(row, house.settings)
        if known.resolved.preset != "hubspot" or "access_token" not in known.secrets:
            words = "only HubSpot can be asked what changed, and needs an `access_token`"
            raise CannotAskVendor(words)
        milliseconds = (since - _EPOCH) // timedelta(milliseconds=1)
        for objects in sorted(_kinds_read(known)):
            await _ask(connection, connection_id, objects, since=milliseconds)
        await append_audit(
            connection,
            at=house.clock(),
            actor=person,
            action="connections.resync",
            subject=to_text("con", connection_id),
            payload={"since": milliseconds},
        )


async def resync(
    house: House, connection_id: UUID, *, objects: str, since: int, after: str | None
) -> None:
    """Fetch one page of what changed, keep it as a delivery, and ask for the next.

    Where HubSpot cannot be asked now, this page is asked for again when it can.
    """
    async with transaction(house.engine) as connection:
        row = await store.find(connection, connection_id)
    if row is None:
        return
    known = connection_of(row, house.settings)
    try:
        found, following = await _search(known, objects, since=since, after=after, house=house)
    except VendorUnavailable as later:
        at = house.clock() + later.wait
        async with transaction(house.engine) as connection:
            await _ask(connection, connection_id, objects, since=since, after=after, at=at)
            if not later.is_usual:
                await tell_trouble(connection, known, why=later.words, house=house)
        return
    if not found:
        return
    body = orjson.dumps([item_of(record, objects) for record in found])
    now = house.clock()
    async with transaction(house.engine) as connection:
        kept, is_new = await delivery_store.keep(
            connection,
            delivery_id=house.new_uuid(now),
            connection_id=connection_id,
            at=now,
            media_type="application/json",
            body=body,
            digest=hashlib.sha256(body).digest(),
            is_told_apart=known.resolved.tells_apart,
        )
        if is_new:
            await ask_to_translate(connection, kept)
        if following is not None:
            late = int(following) >= _MOST_AFTER if following.isdigit() else False
            last = _modified(found[-1])
            moves_on = late and last is not None and last > since
            await _ask(
                connection,
                connection_id,
                objects,
                since=last if moves_on and last is not None else since,
                after=None if moves_on else following,
                at=now + _BETWEEN,
            )


async def _search(
    known: Connection, objects: str, *, since: int, after: str | None, house: House
) -> tuple[list[Any], str | None]:
    """Return a page of records by the time of their last change, and where the next begins."""
    modified = _MODIFIED.get(objects, "hs_lastmodifieddate")
    condition = {"propertyName": modified, "operator": "GTE", "value": str(since)}
    asked: dict[str, Any] = {
        "filterGroups": [{"filters": [condition]}],
        "sorts": [{"propertyName": modified, "direction": "ASCENDING"}],
        "properties": sorted(fields_read(known, objects)),
        "limit": _PAGE,
    }
    if after is not None:
        asked["after"] = after
    async with open_hubspot(known, house) as hubspot:
        reply = await hubspot.ask("POST", f"/crm/v3/objects/{objects}/search", json=asked)
    told = reply.content
    results = told.get("results") if isinstance(told, dict) else None
    if reply.status != 200 or not isinstance(results, list):
        words = f"HubSpot refuses to search {objects} (status {reply.status})"
        raise VendorUnavailable(f"{words}; look at the access token and its scopes")
    paging = told.get("paging")
    following = paging.get("next") if isinstance(paging, dict) else None
    place = following.get("after") if isinstance(following, dict) else None
    return results, None if place is None else str(place)


def _modified(record: Any) -> int | None:  # noqa: ANN401 - a vendor's JSON
    told = record.get("updatedAt") if isinstance(record, dict) else None
    try:
        at = datetime.fromisoformat(str(told))
    except ValueError:
        return None
    return (at - _EPOCH) // timedelta(milliseconds=1) if at.tzinfo is not None else None


def _kinds_read(known: Connection) -> set[str]:
    kinds = known.resolved.map.kinds.values()
    return {kind.reads for kind in kinds if kind is not None and kind.reads and kind.attributes}


async def _ask(
    connection: AsyncConnection,
    connection_id: UUID,
    objects: str,
    *,
    since: int,
    after: str | None = None,
    at: datetime | None = None,
) -> None:
    args = {"connection": str(connection_id), "objects": objects, "since": since, "after": after}
    lock = f"resync:{connection_id}"
    await defer(connection, Job.RESYNC_CONNECTION, args, lock=lock, schedule_at=at)
