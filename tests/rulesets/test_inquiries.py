"""Inquiries: what rules mean is asked over HTTP, worked out elsewhere, and kept."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from importlib.util import find_spec
from typing import Any

import pytest

from service.rules.solver import apart
from service.rulesets import answer_inquiry, inquiry_store
from service.storage import transaction
from service.web import LEASE
from tests.rulesets.authors import TEXT, Author
from tests.rulesets.four_eyes import FourEyes
from tests.web.serving import Served, serving

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(find_spec("z3") is None, reason="the extra `solver` is not installed"),
]
STRICTER = TEXT.replace("vehicles >= 100", "vehicles >= 120")


@pytest.fixture
async def unattended(database_url: str) -> AsyncIterator[Served]:
    """An application that answers requests and does nothing between them."""
    async with serving(database_url, is_attended=False) as served:
        yield served


async def author(served: Served) -> Author:
    """Return somebody whose version 1 is live and whose draft is stricter."""
    ann = Author(served, await served.new_key("rules:read", "rules:write", "rules:publish"))
    await ann.create()
    etag = (await ann.write(TEXT)).headers["etag"]
    await ann.commit()
    assert (await ann.release(1)).status_code == 201
    await ann.write(STRICTER, if_match=etag)
    return ann


async def answer_next(served: Served) -> None:
    """Answer the inquiry that is next, from this process."""
    house = served.app.house
    async with transaction(house.engine) as connection:
        row = await inquiry_store.claim(connection, lease=LEASE)
    assert row is not None
    await answer_inquiry(row, engine=house.engine, clock=house.clock)


async def read(ann: Author, shown: dict[str, Any]) -> dict[str, Any]:
    """Return an inquiry as it is now."""
    found: dict[str, Any] = (await ann.ask("GET", f"/inquiries/{shown['id']}")).json()
    return found


async def test_a_draft_is_compared_with_what_is_live(unattended: Served) -> None:
    """202 at once; then who is decided otherwise. The same is asked once, by whomever."""
    ann = await author(unattended)
    asked = await ann.ask("POST", "/inquiries", json={"draft": "main"})
    assert (asked.status_code, asked.json()["state"]) == (202, "queued")
    assert asked.json()["comparison"] is None
    assert asked.headers["location"].endswith(f"/inquiries/{asked.json()['id']}")
    await answer_next(unattended)
    done = await read(ann, asked.json())
    assert (done["state"], done["kind"]) == ("done", "compare")
    assert done["comparison"]["relation"] == "stricter"
    (difference,) = done["comparison"]["differences"]
    assert (difference["before"], difference["after"]) == ("good", "poor")
    assert difference["witness"]["facts"] == {"vehicles": 100}
    again = await ann.ask("POST", "/inquiries", json={"draft": "main"})
    assert (again.status_code, again.json()["id"]) == (200, done["id"])
    listed = (await ann.ask("GET", "/inquiries")).json()
    assert [one["id"] for one in listed["data"]] == [done["id"]]


async def test_questions_are_answered_in_order(unattended: Served) -> None:
    """Each with its witness or as proved; of what is not there, refused before anybody asks."""
    ann = await author(unattended)
    questions = [
        {"question": "matters", "about": ["medium"]},
        {"question": "highest", "about": ["fit"]},
    ]
    asked = await ann.ask("POST", "/inquiries", json={"version": 1, "questions": questions})
    assert asked.status_code == 202
    await answer_next(unattended)
    matters, highest = (await read(ann, asked.json()))["answers"]
    assert (matters["answer"], matters["witness"]) == ("no", None)
    assert (highest["answer"], highest["number"]) == ("yes", 70)
    questions[0]["about"] = ["huge"]
    refused = await ann.ask("POST", "/inquiries", json={"version": 1, "questions": questions})
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_question")
    for sent in ({}, {"draft": "main", "version": 1}, {"draft": "main", "base": 1,
                 "questions": questions}):  # fmt: skip
        assert (await ann.ask("POST", "/inquiries", json=sent)).status_code == 422
    missing = await ann.ask("GET", "/inquiries/inq_01m82amv90f7assrm6pf8d3pr0")
    assert missing.status_code == 404
    assert (await ann.ask("POST", "/inquiries", json={"version": 9})).status_code == 404


async def test_a_review_says_whom_a_change_decides_otherwise(team: FourEyes) -> None:
    """Asked with the review, answered by a process of its own; nobody waits for it."""
    await team.ann.write(STRICTER, draft="stricter")
    review = (await team.ann.ask("POST", "/reviews", json={"draft": "stricter"})).json()
    shown: dict[str, Any] = {}
    for _ in range(240):
        shown = (await team.bob.ask("GET", f"/reviews/{review['id']}")).json()
        if shown["meaning"]["state"] == "done":
            break
        await asyncio.sleep(0.25)
    assert shown["meaning"]["state"] == "done"
    assert shown["meaning"]["comparison"]["relation"] in {
        "stricter",
        "looser",
        "different_both_ways",
    }


async def test_decisions_do_not_wait_for_the_solver(unattended: Served) -> None:
    """With the solver's process stopped in the middle, leads are decided as ever."""
    ann = Author(unattended, await unattended.new_key("rules:read", "rules:write", "rules:publish"))
    await ann.publish()
    await ask_matters(ann, "large")
    await answer_next(unattended)
    (solver, *others) = apart.KEPT.pids()
    for pid in (solver, *others):
        os.kill(pid, signal.SIGSTOP)
    try:
        asked = await ask_matters(ann, "medium")
        working = asyncio.create_task(answer_next(unattended))
        await until_running(ann, asked)
        for vehicles in range(5):
            sent = {"rule_set": "small_leads", "lead": {"vehicles": vehicles}}
            decided = await unattended.ask("POST", "/v1/qualify", json=sent)
            assert decided.status_code == 200
        assert (await ann.ask("POST", "/drafts/main/check")).json()["meaning"]["state"] == "queued"
        assert not working.done()
    finally:
        for pid in (solver, *others):
            os.kill(pid, signal.SIGCONT)
    await working
    assert (await read(ann, asked))["answers"][0]["answer"] in {"yes", "no"}


