"""Three thousand requests made from our own description: none fails, none surprises."""

import asyncio
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.rulesets import Editor, install
from service.storage import transaction
from tests.journeys.listening import listening
from tests.sizes import size
from tests.web.serving import Served

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
FLEETS = Path(__file__).parents[1] / "cases" / "fleet_leads.yaml"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)


async def test_fuzzed_requests_meet_the_description(served: Served, tmp_path: Path) -> None:
    """Whatever the description allows or forbids, answers are as described, and never 5xx."""
    editor = Editor(person="a test", at=datetime.now(UTC), new_uuid=served.app.house.new_uuid)
    async with transaction(served.app.house.engine) as connection:
        text = FLEETS.read_text(encoding="utf-8")
        await install(connection, text, editor=editor, note="n", reason="r")
    draft = {"source": text}
    await served.ask("PUT", "/v1/rule-sets/fleet_leads/drafts/main", json=draft)
    async with listening(served.app) as (host, port):
        fuzzing = await asyncio.create_subprocess_exec(
            Path(sys.executable).parent / "st",
            "run",
            f"http://{host}:{port}/openapi.json",
            *("--header", f"Authorization: Bearer {served.admin_key}"),
            *("--checks", ",".join(CHECKS)),
            *("--max-examples", str(size(25, quick=1))),
            *("--seed", "20261122"),
            *("--continue-on-failure", "--no-color"),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await fuzzing.communicate()
    told = said.decode("utf-8", "replace")
    assert fuzzing.returncode == 0, told[-20_000:]
    counted = re.search(r"(\d+) generated, (\d+) passed", told)
    assert counted is not None, told[-2_000:]
    assert int(counted[1]) == int(counted[2]) >= 3_000
