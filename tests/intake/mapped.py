"""Payloads as vendors send them, and what a map makes of them."""

from datetime import UTC, datetime
from typing import Final

from service.intake.map_document import MapDocument, merged
from service.intake.presets import PresetName, preset_of
from service.intake.reading import Own, Read, Said, Skipped, read_items

NOW: Final = datetime(2026, 6, 1, tzinfo=UTC)
NOBODY: Final = Own()


def map_of(preset: PresetName, **changes: object) -> MapDocument:
    """Return a preset's map with *changes* merged in."""
    return MapDocument.model_validate(merged(preset_of(preset).map, changes))


def kinds(**attributes: dict[str, object]) -> dict[str, object]:
    """Return the attributes of kinds, as a connection adds them to a preset."""
    return {name: {"attributes": paths} for name, paths in attributes.items()}


def read(payload: object, document: MapDocument, own: Own = NOBODY) -> list[Read]:
    """Return what each item comes to."""
    return list(read_items(payload, document, own=own, now=NOW))


def only(payload: object, document: MapDocument, own: Own = NOBODY) -> Said:
    """Return what the one item says."""
    (said,) = read(payload, document, own)
    assert isinstance(said, Said), said
    return said


def whys(found: list[Read]) -> list[str]:
    """Return why each item was left alone or could not be read."""
    return [one.why if isinstance(one, Skipped) else getattr(one, "code", "said") for one in found]


def event(**members: object) -> dict[str, object]:
    """Return one event of HubSpot's app webhooks."""
    told: dict[str, object] = {
        "eventId": 1,
        "subscriptionId": 31,
        "portalId": 33,
        "occurredAt": 1767225600000,
    }
    told |= {"subscriptionType": "company.propertyChange", "attemptNumber": 0, "objectId": 998877}
    return told | {"propertyName": "numberofemployees", "propertyValue": "250"} | members


HUBSPOT: Final = map_of(
    "hubspot",
    kinds=kinds(
        company={"vehicles": "fields.numberofemployees"}, contact={"email": "fields.email"}
    ),
)
