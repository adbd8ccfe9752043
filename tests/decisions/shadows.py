"""An application with versions in the shadow, and what ops do with them, in a line each."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from service.decisions import Shadows
from tests.decisions.rules import FLEET_ACCOUNTS, FLEET_LEADS, edited, release
from tests.web.serving import Served, serving

__all__ = [
    "ACCOUNTS",
    "LEADS",
    "NOTHING_ALIKE",
    "REWORDED",
    "STRICTER",
    "Shadowed",
    "later",
    "shadowed",
]

SETS: Final = "/v1/rule-sets/fleet_leads"
ACCOUNTS: Final = "/v1/rule-sets/fleet_accounts"
STRICTER: Final = edited("points: 25", "points: 5")
"""Middle-sized fleets count for less: some verdicts move, some only scores."""
REWORDED: Final = edited("message: Pick a time", "message: Pick a time that suits you")
"""Other words, the same decisions."""
NOTHING_ALIKE: Final = """
rule_set: fleet_leads
subject: lead
attributes:
  vehicles: {type: number, min: 0}
  turbines: {type: number, min: 0, label: Turbines}
scores:
  oddity:
    floor: 0
    ceiling: 9
    groups: [{id: all, mode: sum, rules: [{id: odd, when: turbines > 3, points: 7}]}]
outcomes:
  - {id: strange, verdict: review, action: look}
"""
"""Other attributes, scores and outcomes: it disagrees on everything."""
LEADS: Final = tuple(
    {
        "email": f"lead{number}@fleet.example" if number % 3 else f"lead{number}@gmail.com",
        "vehicles": (1, 4, 25, 60, 210)[number % 5],
        "country": ("DE", "PL")[number % 2],
        "seniority": ("individual", "vp", "director")[number % 3],
        "tools": ["sap", "samsara"][: number % 3],
        "has_budget": number % 4 == 0,
        "email_clicks": number % 6,
        "turbines": number,
    }
    for number in range(30)
)


def later() -> datetime:
    """Return an instant by which every release of now has taken effect."""
    return datetime.now(UTC) + timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Shadowed:
    """A running application that judges shadows when it is told to."""

    served: Served
    address: str = SETS

    @property
    def shadows(self) -> Shadows:
        """The application's own."""
        shadows: Shadows = self.served.app.api.state.desk.shadows
        return shadows

    async def commit(self, text: str) -> int:
        """Make a version of *text* and return its number."""
        path = f"{self.address}/drafts/main"
        tag = (await self.served.ask("GET", path)).headers.get("etag")
        headers = {"Content-Type": "application/yaml"} | ({"If-Match": tag} if tag else {})
        written = await self.served.ask("PUT", path, headers=headers, content=text)
        assert written.status_code in {200, 201}, written.text
        committed = await self.served.ask("POST", f"{path}/commit", json={})
        assert committed.status_code in {200, 201}, committed.text
        return int(committed.json()["version"])

    async def release(self, version: int, **rest: object) -> dict[str, Any]:
        """Release a version: live, or as *rest* says."""
        asked = {"version": version, "reason": "because"} | rest
        answer = await self.served.ask("POST", f"{self.address}/releases", json=asked)
        assert answer.status_code == 201, answer.text
        released: dict[str, Any] = answer.json()
        return released

    async def cast(self, text: str, *, share: float = 1.0) -> int:
        """Commit *text* and release it into the shadow; return its number."""
        version = await self.commit(text)
        await self.release(version, mode="shadow", share=share)
        return version

    async def decide(self, *leads: dict[str, Any], **rest: object) -> list[dict[str, Any]]:
        """Decide leads one by one and return the decisions."""
        decided = []
        for number, lead in enumerate(leads):
            question = {"lead": lead, "external_id": f"crm-{number}"} | rest
            answer = await self.ask_for(question)
            assert answer.status_code == 200, answer.text
            decided.append(answer.json())
        return decided

    async def ask_for(
        self, question: dict[str, Any], *, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Ask one question."""
        asked = {"rule_set": "fleet_leads"} | question
        return await self.served.ask("POST", "/v1/qualify", headers=headers, json=asked)

    async def read(self, path: str = "", *, key: str = "") -> Any:  # noqa: ANN401 - JSON
        """Return what is below the rule set's shadows, once all that waits was judged."""
        await self.shadows.catch_up()
        answer = await self.served.ask("GET", f"{self.address}/shadows{path}", key=key)
        assert answer.status_code == 200, answer.text
        return answer.json()


@asynccontextmanager
async def shadowed(database_url: str, *, is_attended: bool = False) -> AsyncIterator[Shadowed]:
    """Run an application with the worked example live; its clock stands still, a minute ahead.

    One that is not attended judges no shadow before it is told to.
    """
    at = later()
    async with serving(database_url, clock=lambda: at, is_attended=is_attended) as served:
        for source in (FLEET_LEADS, FLEET_ACCOUNTS):
            await release(served.app.house, source)
        yield Shadowed(served)
