"""Fetch whole objects of which events told a part: HubSpot's name one property each."""

from collections.abc import Awaitable, Sequence
from datetime import timedelta
from typing import Any, Final, Protocol

from service.intake.asking_for_leads import kind_of
from service.intake.connecting import Connection
from service.intake.expressions import fields_in
from service.intake.pacing import pace_of
from service.intake.reading import Read, Said, read_items
from service.intake.vendor_http import Vendor, VendorUnavailable
from service.web import House

__all__ = ["Fetch", "fetch_whole", "fields_read", "item_of", "open_hubspot"]

_HUBSPOT_URL: Final = "https://api.hubapi.com"
_AT_ONCE: Final = 100
# Until somebody mends the token, deliveries wait; each asks once in a while.
_REFUSED: Final = timedelta(minutes=5)
_TYPES: Final = {"companies": "0-2", "contacts": "0-1"}


class Fetch(Protocol):
    """Gives back what was read, whole where a vendor was asked for the rest."""

    def __call__(
        self, found: Sequence[Read], known: Connection, *, house: House
    ) -> Awaitable[list[Read]]:
        """Return *found*, with what was fetched in the place of parts."""
        ...


async def fetch_whole(found: Sequence[Read], known: Connection, *, house: House) -> list[Read]:
    """Return *found* and, where a connection may read them, the objects that events are parts of.

    An account keeps what its events say, each with its instant; of a lead only the whole counts.

    Raises:
        VendorUnavailable: If HubSpot cannot be asked now.
    """
    parts = [one for one in found if isinstance(one, Said) and one.is_partial and one.identity]
    if not parts or known.resolved.preset != "hubspot" or "access_token" not in known.secrets:
        return list(found)
    kept: list[Read] = [
        one
        for one in found
        if not (isinstance(one, Said) and one.is_partial)
        or (kind_of(one, known).subject == "account" and one.facts)
    ]
    wanted: dict[str, set[str]] = {}
    for one in parts:
        kind = kind_of(one, known)
        if kind.reads is not None and one.identity is not None:
            wanted.setdefault(kind.reads, set()).add(one.identity[1])
    async with open_hubspot(known, house) as hubspot:
        for kind_name, ids in sorted(wanted.items()):
            items = await _read_all(hubspot, kind_name, sorted(ids), known)
            kept.extend(
                read_items(items, known.resolved.map, own=known.resolved.own, now=house.clock())
            )
    return kept


def open_hubspot(known: Connection, house: House) -> Vendor:
    """Return HubSpot's API, with what proves that we may ask, at the pace of all who do."""
    return Vendor(
        known.resolved.writes.url or _HUBSPOT_URL,
        headers={"Authorization": f"Bearer {known.secrets.get('access_token', '')}"},
        reach=known.reach,
        pace=pace_of(house, known.id),
    )


async def _read_all(
    hubspot: Vendor, objects: str, ids: Sequence[str], known: Connection
) -> list[dict[str, Any]]:
    """Return items as events would be, of the objects with these ids that are there."""
    names = sorted(fields_read(known, objects))
    items: list[dict[str, Any]] = []
    for start in range(0, len(ids), _AT_ONCE):
        asked = {
            "properties": names,
            "inputs": [{"id": own} for own in ids[start : start + _AT_ONCE]],
        }
        reply = await hubspot.ask("POST", f"/crm/v3/objects/{objects}/batch/read", json=asked)
        content = reply.content
        if reply.status not in {200, 207} or not isinstance(content, dict):
            words = f"HubSpot refuses to let us read {objects} (status {reply.status})"
            words = f"{words}; look at the access token and its scopes"
            raise VendorUnavailable(words, wait=_REFUSED)
        items.extend(item_of(one, objects) for one in content.get("results", []))
    return items


def item_of(record: Any, objects: str) -> dict[str, Any]:  # noqa: ANN401 - a vendor's JSON
    """Return a record of HubSpot's API as an item that the preset's map reads."""
    told = record if isinstance(record, dict) else {}
    return {
        "objectId": told.get("id"),
        "objectTypeId": _TYPES.get(objects),
        "properties": told.get("properties"),
        "occurredAt": told.get("updatedAt"),
    }


def fields_read(known: Connection, objects: str) -> set[str]:
    """Return the properties that the map reads of a kind of object, as far as it names them."""
    found: set[str] = set()
    for kind in known.resolved.map.kinds.values():
        if kind is not None and kind.reads == objects:
            for attribute in kind.attributes.values():
                if attribute is not None:
                    found |= fields_in(attribute.path)
    return found
