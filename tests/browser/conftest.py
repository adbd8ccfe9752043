"""One headless Chromium for the module, the service, and a customer's site on another origin."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from service.settings import Settings
from tests.browser.site import Site, weather
from tests.decisions.rules import FLEET_LEADS, release
from tests.journeys.listening import listening
from tests.web.serving import Served, serving

playwright = pytest.importorskip(
    "playwright.async_api", reason="playwright is not installed; the browser's tests are skipped"
)

CHROMIUM: Final = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
PICTURES: Final = Path(__file__).resolve().parents[2] / ".artefacts/forms"
_TIMEOUT_MS: Final = 400
_PATIENCE_MS: Final = 15_000


@dataclass(frozen=True, slots=True)
class Web:
    """A browser, the customer's *site* at *home*, and the *service* that its forms ask."""

    browser: Any
    site: Site
    home: str
    service: str
    served: Served
    key: str

    @asynccontextmanager
    async def open(self, path: str, **context: Any) -> AsyncIterator[Any]:  # noqa: ANN401 - Playwright's
        """Open a page of the site with nothing remembered."""
        self.site.posted.clear()
        visitor = await self.browser.new_context(**context)
        visitor.set_default_timeout(_PATIENCE_MS)
        page = await visitor.new_page()
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        try:
            await page.goto(path if "://" in path else f"{self.home}/page/{path}")
            yield page
        finally:
            await visitor.close()

    async def decide(self, facts: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Return what the rules say in full, stored nowhere."""
        sent = {"rule_set": "fleet_leads", "lead": facts, "dry_run": True} | more
        answer = await self.served.ask("POST", "/v1/qualify", json=sent)
        decision: dict[str, Any] = answer.json()
        return decision

    async def statistics(self, key: str = "") -> dict[str, Any]:
        """Return the form's statistics."""
        answer = await self.served.ask("GET", f"/v1/forms/{key or self.key}/statistics")
        total: dict[str, Any] = answer.json()["total"]
        return total


async def keep_picture(page: Any) -> None:  # noqa: ANN401 - Playwright's
    """Keep a picture of the page as it is, under its address."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    name = urlsplit(page.url).path.removeprefix("/page/").replace("/", "-")
    await page.screenshot(path=PICTURES / f"{name}.png", timeout=_PATIENCE_MS)


async def until(page: Any, expression: str) -> None:  # noqa: ANN401 - Playwright's
    """Wait until *expression* is true on the page.

    Playwright's own waiting evaluates text inside the page, which the site's policy forbids.
    """
    async with asyncio.timeout(_PATIENCE_MS / 1000):
        while not await page.evaluate(expression):  # noqa: ASYNC110 - only the page knows
            await asyncio.sleep(0.03)


@pytest.fixture(scope="module")
async def web(module_database_url: str) -> AsyncIterator[Web]:
    """Start everything once."""
    if CHROMIUM is None:
        pytest.skip("no chromium is installed; the browser's tests are skipped")
    settings = Settings(
        assess_every_s=0, form_fastest_s=0, visitors_per_address=0, address_requests_per_minute=0
    )
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(serving(module_database_url, settings=settings))
        await release(served.app.house, FLEET_LEADS)
        site = Site()
        ports = [
            (await stack.enter_async_context(listening(app)))[1]
            for app in (served.app.asgi, site, weather)
        ]
        goodfit, home, storm = (f"http://127.0.0.1:{port}" for port in ports)
        key = await served.new_key(
            kind="publishable", rule_set="fleet_leads", origins=[home, goodfit]
        )
        foreign = await served.new_key(
            kind="publishable", rule_set="fleet_leads", origins=["https://elsewhere.example"]
        )
        nowhere = f"http://127.0.0.1:{_closed_port()}"
        site.sources = f"{goodfit} {storm} {nowhere}"
        site.scripts = _tags(goodfit, storm, nowhere, key=key, foreign=foreign)
        api = await stack.enter_async_context(playwright.async_playwright())
        browser = await api.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        stack.push_async_callback(browser.close)
        yield Web(browser, site, home, goodfit, served, key)
        print(f"pictures of the forms are in {PICTURES}")  # noqa: T201 - for whoever looks


def _tags(goodfit: str, storm: str, nowhere: str, *, key: str, foreign: str) -> dict[str, str]:
    """Return the script tag for each state of the service."""
    rest = f'data-mode="MODE" data-hubspot data-timeout="{_TIMEOUT_MS}"'
    own = f'<script src="/v1.js" data-key="{key}" {rest}'
    tags = {
        name: f'{own} data-api="{storm}/{name}"></script>'
        for name in ("slow", "failing", "garbage", "strange", "closed")
    }
    patient = rest.replace(str(_TIMEOUT_MS), "5000")
    return tags | {
        "fast": f'<script async src="{goodfit}/embed/v1.js" data-key="{key}" {patient}></script>',
        "denied": f'<script src="{goodfit}/embed/v1.js" data-key="{foreign}" {rest}></script>',
        "unreachable": f'{own} data-api="{nowhere}"></script>',
        "unconfigured": '<script src="/v1.js"></script>',
        "scriptless": f'<script src="{nowhere}/embed/v1.js" data-key="{key}"></script>',
    }


def _closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port
