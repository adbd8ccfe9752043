"""One person's data, whole and of nobody else, and told to admins only."""

from typing import Any

import pytest

from tests.decisions.shadows import Shadowed
from tests.privacy.lives import COMPANY, LEAD, erased, live
from tests.web.serving import Served

pytestmark = pytest.mark.anyio
PATH = "/v1/subjects/export"


async def exported(served: Served, **names: str) -> dict[str, Any]:
    """Return what is held of somebody."""
    answer = await served.client.get(
        PATH, params=names, headers={"Authorization": f"Bearer {served.admin_key}"}
    )
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_everything_is_told_by_source_and_time(stage: Shadowed) -> None:
    """What an erasure clears is what was told before, and afterwards there is nothing to tell."""
    served, life = stage.served, await live(stage)
    other = {"lead": {"email": "bo@else.example", "vehicles": 25}, "external_id": "other"}
    assert (await stage.ask_for(other)).status_code == 200
    for names in (LEAD, COMPANY):
        told = await exported(served, **names)
        held = {name for name, rows in told["sources"].items() if rows}
        gone = await erased(served, names)
        assert {one["table"] for one in gone["cleared"]} == held
        assert "bo@else.example" not in str(told)
        for one in told["sources"]["decision"]:
            assert one["facts"] is not None
        instants = [one["decided_at"] for one in told["sources"]["decision"]]
        assert instants == sorted(instants)
        left = await exported(served, **names)
        assert {name for name, rows in left["sources"].items() if rows} == set()
    assert len(life.decisions) == 5


async def test_an_export_is_audited_and_for_admins(stage: Shadowed) -> None:
    """Who asked is kept, of whom is not; without a name, or the scope, nothing is told."""
    served = stage.served
    await exported(served, email=LEAD["email"])
    (entry,) = [
        one
        for one in (await served.ask("GET", "/v1/audit")).json()["data"]
        if one["action"] == "privacy.export"
    ]
    assert (entry["actor"], entry["payload"]) == ("root@example.com", {"known_by": ["email"]})
    for query in ("", "?email=ann", "?external_id=", "?email=bo%20bo@c.example"):
        answer = await served.ask("GET", PATH + query)
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed"), query
        assert "c.example" not in answer.text
    key = await served.new_key("decide", "accounts", "rules:read", "rules:publish")
    assert (await served.ask("GET", f"{PATH}?email={LEAD['email']}", key=key)).status_code == 403
