"""Rescorings over HTTP: asked for once, listed, read, cancelled, and refused with the reason."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from service.rulesets import Editor, install
from service.storage import transaction
from tests.bulk.books import decisions_per_account, fill, go_live, new_uuid
from tests.decisions.rules import FLEET_LEADS
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio
BOOK = "/v1/rule-sets/book/rescorings"


@pytest.fixture
async def idle(database_url: str) -> AsyncIterator[Served]:
    """Return an application that starts no worker, with a version live for five accounts."""
    fill(database_url, 5)
    async with serving(database_url, is_attended=False) as served:
        await go_live(served.app.house.engine)
        yield served


async def asked(served: Served, *, dry_run: bool = False) -> dict[str, Any]:
    """Ask for a rescoring and return it."""
    answer = await served.ask("POST", BOOK, json={"dry_run": dry_run})
    assert answer.status_code == 202, answer.text
    begun: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"{BOOK}/{begun['id']}"
    return begun


def refused(answer: httpx.Response) -> tuple[int, str]:
    """Return status and code of a refusal."""
    return answer.status_code, answer.json()["code"]


async def test_a_rescoring_waits_until_somebody_takes_it_up(idle: Served) -> None:
    """It names version, instant and who asked; nothing is counted yet."""
    begun = await asked(idle)
    assert begun["state"] == "queued"
    assert begun["progress"] == {"done": 0, "total": None}
    assert (begun["result"], begun["failure"], begun["dry_run"]) == (None, None, False)
    assert (begun["version"], begun["asked_by"]) == (1, "root@example.com")
    assert begun["at"] == begun["created_at"]
    assert (await idle.ask("GET", f"{BOOK}/{begun['id']}")).json() == begun
    audit = (await idle.ask("GET", "/v1/audit")).json()["data"]
    assert [e["subject"] for e in audit if e["action"] == "rescorings.ask"] == [begun["id"]]


async def test_the_same_key_asks_once(idle: Served) -> None:
    """A repeat gets the first answer, although another rescoring would be refused by now."""
    headers = {"Idempotency-Key": "once"}
    first = await idle.ask("POST", BOOK, json={}, headers=headers)
    again = await idle.ask("POST", BOOK, json={}, headers=headers)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.content == again.content
    other = await idle.ask("POST", BOOK, json={"dry_run": True}, headers=headers)
    assert refused(other) == (422, "idempotency_key_reused")


async def test_a_second_one_is_refused_and_told_of_the_first(idle: Served) -> None:
    """A rule set is rescored once at a time; after a cancel the way is free."""
    first = await asked(idle)
    second = await idle.ask("POST", BOOK, json={"dry_run": True})
    assert refused(second) == (409, "rescoring_running")
    assert second.json()["rescoring"] == first["id"]
    assert first["id"] in second.json()["detail"]
    cancelled = await idle.ask("POST", f"{BOOK}/{first['id']}/cancel")
    assert cancelled.status_code == 200
    assert cancelled.json()["state"] == "cancelled"
    assert cancelled.json()["finished_at"] is not None
    over = await idle.ask("POST", f"{BOOK}/{first['id']}/cancel")
    assert refused(over) == (409, "rescoring_over")
    await asked(idle, dry_run=True)
    actions = [e["action"] for e in (await idle.ask("GET", "/v1/audit")).json()["data"]]
    assert actions.count("rescorings.cancel") == 1


async def test_they_are_listed_a_page_at_a_time(idle: Served) -> None:
    """The newest first, each once."""
    ids = []
    for _ in range(3):
        begun = await asked(idle)
        ids.append(begun["id"])
        await idle.ask("POST", f"{BOOK}/{begun['id']}/cancel")
    first = (await idle.ask("GET", f"{BOOK}?limit=2")).json()
    rest = (await idle.ask("GET", f"{BOOK}?limit=2&cursor={first['next_cursor']}")).json()
    assert [one["id"] for one in (*first["data"], *rest["data"])] == ids[::-1]
    assert rest["next_cursor"] is None


async def test_what_is_not_there_is_said(idle: Served) -> None:
    """No such rule set, no such rescoring, and none under another rule set's address."""
    begun = await asked(idle)
    nowhere = "/v1/rule-sets/nowhere/rescorings"
    for answer in (
        await idle.ask("GET", nowhere),
        await idle.ask("POST", nowhere, json={}),
    ):
        assert refused(answer) == (404, "rule_set_not_found")
    for path in (f"{nowhere}/{begun['id']}", f"{BOOK}/rsc_{'0' * 26}"):
        assert refused(await idle.ask("GET", path)) == (404, "rescoring_not_found")
        assert refused(await idle.ask("POST", f"{path}/cancel")) == (404, "rescoring_not_found")
    assert refused(await idle.ask("POST", BOOK, json={"dry": 1})) == (422, "validation_failed")


async def test_rules_for_leads_are_refused(idle: Served) -> None:
    """No stored account is a lead."""
    engine = idle.app.house.engine
    editor = Editor(person="ann@example.com", at=datetime.now(UTC), new_uuid=new_uuid)
    async with transaction(engine) as connection:
        await install(connection, FLEET_LEADS, editor=editor, note="", reason="a test")
    path = "/v1/rule-sets/fleet_leads/rescorings"
    assert refused(await idle.ask("POST", path, json={})) == (422, "wrong_subject")
    assert (await idle.ask("GET", path)).json()["data"] == []


async def test_asking_takes_the_right_to_publish(idle: Served) -> None:
    """Whoever may read rules may watch; whoever may only write them may not rescore."""
    writer = await idle.new_key("rules:read", "rules:write", "decide")
    assert (await idle.ask("POST", BOOK, json={}, key=writer)).status_code == 403
    assert (await idle.ask("GET", BOOK, key=writer)).status_code == 200
    publisher = await idle.new_key("rules:publish")
    assert (await idle.ask("POST", BOOK, json={}, key=publisher)).status_code == 202


async def test_asking_writes_no_decision(idle: Served, database_url: str) -> None:
    """The request itself decides nobody."""
    await asked(idle)
    assert decisions_per_account(database_url) == {0: 5}
