"""Versions in the shadow judge what the worker decides, too."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from service.queue.main import attend
from service.storage import transaction
from tests.decisions.shadows import STRICTER, Shadowed
from tests.intake.connected import SECRET, Connected
from tests.intake.test_intake import LEAD, form

pytestmark = pytest.mark.anyio

_COMPARED = text("SELECT coalesce(sum(compared), 0) FROM shadow_tally")
_EFFECTIVE = text("SELECT max(effective_at) FROM rule_set_release")


async def test_a_lead_of_a_form_is_held_against_the_shadow(
    connected: Connected, database_url: str
) -> None:
    """Decided in the process that works on the queue, it is compared and written down there."""
    served = connected.served
    made = await connected.connect("typeform", authentication={"scheme": "bearer"}, map=LEAD)
    version = await Shadowed(served).cast(STRICTER)
    async with transaction(served.app.house.engine) as connection:
        effective = (await connection.execute(_EFFECTIVE)).scalar_one()
    await asyncio.sleep((effective - datetime.now(UTC)).total_seconds() + 0.05)
    sent = await served.ask("POST", made["address"], key=SECRET, content=form())
    assert sent.status_code == 200, sent.text
    compared = 0
    async with asyncio.timeout(30), AsyncExitStack() as stack:
        await attend(stack, served.app.house.settings, database_url)
        while compared == 0:
            await asyncio.sleep(0.1)
            async with transaction(served.app.house.engine) as connection:
                compared = (await connection.execute(_COMPARED)).scalar_one()
    assert compared == 1
    (shadow,) = (await served.ask("GET", "/v1/rule-sets/fleet_leads/shadows")).json()["data"]
    assert shadow["version"] == version
