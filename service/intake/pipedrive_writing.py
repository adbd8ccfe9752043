"""Write decisions into Pipedrive's records, one at a time: it has no other way."""

from collections.abc import Sequence
from typing import Any, Final

from service.intake.vendor_http import Vendor, VendorUnavailable
from service.intake.writes import Writing, Written, postponed, refused, taken, unsure

__all__ = ["PIPEDRIVE_AT_ONCE", "write_to_pipedrive"]

PIPEDRIVE_AT_ONCE: Final = 50


async def write_to_pipedrive(pipedrive: Vendor, writings: Sequence[Writing]) -> list[Written]:
    """Tell Pipedrive of *writings*; return how each ended, in order.

    Where it asks us to wait, those that were not told yet are to be tried again.

    Raises:
        VendorUnavailable: If Pipedrive cannot be asked now at all, or does not let us in.
    """
    endings: list[Written] = []
    for one in writings:
        try:
            endings.append(await _write(pipedrive, one))
        except VendorUnavailable as later:
            if not endings:
                raise
            left = len(writings) - len(endings)
            endings += [postponed(later.words, later.wait)] * left
            break
    return endings


async def _write(pipedrive: Vendor, one: Writing) -> Written:
    path = f"/api/v2/{one.record}/{one.external_id}"
    reply = await pipedrive.ask("PATCH", path, json={"custom_fields": dict(one.values)})
    told: Any = reply.content if isinstance(reply.content, dict) else {}
    if reply.status in {401, 403}:
        words = "Pipedrive does not accept the access token; make a new one, of a user who may edit"
        raise VendorUnavailable(words)
    if reply.status in {404, 410}:
        return refused("the record is not in Pipedrive any more")
    if reply.status == 200 and told.get("success") is True:
        return taken()
    if reply.status in {400, 422}:
        return refused(f"Pipedrive refuses it: {told.get('error', 'no reason given')}")
    return unsure(f"Pipedrive answered something else than its API does (status {reply.status})")
