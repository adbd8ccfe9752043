"""What ops do over HTTP to try a draft on the past, in a line each."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from service.rulesets import Editor, install
from service.storage import transaction
from tests.backtests.cases import BASE_TEXT
from tests.web.serving import Served

__all__ = ["LEADS", "PAYING_TEXT", "Office"]

_PATIENCE_S: Final = 30
PAYING_TEXT: Final = BASE_TEXT.replace(
    "lists:", "  revenue: {type: number, min: 0, unit: EUR}\nlists:", 1
)
"""The worked example, with facts that carry revenue."""
LEADS: Final = tuple(
    {
        "email": f"=lead{number}@fleet.example" if number % 3 else f"lead{number}@gmail.com",
        "vehicles": (1, 4, 25, 60, 210)[number % 5],
        "country": ("DE", "PL")[number % 2],
        "seniority": ("individual", "vp", "director")[number % 3],
        "tools": ["sap", "samsara"][: number % 3],
        "has_budget": number % 4 == 0,
        "email_clicks": number % 6,
        "revenue": 1000 * number,
    }
    for number in range(60)
)


@dataclass(frozen=True, slots=True)
class Office:
    """A running application, and what its editor may do."""

    served: Served
    key: str

    @classmethod
    async def opened(cls, served: Served) -> "Office":
        """Return an office in which the worked example is live."""
        house = served.app.house
        now = datetime.now(UTC)
        editor = Editor(person="ann@example.com", at=now, new_uuid=house.new_uuid)
        async with transaction(house.engine) as connection:
            await install(connection, PAYING_TEXT, editor=editor, note="", reason="a test")
        return cls(served, await served.new_key("rules:read", "rules:write", "decide"))

    async def ask(self, method: str, path: str = "", json: object = None) -> httpx.Response:
        """Send a request below `/v1/backtests`."""
        return await self.served.ask(method, f"/v1/backtests{path}", key=self.key, json=json)

    async def decide(self, *leads: dict[str, Any], **rest: object) -> list[dict[str, Any]]:
        """Decide leads and return the decisions."""
        asked = [{"rule_set": "fleet_leads", "lead": lead, **rest} for lead in leads]
        answer = await self.served.ask("POST", "/v1/qualify/batch", json=asked)
        assert answer.status_code == 200, answer.text
        return [each["decision"] for each in answer.json()["data"]]

    async def draft(self, text: str, *, name: str = "main") -> None:
        """Write a draft."""
        path = f"/v1/rule-sets/fleet_leads/drafts/{name}"
        headers = {"Content-Type": "application/yaml"}
        answer = await self.served.ask("PUT", path, headers=headers, content=text)
        assert answer.status_code == 201, answer.text

    async def backtest(self, **asked: object) -> dict[str, Any]:
        """Ask for a backtest, of the draft `main` where nothing is named; return it at once."""
        subject = asked if {"draft", "version"} & set(asked) else {"draft": "main", **asked}
        answer = await self.ask("POST", json={"rule_set": "fleet_leads", **subject})
        assert answer.status_code == 202, answer.text
        begun: dict[str, Any] = answer.json()
        return begun

    async def read(self, backtest: str) -> dict[str, Any]:
        """Return a backtest as it is now."""
        answer = await self.ask("GET", f"/{backtest}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def ended(self, **asked: object) -> dict[str, Any]:
        """Ask for a backtest and return it when it is over."""
        begun = await self.backtest(**asked)
        async with asyncio.timeout(_PATIENCE_S):
            while (found := await self.read(begun["id"]))["state"] in {"queued", "running"}:  # noqa: ASYNC110 - asked over HTTP, as a caller has to
                await asyncio.sleep(0.1)
        return found

    async def flips(self, backtest: str) -> list[dict[str, Any]]:
        """Return all flips, read a page at a time."""
        found: list[dict[str, Any]] = []
        path = f"/{backtest}/flips?limit=7"
        while True:
            page = (await self.ask("GET", path)).json()
            found += page["data"]
            if page["next_cursor"] is None:
                return found
            path = f"/{backtest}/flips?limit=7&cursor={page['next_cursor']}"
