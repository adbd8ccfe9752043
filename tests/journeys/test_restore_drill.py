"""The drill: everything over HTTP, a backup, another server, and everything is there again."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx
import pytest

from service.cli.restoring import Target, bring_in
from service.storage import open_engine, verify_audit
from service.storage.archive_making import back_up
from service.storage.archive_reading import open_backup
from tests.decisions.rules import FLEET_ACCOUNTS, FLEET_LEADS, edited
from tests.journeys.listening import listening
from tests.journeys.test_from_draft_to_replay import Person
from tests.web.serving import serving

pytestmark = pytest.mark.anyio
DECISIONS = 200
WHERE = "/rule-sets/fleet_leads"
YAML = {"Content-Type": "application/yaml"}


@pytest.fixture
async def admin(database_url: str) -> AsyncIterator[Person]:
    """Return whoever runs the first service: an admin key, and the address."""
    async with (
        serving(database_url) as served,
        listening(served.app) as (host, port),
        httpx.AsyncClient(base_url=f"http://{host}:{port}", trust_env=False) as client,
    ):
        yield Person(client, served.admin_key)


async def write_rules(admin: Person) -> None:
    """Make two rule sets live, one of them in two versions, and leave a draft behind."""
    for slug, subject, text in (
        ("fleet_leads", "lead", FLEET_LEADS),
        ("fleet_accounts", "account", FLEET_ACCOUNTS),
    ):
        await admin.ask("POST", "/rule-sets", 201, json={"rule_set": slug, "subject": subject})
        draft = f"/rule-sets/{slug}/drafts/main"
        await admin.ask("PUT", draft, 201, content=text, headers=YAML)
        await admin.ask("POST", f"{draft}/commit", 201, json={"note": "first"})
        released = {"version": 1, "reason": "go"}
        await admin.ask("POST", f"/rule-sets/{slug}/releases", 201, json=released)
    stricter = edited("vehicles >= 20,  points: 25", "vehicles >= 150,  points: 25")
    await admin.ask("PUT", f"{WHERE}/drafts/strict", 201, content=stricter, headers=YAML)
    await admin.ask("POST", f"{WHERE}/drafts/strict/commit", 201)
    await admin.ask("POST", f"{WHERE}/releases", 201, json={"version": 2, "reason": "stricter"})


async def decide(admin: Person) -> None:
    """Make decisions by both versions, of leads known well and hardly, and judge accounts."""
    questions = [
        {
            "rule_set": "fleet_leads",
            "lead": {
                "email": f"ann{number}@{'gmail.com' if number % 7 == 0 else 'haulage.example'}",
                **({"vehicles": number * 3} if number % 3 else {}),
                **({"country": "DE", "seniority": "vp"} if number % 2 else {}),
            },
            "external_id": f"crm-{number}",
            "at_version": 1 + number % 2,
            "final": number % 5 == 0,
        }
        for number in range(DECISIONS)
    ]
    for start in range(0, DECISIONS, 100):
        batch = await admin.ask("POST", "/qualify/batch", json=questions[start : start + 100])
        assert all(result["decision"] for result in batch["data"]), batch
    for number in range(5):
        facts = {"facts": {"vehicles": number * 40, "site": "https://süd.example"}}
        await admin.ask("PUT", f"/accounts/a{number}", 201, json=facts)
        question = {"rule_set": "fleet_accounts", "account_key": f"a{number}"}
        await admin.ask("POST", "/qualify", json=question)


async def all_of(person: Person, path: str) -> list[Any]:
    """Return every page of a list."""
    found: list[Any] = []
    cursor: str | None = None
    while True:
        query = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
        page = await person.ask("GET", path, params=query)
        found += page["data"]
        cursor = page.get("next_cursor")
        if not cursor:
            return found


async def picture_of(person: Person) -> dict[str, Any]:
    """Return what the service shows of itself."""
    return {
        path: await all_of(person, path)
        for path in (
            "/decisions",
            "/rule-sets",
            f"{WHERE}/versions",
            f"{WHERE}/releases",
            f"{WHERE}/drafts",
            "/accounts/a3/assessment",
            "/audit",
        )
    }


async def test_a_restored_service_is_the_one_that_was_backed_up(
    admin: Person, database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    """Same lists, same releases, same keys; every decision replays; new ones are made."""
    await write_rules(admin)
    await decide(admin)
    writer = await admin.make_key(person="ann", scopes=["decide"])
    before = await picture_of(admin)
    assert len(before["/decisions"]) == DECISIONS + 5

    file = tmp_path / "drill.zip"
    await anyio.to_thread.run_sync(back_up, database_url, file)
    late = {"rule_set": "fleet_leads", "lead": {"email": "late@haulage.example"}}
    missed = await writer.ask("POST", "/qualify", json=late)

    target = Target(owner_url=empty_database_url, url=empty_database_url, partitions_ahead=3)
    with open_backup(file) as backup:
        outcome = await anyio.to_thread.run_sync(lambda: bring_in(backup, target, replay=None))
    assert outcome.is_well
    assert outcome.drill.replayed == DECISIONS + 5

    engine = open_engine(empty_database_url)
    report = await verify_audit(engine, anchor=backup.manifest.anchor)
    await engine.dispose()
    assert report.holds

    async with (
        serving(empty_database_url) as served,
        listening(served.app) as (host, port),
        httpx.AsyncClient(base_url=f"http://{host}:{port}", trust_env=False) as client,
    ):
        same_admin, same_writer = Person(client, admin.key), Person(client, writer.key)
        now = await picture_of(same_admin)
        assert now["/audit"][0]["subject"] != before["/audit"][0]["subject"]
        del now["/audit"][0]  # the key that this test's own server began by making
        assert now == before
        for decision in before["/decisions"]:
            replayed = await same_admin.ask("POST", f"/decisions/{decision['id']}/replay")
            assert replayed["identical"], replayed
        await same_admin.ask("GET", f"/decisions/{missed['id']}", 404)
        again = await same_writer.ask("POST", "/qualify", json=late)
        compared = ("verdict", "outcome", "scores", "missing")
        assert {n: again[n] for n in compared} == {n: missed[n] for n in compared}
        third = {"version": 1, "reason": "back again"}
        released = await same_admin.ask("POST", f"{WHERE}/releases", 201, json=third)
        assert released["version"] == 1
