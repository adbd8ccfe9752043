"""Make in a vendor's system what write-back needs: HubSpot's properties."""

from typing import ClassVar, Final
from uuid import UUID

from service.intake.connecting import connection_of, existing
from service.intake.fetching import open_hubspot
from service.intake.hubspot_writing import make_properties
from service.intake.vendor_http import VendorUnavailable
from service.intake.writing_back import ask_to_write
from service.storage import append_audit, to_text, transaction
from service.web import House, Refusal

__all__ = ["CannotAskVendor", "set_up"]

_LABELS: Final = {
    "verdict": "ICP verdict",
    "outcome": "ICP outcome",
    "decision": "ICP decision id",
    "version": "ICP rule version",
    "decided_at": "ICP decided at",
}


class CannotAskVendor(Refusal):
    """The vendor cannot be asked for this, or not now."""

    code: ClassVar[str] = "vendor_unavailable"


async def set_up(connection_id: UUID, *, house: House, person: str) -> dict[str, str]:
    """Make the properties of every target; return what became of each.

    Raises:
        ConnectionNotFound: If there is no such connection.
        CannotAskVendor: If it is not HubSpot's, or HubSpot cannot be asked now.
    """
    async with transaction(house.engine) as connection:
        row = await existing(connection, connection_id)
    known = connection_of(row, house.settings)
    if known.resolved.preset != "hubspot":
        words = "only HubSpot's properties can be made from here; make the fields in the vendor's"
        raise CannotAskVendor(f"{words} own settings, by the guide")
    made: dict[str, str] = {}
    writes = known.resolved.writes
    try:
        async with open_hubspot(known, house) as hubspot:
            for target in writes.targets:
                made |= await make_properties(hubspot, target, _LABELS)
    except VendorUnavailable as later:
        raise CannotAskVendor(later.words) from None
    async with transaction(house.engine) as connection:
        await ask_to_write(connection, connection_id)
        await append_audit(
            connection,
            at=house.clock(),
            actor=person,
            action="connections.set_up",
            subject=to_text("con", connection_id),
            payload={"properties": sorted(made)},
        )
    return made
