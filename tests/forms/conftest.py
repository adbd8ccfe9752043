"""An application with the worked example live, and a form's key to ask it with."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from service.settings import Settings
from tests.decisions.rules import FLEET_LEADS, release
from tests.web.serving import Served, serving

PAGE = "https://www.haulage.example"
FORM_TYPE = "application/x-www-form-urlencoded"


class Wristwatch:
    """A clock that goes on by itself, and can be set forward."""

    ahead = timedelta(0)

    def __call__(self) -> datetime:
        """Return the instant."""
        return datetime.now(UTC) + self.ahead


@dataclass(frozen=True, slots=True)
class Form:
    """A running application with a form on a page, and who looks at it."""

    served: Served
    key: str
    watch: Wristwatch

    async def ask(
        self,
        *,
        visit: str | None = None,
        origin: str = PAGE,
        **question: Any,  # noqa: ANN401 - JSON
    ) -> httpx.Response:
        """Ask one question as the page does; *visit* is its header."""
        headers = {"Origin": origin} | ({} if visit is None else {"Goodfit-Visit": visit})
        return await self.served.ask(
            "POST", "/v1/qualify", key=self.key, headers=headers, json=question
        )

    async def told(self, *, visit: str | None = None, **facts: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Ask about a lead with *facts* and return the answer, with its visit."""
        answer = await self.ask(visit=visit, lead=facts)
        assert answer.status_code == 200, answer.text
        return {**answer.json(), "visit": answer.headers["goodfit-visit"]}

    async def post(
        self, path: str = "", fields: Mapping[str, Any] | bytes = b"", *, origin: str = PAGE
    ) -> httpx.Response:
        """Post a form as a browser does by itself."""
        body = fields if isinstance(fields, bytes) else urlencode(fields, doseq=True)
        headers = {"Origin": origin, "Content-Type": FORM_TYPE}
        return await self.served.ask(
            "POST", f"/v1/forms/{self.key}{path}", key=None, headers=headers, content=body
        )

    async def statistics(self, query: str = "") -> dict[str, Any]:
        """Return the form's statistics."""
        answer = await self.served.ask("GET", f"/v1/forms/{self.key}/statistics{query}")
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def decisions(self) -> list[dict[str, Any]]:
        """Return every decision that was kept, the newest first."""
        answer = await self.served.ask("GET", "/v1/decisions?limit=200")
        found: list[dict[str, Any]] = answer.json()["data"]
        return found


@asynccontextmanager
async def forms(
    database_url: str,
    rules: str = FLEET_LEADS,
    **settings: Any,  # noqa: ANN401 - of any setting
) -> AsyncIterator[Form]:
    """Run an application with a form on *rules* for the block."""
    watch = Wristwatch()
    given = Settings(assess_every_s=0, **settings)
    async with serving(database_url, settings=given, clock=watch) as served:
        await release(served.app.house, rules)
        key = await served.new_key(kind="publishable", rule_set="fleet_leads", origins=[PAGE])
        yield Form(served, key, watch)


@pytest.fixture
async def form(database_url: str) -> AsyncIterator[Form]:
    """Return a form of its own."""
    async with forms(database_url) as one:
        yield one


@pytest.fixture(scope="module")
async def shared_form(module_database_url: str) -> AsyncIterator[Form]:
    """Return a form that a module's tests share; they leave nothing that others mind."""
    async with forms(module_database_url) as one:
        yield one
