"""Releases into the shadow: who may be there, on which share, from when until when."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rulesets import (
    LEAD,
    MOST_SHADOWS,
    Editor,
    Shadow,
    install,
    periods_of,
    shadows_at,
)
from service.storage import transaction, verify_audit
from tests.rulesets.authors import TEXT, Author
from tests.web.serving import serving

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def shadow(version: int, share: float, *, minute: int) -> Shadow:
    """Return a shadow release that takes effect some minutes after noon."""
    return Shadow(
        version=version,
        digest=f"sha256:{version:064}",
        release_id=UUID(int=minute),
        share=share,
        since=NOON + timedelta(minutes=minute),
    )


async def versions(ann: Author, *, count: int) -> None:
    """Publish version 1 and commit more of them, each with other points."""
    await ann.publish()
    for number in range(2, count + 1):
        changed = TEXT.replace("points: 30", f"points: {number}")
        tag = (await ann.ask("GET", "/drafts/main")).headers["etag"]
        await ann.write(changed, if_match=tag)
        assert (await ann.commit()).json()["version"] == number


async def put(ann: Author, version: int, share: object, **rest: object) -> Any:  # noqa: ANN401 - JSON
    """Release a version into the shadow."""
    return await ann.release(version, mode="shadow", share=share, **rest)


@pytest.fixture(scope="module")
async def bea(module_database_url: str) -> AsyncIterator[Author]:
    """Somebody with two versions, the first of them live, whom every request is refused."""
    async with serving(module_database_url) as served:
        bea = Author(served, await served.new_key("admin"))
        await versions(bea, count=2)
        yield bea


async def test_a_shadow_is_released_like_a_live_version_and_changes_nothing_live(
    ann: Author,
) -> None:
    """It takes effect after the lead, stands in the history with its share, and is not live."""
    await versions(ann, count=2)
    answer = await put(ann, 2, 0.25)
    assert answer.status_code == 201, answer.text
    shown = answer.json()
    assert (shown["mode"], shown["share"], shown["version"]) == ("shadow", 0.25, 2)
    begins = datetime.fromisoformat(shown["effective_at"])
    assert begins - datetime.fromisoformat(shown["created_at"]) >= LEAD
    history = (await ann.ask("GET", "/releases")).json()["data"]
    assert [(one["mode"], one["share"]) for one in history] == [("shadow", 0.25), ("live", None)]
    later = (begins + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    assert (await ann.ask("GET", f"?at={later}")).json()["live"]["version"] == 1
    assert (await verify_audit(ann.served.app.house.engine)).holds


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"mode": "shadow"}, "/share"),
        ({"mode": "shadow", "share": None}, "/share"),
        ({"mode": "live", "share": 0.5}, "/share"),
        ({"share": 0}, "/share"),
        ({"mode": "shadow", "share": -0.01}, "/share"),
        ({"mode": "shadow", "share": 1.01}, "/share"),
        ({"mode": "shadow", "share": "1"}, "/share"),
        ({"mode": "shadow", "share": True}, "/share"),
        ({"mode": "shadow", "share": [1]}, "/share"),
        ({"mode": "ghost", "share": 1}, "/mode"),
    ],
)
async def test_a_share_is_for_shadows_and_between_0_and_1(
    bea: Author, asked: dict[str, object], pointer: str
) -> None:
    """What does not fit is refused, with its place, and nothing is released."""
    answer = await bea.release(2, **asked)
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == "validation_failed"
    assert pointer in {fault["pointer"] for fault in answer.json()["errors"]}
    assert len((await bea.ask("GET", "/releases")).json()["data"]) == 1


async def test_five_versions_may_be_in_the_shadow_and_a_sixth_may_not(ann: Author) -> None:
    """The bound counts versions, not releases, at any time from then on."""
    await versions(ann, count=MOST_SHADOWS + 2)
    for version in range(2, MOST_SHADOWS + 2):
        assert (await put(ann, version, 0.1)).status_code == 201
    assert (await put(ann, 2, 1)).status_code == 201, "another share of one that is there"
    sixth = await put(ann, MOST_SHADOWS + 2, 0.1)
    assert (sixth.status_code, sixth.json()["code"]) == (409, "too_many_shadows")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat().replace("+00:00", "Z")
    assert (await put(ann, MOST_SHADOWS + 2, 0.1, **{"from": tomorrow})).status_code == 409
    assert (await put(ann, 3, 0, **{"from": tomorrow})).status_code == 201
    assert (await put(ann, MOST_SHADOWS + 2, 0.1)).status_code == 409, "until tomorrow it is full"
    assert (await put(ann, MOST_SHADOWS + 2, 0.1, **{"from": tomorrow})).status_code == 201


async def test_only_a_shadow_that_is_there_can_end(ann: Author) -> None:
    """Ending a version that was never in the shadow is a slip, and said to be one."""
    await versions(ann, count=2)
    refused = await put(ann, 2, 0)
    assert (refused.status_code, refused.json()["code"]) == (409, "no_shadow")
    assert (await put(ann, 2, 0.5)).status_code == 201
    assert (await put(ann, 2, 0)).status_code == 201
    assert (await put(ann, 2, 0)).json()["code"] == "no_shadow"
    assert (await put(ann, 9, 1)).json()["code"] == "version_not_found"


async def test_a_live_version_learns_who_is_in_its_shadow(ann: Author) -> None:
    """At any instant what is live comes with what is in the shadow, without itself."""
    await versions(ann, count=3)
    for version in (1, 2, 3):
        begins = (await put(ann, version, 0.5)).json()["effective_at"]
    at = datetime.fromisoformat(begins)
    live = ann.served.app.api.state.live
    running = await live.version_at("small_leads", at)
    assert [(one.version, one.share) for one in running.shadows] == [(2, 0.5), (3, 0.5)]
    assert (await live.version_at("small_leads", at - timedelta(seconds=1))).shadows == ()
    assert (await live.version("small_leads", 1)).shadows == ()


async def test_installing_a_file_again_minds_no_shadow(ann: Author) -> None:
    """A version in the shadow is not taken for the one that went live last."""
    await versions(ann, count=2)
    await put(ann, 2, 1)
    house = ann.served.app.house
    editor = Editor(person="ann@example.com", at=datetime.now(UTC), new_uuid=house.new_uuid)
    changed = TEXT.replace("points: 30", "points: 2")
    for is_changed in (True, False):
        async with transaction(house.engine) as connection:
            installed = await install(connection, changed, editor=editor, note="", reason="git")
        assert (installed.version, installed.is_changed) == (2, is_changed)


@given(
    steps=st.lists(
        st.tuples(st.integers(1, 4), st.sampled_from([0.0, 0.1, 1.0])), min_size=1, max_size=12
    ),
    minute=st.integers(-1, 13),
)
def test_the_newest_release_of_a_version_decides_its_share(
    steps: list[tuple[int, float]], minute: int
) -> None:
    """At every instant a version is there if the last release about it gave it a share."""
    releases = [shadow(version, share, minute=n) for n, (version, share) in enumerate(steps)]
    last = dict(steps[: max(0, minute + 1)])
    there = shadows_at(periods_of(releases), NOON + timedelta(minutes=minute))
    assert {one.version: one.share for one in there} == {v: s for v, s in last.items() if s}
