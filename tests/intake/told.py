"""Connections that tell each vendor of accounts: what differs between vendors, as values."""

from dataclasses import dataclass
from typing import Any, Final

from tests.intake.connected import Connected
from tests.intake.fake_vendors import FakeVendor

__all__ = ["VENDORS", "Told"]

_OWN: Final[dict[str, dict[str, Any]]] = {
    "hubspot": {
        "kind": "companies",
        "map": {"kinds": {"company": {"attributes": {"vehicles": "fields.fleet"}}}},
        "property": "icp_verdict",
        "secrets": {"signing": ["s"], "access_token": "pat"},
    },
    "salesforce": {
        "kind": "Account",
        "map": {"kinds": {"account": {"attributes": {"vehicles": "fields.Fleet__c"}}}},
        "property": "ICP_Verdict__c",
        "secrets": {"client_id": "app", "client_secret": "right"},
    },
    "pipedrive": {
        "kind": "organizations",
        "map": {"kinds": {"organization": {"attributes": {"vehicles": "fields.fleet"}}}},
        "property": "a" * 40,
        "secrets": {"signing": ["goodfit:pw"], "access_token": "t"},
    },
}
VENDORS: Final = tuple(_OWN)


@dataclass(slots=True)
class Told:
    """A vendor that is told of some accounts' verdicts."""

    connected: Connected
    vendor: FakeVendor
    preset: str
    made: dict[str, Any]
    ids: list[str]

    @classmethod
    async def of(cls, connected: Connected, vendor: FakeVendor, preset: str, count: int) -> "Told":
        """Connect *preset* and have *count* records there."""
        own = _OWN[preset]
        properties = {"verdict": own["property"]}
        target = {"rule_set": "fleet_accounts", "object": own["kind"], "properties": properties}
        writes = {"url": vendor.url, "targets": [target]}
        made = await connected.connect(
            preset, map=own["map"], writes=writes, secrets=own["secrets"]
        )
        ids = [f"{number:03d}" for number in range(count)]
        vendor.records[own["kind"]] = {one: {} for one in ids}
        for one in ids:
            await connected.served.ask("PUT", f"/v1/accounts/{one}", json={"facts": {}})
            await connected.served.ask("PUT", f"/v1/accounts/{one}/identities/{preset}/{one}")
        return cls(connected, vendor, preset, made, ids)

    async def change(self, vehicles: int) -> None:
        """Have something new to tell of every account."""
        facts = {"facts": {"vehicles": vehicles, "paid": True}}
        for one in self.ids:
            await self.connected.served.ask("PUT", f"/v1/accounts/{one}", json=facts)
        await self.connected.assess()
        self.vendor.changes.clear()

    async def states(self) -> dict[str, tuple[str, str]]:
        """Return the state and the problem of each record."""
        writes = await self.connected.writes(self.made)
        return {one["external_id"]: (one["state"], one["problem"] or "") for one in writes}

    async def is_well(self) -> bool:
        """Return whether nobody has to look after the connection."""
        shown = await self.connected.served.ask("GET", f"/v1/connections/{self.made['id']}")
        return shown.json()["health"]["degraded_at"] is None
