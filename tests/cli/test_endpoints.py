"""`goodfit endpoints` against a running application."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from typer.testing import Result

from service.delivery import sending
from tests.cli.conftest import Goodfit
from tests.cli.remote import Run, asking
from tests.delivery.receiver import Receiver, answer, receiving
from tests.delivery.test_endpoints import QUICK
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """An application that sends what there is to send."""
    async with (
        serving(database_url, settings=QUICK, is_attended=False) as served,
        sending(served.app.house),
    ):
        yield served


@pytest.fixture
async def there() -> AsyncIterator[Receiver]:
    """Return somebody who listens."""
    async with receiving() as there:
        yield there


@pytest.fixture
async def run(
    served: Served, goodfit: Goodfit, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Run]:
    """Return a function that runs `goodfit` against the application, over a socket."""
    async with asking(served, goodfit, monkeypatch) as run:
        yield run


def told(result: Result) -> Any:  # noqa: ANN401 - a JSON value
    """Return what a command printed as JSON, between what the server logs."""
    return json.JSONDecoder().raw_decode(result.stdout, result.stdout.index("{\n"))[0]


async def test_an_endpoint_is_made_tried_and_looked_after(run: Run, there: Receiver) -> None:
    """From the first event to the one that was missed, with the secret shown twice in all."""
    nobody = await run("endpoints", "list")
    assert (nobody.exit_code, "nobody hears" in nobody.stdout) == (0, True)
    added = await run("endpoints", "add", there.url, "--event", "rule_set.released", "--json")
    made = told(added)
    assert made["secret"].startswith("whsec_")
    tried = await run("endpoints", "test", made["id"])
    assert (tried.exit_code, "delivered  endpoint.test  200 in" in tried.stdout) == (0, True)
    there.say = lambda _: answer(500, b"no room", content_type="text/plain")
    failed = await run("endpoints", "test", made["id"])
    assert failed.exit_code == 1
    assert "500 in" in failed.stdout
    assert "no room" in failed.stdout
    there.say = lambda _: answer(200)
    rotated = await run("endpoints", "rotate", made["id"], "--old-lasts-h", 2)
    assert "whsec_" in rotated.stdout
    assert made["secret"] not in rotated.stdout
    assert "signs too until" in rotated.stdout
    listed = told(await run("endpoints", "list", "--json"))
    assert [one["id"] for one in listed["data"]] == [made["id"]]
    assert "secret" not in listed["data"][0]


async def test_what_was_missed_is_asked_for_again(
    run: Run, served: Served, there: Receiver
) -> None:
    """An endpoint that was switched off is an answer of no; one delivery or a time goes again."""
    there.say = lambda _: answer(410)
    added = await run("endpoints", "add", there.url, "--json")
    endpoint = told(added)["id"]
    gone = told(await run("endpoints", "test", endpoint, "--json"))
    assert gone["state"] == "failed"
    listed = await run("endpoints", "list")
    assert (listed.exit_code, "off (gone)" in listed.stdout) == (1, True)
    refused = await run("endpoints", "redeliver", gone["id"])
    assert (refused.exit_code, "switched off" in refused.stderr) == (1, True)
    there.say = lambda _: answer(200)
    path = f"/v1/endpoints/{endpoint}"
    assert (await served.ask("PATCH", path, json={"state": "enabled"})).status_code == 200
    since = (served.app.house.clock() - timedelta(hours=1)).isoformat()
    again = await run("endpoints", "redeliver", endpoint, "--since", since)
    assert "1 delivery on the way again" in again.stdout
    vague = await run("endpoints", "redeliver", endpoint)
    assert (vague.exit_code, "--since" in vague.stderr) == (2, True)
    shown = await run("endpoints", "deliveries", endpoint)
    assert gone["id"] in shown.stdout
    assert (await run("endpoints", "deliveries", endpoint, "--state", "cancelled")).exit_code == 0
