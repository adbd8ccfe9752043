"""Inquiries: what rules mean is asked over HTTP, worked out elsewhere, and kept."""

import asyncio
from collections.abc import AsyncIterator
from importlib.util import find_spec
from typing import Any

import pytest

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
    await ann.ask("POST", "/releases", json={"version": 1, "note": "first"})
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
    missing = await ann.ask("GET", f"/inquiries/{asked.json()['id'][:-1]}0")
    assert missing.status_code == 404
    assert (await ann.ask("POST", "/inquiries", json={"version": 9})).status_code == 404


async def test_a_review_says_whom_a_change_decides_otherwise(team: FourEyes) -> None:
    """Asked when it is first read, answered by a process of its own; nobody waits for it."""
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
    """Leads are decided while the solver works, and before it is done."""
    ann = Author(unattended, await unattended.new_key("rules:read", "rules:write", "rules:publish"))
    await ann.publish()
    asked = await ann.ask(
        "POST", "/inquiries", json={"version": 1, "questions": [{"question": "matters"}]}
    )
    assert asked.status_code == 202
    working = asyncio.create_task(answer_next(unattended))
    for vehicles in range(5):
        sent = {"rule_set": "small_leads", "lead": {"vehicles": vehicles}}
        decided = await unattended.ask("POST", "/v1/qualify", json=sent)
        assert decided.status_code == 200
    assert not working.done()
    await working
