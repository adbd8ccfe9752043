"""Statements over HTTP: asked for once, taken by a process of its own, never half."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import httpx
import psutil
import psycopg
import pytest
from sqlalchemy import text

from service.portfolio.working import take_next, working
from service.rescorings.working import work_on_next
from service.storage import libpq_url, transaction
from tests.bulk.books import fill
from tests.decisions.rules import FLEET_ACCOUNTS, FLEET_LEADS, release
from tests.portfolio.taken import SLUG, live_template
from tests.web.serving import Served, serving
from tests.web.workers import until_waiting, workers

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
PATH = f"/v1/portfolio/{SLUG}/statements"
RESCORINGS = f"/v1/rule-sets/{SLUG}/rescorings"
ACCOUNTS = 40
PATIENCE_S = 120


@pytest.fixture
async def idle(database_url: str) -> AsyncIterator[Served]:
    """Return an application that starts no worker by itself, with accounts and live rules."""
    fill(database_url, ACCOUNTS)
    async with serving(database_url, is_attended=False) as served:
        await live_template(served.app.house.engine)
        yield served


async def asked(served: Served, **sent: object) -> dict[str, Any]:
    """Ask for a statement and return it."""
    answer = await served.ask("POST", PATH, json=sent)
    assert answer.status_code == 202, answer.text
    shown: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"{PATH}/{shown['id']}"
    return shown


async def read(served: Served, statement: str) -> dict[str, Any]:
    """Return a statement."""
    shown: dict[str, Any] = (await served.ask("GET", f"{PATH}/{statement}")).json()
    return shown


def refused(answer: httpx.Response) -> tuple[int, str, list[str]]:
    """Return status, code and pointers of a refusal."""
    said = answer.json()
    return answer.status_code, said["code"], [e.get("pointer") for e in said.get("errors", [])]


def positions(url: str) -> int:
    """Return how many positions are stored."""
    with psycopg.connect(libpq_url(url)) as connection:
        row = connection.execute("SELECT count(*) FROM position").fetchone()
    assert row is not None
    return int(row[0])


async def test_a_statement_waits_for_its_rescoring(idle: Served, database_url: str) -> None:
    """It is of the rescoring's instant and version, and done once that is and it was taken."""
    begun = await asked(idle)
    rescoring = (await idle.ask("GET", f"{RESCORINGS}/{begun['rescoring']}")).json()
    assert (begun["state"], begun["at"], begun["version"]) == ("queued", rescoring["at"], 1)
    assert begun["terms"]["growth_from"] == 40
    assert not await take_next(idle.app.house)
    assert await work_on_next(idle.app.house)
    assert (await read(idle, begun["id"]))["state"] == "queued"
    assert await take_next(idle.app.house)
    done = await read(idle, begun["id"])
    assert (done["state"], done["totals"]["accounts"]) == ("done", ACCOUNTS)
    assert positions(database_url) == ACCOUNTS
    assert not await take_next(idle.app.house)


async def test_the_same_key_asks_once(idle: Served) -> None:
    """A repeat gets the first answer, byte for byte, and another body a refusal."""
    headers = {"Idempotency-Key": "once"}
    first = await idle.ask("POST", PATH, json={}, headers=headers)
    again = await idle.ask("POST", PATH, json={}, headers=headers)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    other = await idle.ask("POST", PATH, json={"growth_from": 1}, headers=headers)
    assert refused(other)[:2] == (422, "idempotency_key_reused")
    assert len((await idle.ask("GET", PATH)).json()["data"]) == 1


async def test_a_rescoring_that_is_under_way_is_joined(idle: Served) -> None:
    """The statement is of its instant; one that only counts cannot be joined."""
    under_way = (await idle.ask("POST", RESCORINGS, json={})).json()
    begun = await asked(idle)
    assert (begun["rescoring"], begun["at"]) == (under_way["id"], under_way["at"])
    await idle.ask("POST", f"{RESCORINGS}/{under_way['id']}/cancel")
    counting = (await idle.ask("POST", RESCORINGS, json={"dry_run": True})).json()
    answer = await idle.ask("POST", PATH, json={})
    assert refused(answer)[:2] == (409, "rescoring_running")
    assert answer.json()["rescoring"] == counting["id"]


