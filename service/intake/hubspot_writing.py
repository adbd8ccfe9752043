"""Write decisions into HubSpot's records, a hundred at a time, and make the properties for it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from service.intake.connection_document import TargetDocument
from service.intake.vendor_http import Reply, Vendor, VendorUnavailable
from service.intake.writes import Writing, Written, refused, taken, unsure

__all__ = ["HUBSPOT_AT_ONCE", "make_properties", "write_to_hubspot"]

HUBSPOT_AT_ONCE: Final = 100
_GROUPS: Final = {"companies": "companyinformation", "contacts": "contactinformation"}
_NEEDS_SCOPE: Final = (
    "HubSpot does not accept the access token; make a new one, with the scopes "
    "crm.objects.{objects}.read and .write, and put it into the connection's secrets"
)


async def write_to_hubspot(hubspot: Vendor, writings: Sequence[Writing]) -> list[Written]:
    """Tell HubSpot of *writings*, which are of one kind; return how each ended, in order.

    A batch that is refused whole for one record in it is halved until that one is found.

    Raises:
        VendorUnavailable: If HubSpot cannot be asked now, or does not let us in.
    """
    reply = await _ask(hubspot, writings)
    if reply.status in {200, 207} and isinstance(reply.content, dict):
        return _endings(writings, reply.content)
    if reply.status in {401, 403}:
        raise VendorUnavailable(_NEEDS_SCOPE.format(objects=writings[0].record))
    if reply.status not in {400, 404, 409, 422}:
        words = f"HubSpot answered something else than its API does (status {reply.status})"
        return [unsure(words) for _ in writings]
    if len(writings) > 1:
        middle = len(writings) // 2
        first = await write_to_hubspot(hubspot, writings[:middle])
        return first + await write_to_hubspot(hubspot, writings[middle:])
    return [refused(_words(reply.content))]


async def make_properties(
    hubspot: Vendor, target: TargetDocument, labels: Mapping[str, str]
) -> dict[str, str]:
    """Make the target's properties in HubSpot; return what became of each: made, there, or why not.

    Raises:
        VendorUnavailable: If HubSpot cannot be asked now, or does not let us in.
    """
    made: dict[str, str] = {}
    for tells, name in target.properties.items():
        is_number = tells.startswith("score:")
        asked = {
            "groupName": _GROUPS.get(target.object, f"{target.object}information"),
            "name": name,
            "label": labels.get(tells, tells),
            "type": "number" if is_number else "string",
            "fieldType": "number" if is_number else "text",
        }
        reply = await hubspot.ask("POST", f"/crm/v3/properties/{target.object}", json=asked)
        if reply.status in {401, 403}:
            raise VendorUnavailable(_NEEDS_SCOPE.format(objects=target.object))
        if reply.status in {200, 201}:
            made[name] = "made"
        else:
            made[name] = "there" if reply.status == 409 else _words(reply.content)
    return made


async def _ask(hubspot: Vendor, writings: Sequence[Writing]) -> Reply:
    inputs = [
        {
            "id": one.external_id,
            # A map of texts; an empty one empties the property.
            "properties": {name: _text(value) for name, value in one.values.items()},
            "objectWriteTraceId": one.trace,
        }
        for one in writings
    ]
    path = f"/crm/v3/objects/{writings[0].record}/batch/update"
    return await hubspot.ask("POST", path, json={"inputs": inputs})


def _endings(writings: Sequence[Writing], content: Mapping[str, Any]) -> list[Written]:
    """Return how each ended: by the results, by the errors, or else unknown."""
    done = {str(one.get("id")) for one in _objects(content.get("results"))}
    wrong: dict[str, Mapping[str, Any]] = {}
    for error in _objects(content.get("errors")):
        context = error.get("context")
        for own in context.get("ids", []) if isinstance(context, dict) else []:
            wrong[str(own)] = error
    endings = []
    for one in writings:
        if one.external_id in wrong:
            endings.append(refused(_words(wrong[one.external_id])))
        elif one.external_id in done:
            endings.append(taken())
        else:
            endings.append(unsure("HubSpot's answer does not mention the record"))
    return endings


def _objects(told: object) -> list[dict[str, Any]]:
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def _words(content: object) -> str:
    told = content if isinstance(content, dict) else {}
    category, message = told.get("category"), told.get("message")
    if category == "OBJECT_NOT_FOUND":
        return "the record is not in HubSpot any more"
    said = f": {message}" if isinstance(message, str) else ""
    return f"HubSpot refuses it ({category or 'no reason given'}){said}"


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