async def ask_matters(ann: Author, rule: str) -> dict[str, Any]:
    """Ask whether a rule of version 1 matters."""
    questions = [{"question": "matters", "about": [rule]}]
    asked = await ann.ask("POST", "/inquiries", json={"version": 1, "questions": questions})
    assert asked.status_code == 202
    shown: dict[str, Any] = asked.json()
    return shown


async def until_running(ann: Author, asked: dict[str, Any]) -> None:
    """Wait until somebody works on an inquiry."""
    for _ in range(600):
        if (await read(ann, asked))["state"] == "running":
            return
        await asyncio.sleep(0.05)
    raise AssertionError("nobody works on it")


async def test_a_check_tells_what_the_solver_finds(unattended: Served) -> None:
    """It answers at once; the next check has what was found, and asks nothing again."""
    ann = await author(unattended)
    first = (await ann.ask("POST", "/drafts/main/check")).json()["meaning"]
    assert (first["state"], first["findings"]) == ("queued", [])
    assert "check again" in first["words"]
    await answer_next(unattended)
    then = (await ann.ask("POST", "/drafts/main/check")).json()
    assert then["ok"]
    assert (then["meaning"]["inquiry"], then["meaning"]["state"]) == (first["inquiry"], "done")
    found = {(one["question"], *one["about"]) for one in then["meaning"]["findings"]}
    assert ("matters", "medium") in found
    assert then["meaning"]["words"].endswith("questions settled")


async def test_a_check_without_the_solver_says_so(
    unattended: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything else is told as ever; a text with errors is not asked about at all."""
    ann = await author(unattended)
    monkeypatch.setattr(apart, "find_spec", lambda _name: None)
    told = (await ann.ask("POST", "/drafts/main/check")).json()
    assert told["ok"]
    assert told["meaning"]["inquiry"] is None
    assert "goodfit[solver]" in told["meaning"]["words"]
    await ann.write(TEXT.replace("vehicles >= 100", "vehicels >= 100"), draft="wrong")
    assert (await ann.ask("POST", "/drafts/wrong/check")).json()["meaning"] is None


async def test_asking_for_a_review_asks_what_it_means(unattended: Served) -> None:
    """Nobody has read it yet, and the solver has something to do."""
    ann = await author(unattended)
    review = await ann.ask("POST", "/reviews", json={"draft": "main"})
    assert review.status_code == 201, review.text
    (asked,) = (await ann.ask("GET", "/inquiries")).json()["data"]
    assert (asked["kind"], asked["state"]) == ("compare", "queued")
    shown = (await ann.ask("GET", f"/reviews/{review.json()['id']}")).json()
    assert shown["meaning"]["inquiry"] == asked["id"]
