"""The session ends before or after any statement of a review's life: all of it or nothing."""

from collections.abc import Awaitable, Callable

import httpx
import psycopg
import pytest

from service.storage import libpq_url, verify_audit
from tests.faults.test_cuts import Scissors, is_asking, watched
from tests.rulesets.authors import TEXT
from tests.rulesets.four_eyes import FourEyes, Json
from tests.web.serving import serving

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

State = tuple[str, str, int]


async def cut(
    ask: Callable[[str], Awaitable[httpx.Response]],
    scissors: Scissors,
    *,
    key: str,
) -> httpx.Response:
    """Send a request while *scissors* watch."""
    token = is_asking.set(True)
    try:
        with watched(scissors):
            return await ask(key)
    finally:
        is_asking.reset(token)


def turns(scissors: Scissors) -> list[tuple[str, int]]:
    """Return where something has just been done, or is about to be kept."""
    ends = ("after INSERT", "after UPDATE", "before commit")
    return [place for place in scissors.places if place[0].startswith(ends)]


def state_of(url: str, review: Json) -> State:
    """Return a review's state, what the draft says, and how often the audit tells of an end."""
    query = """
        SELECT (SELECT state FROM rule_set_review WHERE digest = %(digest)s),
            (SELECT source FROM rule_set_draft WHERE name = 'main'),
            (SELECT count(*) FROM audit_entry WHERE digest = %(digest)s
                AND action IN ('reviews.approve', 'reviews.lapse'))
    """
    with psycopg.connect(libpq_url(url)) as connection:
        row = connection.execute(query, {"digest": review["digest"]}).fetchone()
    assert row is not None
    return row


async def under_review(team: FourEyes, number: int) -> tuple[Json, str]:
    """Return a fresh review of a fresh text of `main`, and the draft's tag."""
    edited = await team.edit(TEXT.replace("points: 30", f"points: {30 + number / 100:.2f}"))
    return await team.reviewed(), edited.headers["etag"]


async def test_an_approval_is_kept_whole_or_not_at_all(database_url: str) -> None:
    """Approved with its line in the audit, or open without; sent again it is approved once."""
    async with serving(database_url) as served:
        team = await FourEyes.opened(served)
        place_number, places = 0, [("", 0)]
        while place_number < len(places):
            review, _ = await under_review(team, place_number + 1)
            path = f"/reviews/{review['id']}/approve"

            async def ask(key: str, path: str = path, review: Json = review) -> httpx.Response:
                sent, headers = {"digest": review["digest"]}, {"Idempotency-Key": key}
                return await team.bob.ask("POST", path, json=sent, headers=headers)

            scissors = Scissors(database_url, at=places[place_number])
            answer = await cut(ask, scissors, key=f"all {place_number}")
            if place_number == 0:
                places += turns(scissors)
            state, _, told = state_of(database_url, review)
            assert (state, told) in {("open", 0), ("approved", 1)}, places[place_number]
            assert answer.status_code in {200, 503}
            again = await ask(f"all {place_number}")
            assert again.status_code == 200, again.text
            assert state_of(database_url, review)[::2] == ("approved", 1)
            place_number += 1
        assert len(places) > 5
        assert any("after UPDATE rule_set_review" in what for what, _ in places)
        assert (await verify_audit(served.app.house.engine)).holds


async def test_an_edit_and_the_end_of_its_review_are_one(database_url: str) -> None:
    """The text changed and the review lapsed, or neither."""
    async with serving(database_url) as served:
        team = await FourEyes.opened(served)
        place_number, places = 0, [("", 0)]
        while place_number < len(places):
            review, etag = await under_review(team, place_number + 1)
            before = state_of(database_url, review)

            async def ask(_: str, etag: str = etag) -> httpx.Response:
                return await team.ann.write(TEXT, if_match=etag)

            scissors = Scissors(database_url, at=places[place_number])
            answer = await cut(ask, scissors, key="")
            if place_number == 0:
                places += turns(scissors)
            after = state_of(database_url, review)
            assert after in {before, ("lapsed", TEXT, 1)}, places[place_number]
            assert answer.status_code in {200, 503}
            if answer.status_code == 200:
                assert after[0] == "lapsed"
            place_number += 1
        assert any("after UPDATE rule_set_review" in what for what, _ in places)
        assert (await verify_audit(served.app.house.engine)).holds
