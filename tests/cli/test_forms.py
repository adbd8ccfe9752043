"""`goodfit forms` against a running application."""

import json
from urllib.parse import urlencode

import anyio.to_thread
import pytest
from typer.testing import Result

from tests.cli.conftest import Goodfit
from tests.decisions.rules import FLEET_LEADS, release
from tests.journeys.listening import listening
from tests.web.serving import serving

pytestmark = pytest.mark.anyio
ORIGIN = "https://www.example.com"


async def test_a_form_has_its_tag_and_its_numbers(
    database_url: str, goodfit: Goodfit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which pages have keys, what stands in them, and what became of their visitors."""

    async def run(*arguments: object) -> Result:
        return await anyio.to_thread.run_sync(lambda: goodfit("forms", *arguments))

    async with (
        serving(database_url, is_attended=False) as served,
        listening(served.app) as (host, port),
    ):
        monkeypatch.setenv("GOODFIT_KEY", served.admin_key)
        monkeypatch.setenv("GOODFIT_SERVER", f"http://{host}:{port}")
        assert "no page has a key" in (await run("list")).stdout
        await release(served.app.house, FLEET_LEADS)
        key = await served.new_key(kind="publishable", rule_set="fleet_leads", origins=[ORIGIN])
        listed = await run("list")
        assert "fleet_leads" in listed.stdout
        assert ORIGIN in listed.stdout
        assert key not in listed.stdout
        tag = await run("snippet", key, "--mode", "progressive", "--source", 'a"b')
        assert f'data-key="{key}" data-mode="progressive" data-source="a&quot;b"' in tag.stdout
        assert "/embed/v1.js" in tag.stdout
        secret = await run("snippet", served.admin_key)
        assert (secret.exit_code, served.admin_key in secret.stderr) == (2, False)
        begun = await served.client.post(
            f"/v1/forms/{key}/visits",
            content=urlencode({"source": "pricing"}),
            headers={"Origin": ORIGIN, "Content-Type": "application/x-www-form-urlencoded"},
        )
        assert begun.status_code == 201, begun.text
        words = await run("statistics", key)
        assert "1 started, 0 finished" in words.stdout
        assert "pricing: 1 started" in words.stdout
        shown = (await run("statistics", key, "--json")).stdout
        numbers = json.JSONDecoder().raw_decode(shown, shown.index("{\n"))[0]
        assert numbers["total"]["started"] == 1
