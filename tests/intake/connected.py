"""Connections as an administrator makes them, and deliveries as a vendor sends them."""

import base64
import hmac
import json
from dataclasses import dataclass
from typing import Any, Final

import httpx
from sqlalchemy import text

from service.decisions import assess_some
from service.queue.registered import works_of
from service.storage import Job, transaction
from tests.web.serving import Served

SECRET: Final = "the client secret of an app"
COMPANY: Final = {
    "kinds": {"company": {"attributes": {"vehicles": "fields.fleet", "paid": "fields.paid"}}}
}


@dataclass(frozen=True, slots=True)
class Connected:
    """An application with connections."""

    served: Served

    async def connect(self, preset: str = "hubspot", **members: object) -> dict[str, Any]:
        """Make a connection that verifies by `SECRET`."""
        sent = {"name": preset, "preset": preset, "secrets": {"signing": [SECRET]}} | members
        answer = await self.served.ask("POST", "/v1/connections", json=sent)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def hubspot(self, made: dict[str, Any], body: bytes) -> httpx.Response:
        """Send a delivery as HubSpot does."""
        path = made["address"].removeprefix("https://goodfit.example.com")
        stamp = str(int(self.served.app.house.clock().timestamp() * 1000))
        signed = b"POST" + b"https://goodfit.example.com" + path.encode() + body + stamp.encode()
        signature = base64.b64encode(hmac.digest(SECRET.encode(), signed, "sha256")).decode()
        headers = {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": stamp}
        headers["Content-Type"] = "application/json"
        return await self.served.ask("POST", path, key=None, headers=headers, content=body)

    async def tell(self, made: dict[str, Any], *events: dict[str, object]) -> None:
        """Send events as HubSpot does, and see them taken."""
        answer = await self.hubspot(made, json.dumps(events).encode())
        assert answer.status_code == 200, answer.text

    async def work(self, *only: Job) -> int:
        """Do every job that is due once, as a worker would; return how many were."""
        house = self.served.app.house
        works = works_of(self.served.app.api.state.desk)
        done = 0
        while True:
            async with transaction(house.engine) as connection:
                names = [job.value for job in only or Job]
                claimed = await connection.execute(_CLAIM, {"now": house.clock(), "names": names})
                jobs = claimed.all()
            if not jobs:
                return done
            for row in jobs:
                await works[Job(row.task_name)](**row.args)
                done += 1

    async def deliveries(self, made: dict[str, Any], state: str = "") -> list[dict[str, Any]]:
        """Return what a connection sent."""
        query = f"?state={state}" if state else ""
        answer = await self.served.ask("GET", f"/v1/connections/{made['id']}/deliveries{query}")
        assert answer.status_code == 200, answer.text
        data: list[dict[str, Any]] = answer.json()["data"]
        return data

    async def writes(self, made: dict[str, Any]) -> list[dict[str, Any]]:
        """Return what is written back."""
        answer = await self.served.ask("GET", f"/v1/connections/{made['id']}/writes")
        assert answer.status_code == 200, answer.text
        data: list[dict[str, Any]] = answer.json()["data"]
        return data

    async def accounts(self) -> dict[str, dict[str, Any]]:
        """Return all accounts by key: facts and provenance."""
        async with transaction(self.served.app.house.engine) as connection:
            rows = await connection.execute(text("SELECT key, facts, provenance FROM account"))
            return {row.key: {"facts": row.facts, "from": row.provenance} for row in rows}

    async def assess(self) -> None:
        """Assess every account of which something changed."""
        while await assess_some(self.served.app.api.state.desk):
            pass


_CLAIM: Final = text(
    "DELETE FROM procrastinate_jobs WHERE status = 'todo' AND"
    " (scheduled_at IS NULL OR scheduled_at <= :now) AND task_name = ANY(:names)"
    " RETURNING task_name, args"
)


def event(number: int = 1, /, **members: object) -> dict[str, object]:
    """Return one event of a company in HubSpot."""
    told: dict[str, object] = {"eventId": number, "subscriptionId": 31, "portalId": 33}
    told |= {"subscriptionType": "company.propertyChange", "attemptNumber": 0, "objectId": 998877}
    told |= {"occurredAt": 1767225600000, "propertyName": "fleet", "propertyValue": "250"}
    return told | members
