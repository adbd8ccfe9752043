"""An application with the worked example live, and keys to ask it with."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.decisions.rules import FLEET_ACCOUNTS, FLEET_LEADS, release
from tests.decisions.shadows import Shadowed, shadowed
from tests.web.serving import Served, serving

PAGE = "https://www.haulage.example"


@dataclass(frozen=True, slots=True)
class Office:
    """A running application where leads and accounts can be judged."""

    served: Served
    public_key: str

    async def qualify(self, key: str = "", headers: Any = None, **question: Any) -> httpx.Response:  # noqa: ANN401 - JSON
        """Ask one question, of the worked example where no rule set is named."""
        sent = {"rule_set": "fleet_leads"} | question
        return await self.served.ask("POST", "/v1/qualify", key=key, headers=headers, json=sent)

    async def ask_publicly(self, method: str, path: str, json: object = None) -> httpx.Response:
        """Ask as the form on the web page does."""
        headers = {"Origin": PAGE}
        return await self.served.ask(method, path, key=self.public_key, headers=headers, json=json)

    async def decided(self, **question: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Ask one question and return its decision."""
        answer = await self.qualify(**question)
        assert answer.status_code == 200, answer.text
        decision: dict[str, Any] = answer.json()
        return decision

    async def count(self) -> int:
        """Return how many decisions are listed."""
        answer = await self.served.ask("GET", "/v1/decisions?limit=200")
        return len(answer.json()["data"])


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    """Return an application of its own, with rules for leads and for accounts live."""
    async with serving(database_url) as served:
        yield await _furnished(served)


@pytest.fixture(scope="module")
async def shared_office(module_database_url: str) -> AsyncIterator[Office]:
    """Return an application that a module's tests share; none minds what others decide."""
    async with serving(module_database_url) as served:
        yield await _furnished(served)


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[Shadowed]:
    """Return an application of its own that judges shadows when it is asked about them."""
    async with shadowed(database_url) as shadowed_app:
        yield shadowed_app


async def _furnished(served: Served) -> Office:
    await release(served.app.house, FLEET_LEADS)
    await release(served.app.house, FLEET_ACCOUNTS)
    key = await served.new_key(kind="publishable", rule_set="fleet_leads", origins=[PAGE])
    return Office(served, key)