async def test_it_ends_with_a_rescoring_that_came_to_nothing(
    idle: Served, database_url: str
) -> None:
    """Cancelled or failed, it says so, and nothing is stored."""
    cancelled = await asked(idle)
    await idle.ask("POST", f"{RESCORINGS}/{cancelled['rescoring']}/cancel")
    failed = await asked(idle)
    async with transaction(idle.app.house.engine) as connection:
        words = "UPDATE rescoring SET state = 'failed', failure = 'no' WHERE state = 'queued'"
        await connection.execute(text(words))
    assert not await take_next(idle.app.house)
    for one, state in ((cancelled, "cancelled"), (failed, "failed")):
        shown = await read(idle, one["id"])
        assert (shown["state"], shown["totals"]) == (state, None)
        assert shown["failure"].startswith("its rescoring was not done")
        assert shown["finished_at"] is not None
    assert positions(database_url) == 0


async def test_a_dry_run_says_the_terms_and_keeps_nothing(idle: Served) -> None:
    """What was named is taken; what was not follows the rules."""
    sent = {"dry_run": True, "growth_from": 25, "cost": "cost_to_serve_12m"}
    answer = await idle.ask("POST", PATH, json=sent)
    assert answer.status_code == 200
    tried = answer.json()
    assert (tried["state"], tried["id"], tried["rescoring"]) == ("tried", None, None)
    assert (tried["terms"]["growth_from"], tried["terms"]["value_from"]) == (25, 50)
    assert {"segment", "cohort", "owner"} <= set(tried["slices"])
    assert (await idle.ask("GET", PATH)).json()["data"] == []
    assert (await idle.ask("GET", RESCORINGS)).json()["data"] == []


async def test_what_cannot_be_stated_is_refused_with_its_place(idle: Served) -> None:
    """Unknown metrics and scores, rules without any, rules for leads, no rules at all."""
    for member, value in (
        ("revenue", "discounts_12m"),
        ("cost", "nothing"),
        ("value", "worth"),
        ("growth", "x" * 64),
    ):
        answer = await idle.ask("POST", PATH, json={member: value})
        assert refused(answer) == (422, "cannot_state", [f"/{member}"])
        assert "x" * 64 not in answer.text
    hours = await idle.ask("POST", PATH, json={"cost": "service_hours_12m"})
    assert refused(hours)[:2] == (422, "cannot_state")
    wrong: tuple[object, ...] = ({"value_from": "5"}, {"window": 12}, {"growth": "x" * 65}, [])
    for sent in wrong:
        assert refused(await idle.ask("POST", PATH, json=sent))[:2] == (422, "validation_failed")
    for source in (FLEET_LEADS, FLEET_ACCOUNTS):
        await release(idle.app.house, source)
    path = "/v1/portfolio/{}/statements"
    bare = await idle.ask("POST", path.format("fleet_accounts"), json={})
    assert refused(bare) == (422, "cannot_state", ["/revenue"])
    leads = await idle.ask("POST", path.format("fleet_leads"), json={})
    assert refused(leads)[:2] == (422, "wrong_subject")
    for slug in ("nowhere", "%F0%9F%90%8B", "a" * 300):
        answer = await idle.ask("POST", path.format(slug), json={})
        assert refused(answer)[:2] == (404, "rule_set_not_found")
    key = await idle.new_key("accounts")
    assert refused(await idle.ask("POST", PATH, json={}, key=key))[:2] == (403, "scope_missing")


async def test_a_killed_worker_leaves_nothing_and_is_followed_by_another(
    idle: Served, database_url: str
) -> None:
    """Killed while it sums, none of its positions are there; the next one writes them all."""
    begun = await asked(idle)
    assert await work_on_next(idle.app.house)
    # Whoever writes positions waits until this transaction ends.
    with psycopg.connect(libpq_url(database_url)) as owner:
        owner.execute("LOCK TABLE position IN SHARE MODE")
        async with working(idle.app.house):
            await until_waiting(database_url, "%entry AS%")
            [worker] = workers()
            os.kill(worker.pid, signal.SIGKILL)
            await asyncio.to_thread(psutil.wait_procs, [worker], PATIENCE_S)
            owner.rollback()
            assert (await read(idle, begun["id"]))["totals"] is None
            async with asyncio.timeout(PATIENCE_S):
                while (await read(idle, begun["id"]))["state"] != "done":  # noqa: ASYNC110 - it is another process
                    await asyncio.sleep(0.05)
    assert positions(database_url) == ACCOUNTS
