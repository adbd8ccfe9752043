"""Versions and releases: immutable, counted without a hole, live from an instant on."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from service.rules import load_rule_set
from service.rulesets import LEAD
from service.storage import verify_audit
from tests.rulesets.authors import TEXT, Author

pytestmark = pytest.mark.anyio
NEXT = TEXT.replace("points: 30", "points: 35")


async def test_a_rule_set_is_made_once(ann: Author) -> None:
    """An id is taken by whoever comes first."""
    made = await ann.create()
    assert made.status_code == 201
    assert made.headers["location"] == "/v1/rule-sets/small_leads"
    again = await ann.create()
    assert (again.status_code, again.json()["code"]) == (409, "rule_set_exists")


@pytest.mark.parametrize("slug", ["Fleet", "1a", "a-b", "a" * 65, "", "a b", "é"])
async def test_an_id_is_plain(ann: Author, slug: str) -> None:
    """A rule set's id is lower case letters, digits and underscores."""
    refused = await ann.served.ask("POST", "/v1/rule-sets", key=ann.key, json={"rule_set": slug})
    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")


async def test_a_commit_makes_a_version_that_stays(ann: Author) -> None:
    """A version holds document, text, digest, author and note, and may be kept for ever."""
    await ann.create()
    await ann.write()
    made = await ann.commit(note="the first")
    assert made.status_code == 201
    version = made.json()
    assert made.headers["location"] == "/v1/rule-sets/small_leads/versions/1"
    assert (version["version"], version["note"], version["base_version"]) == (1, "the first", None)
    assert version["author"] == "ann@example.com"
    assert version["source"] == TEXT
    rules = load_rule_set(TEXT)
    assert (version["digest"], version["logic_digest"]) == (rules.digest, rules.logic_digest)
    assert load_rule_set(version["document"]).digest == rules.digest
    found = await ann.ask("GET", "/versions/1")
    assert found.json() == version
    assert "immutable" in found.headers["cache-control"]
    again = await ann.ask("GET", "/versions/1", headers={"If-None-Match": found.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    text = await ann.ask("GET", "/versions/1", headers={"Accept": "application/yaml"})
    assert text.text == TEXT


async def test_the_same_content_is_the_same_version(ann: Author) -> None:
    """Comments and order of keys make no new version; going back to old content neither."""
    await ann.create()
    etag = (await ann.write()).headers["etag"]
    await ann.commit()
    etag = (await ann.write("# another comment\n" + TEXT, if_match=etag)).headers["etag"]
    same = await ann.commit()
    assert (same.status_code, same.json()["version"]) == (200, 1)
    etag = (await ann.write(NEXT, if_match=etag)).headers["etag"]
    second = (await ann.commit()).json()
    assert (second["version"], second["base_version"]) == (2, 1)
    await ann.write(TEXT, if_match=etag)
    assert (await ann.commit()).json()["version"] == 1
    listed = (await ann.ask("GET", "/versions")).json()["data"]
    assert [one["version"] for one in listed] == [2, 1]


@pytest.mark.parametrize(
    ("text", "code", "pointer"),
    [
        (TEXT.replace("vehicles >= 20", "vehicels >= 20"), "invalid_rule_set", "/scores"),
        (TEXT.replace("fit: 70", "fit: 71"), "invalid_rule_set", "/tests/0"),
        (
            TEXT.replace("rule_set: small_leads", "rule_set: others"),
            "rule_set_mismatch",
            "/rule_set",
        ),
        ("", "invalid_rule_set", ""),
        ("- a\n", "invalid_rule_set", ""),
        ("a: [", "invalid_rule_set", ""),
    ],
    ids=["an error", "a failing test", "another id", "nothing", "a list", "broken"],
)
async def test_a_draft_with_errors_makes_no_version(
    ann: Author, text: str, code: str, pointer: str
) -> None:
    """Errors, failing tests and another rule set's id stop a commit, each with its place."""
    await ann.create()
    await ann.write(text)
    refused = await ann.commit()
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert refused.json()["errors"]
    assert all(error["pointer"].startswith(pointer) for error in refused.json()["errors"])
    assert (await ann.ask("GET", "/versions")).json()["data"] == []


async def test_a_commit_may_say_of_which_state(ann: Author) -> None:
    """`If-Match` on a commit keeps somebody else's later edit out of the version."""
    await ann.create()
    first = (await ann.write()).headers["etag"]
    await ann.write(NEXT, if_match=first)
    path, note = "/drafts/main/commit", {"note": "x"}
    refused = await ann.ask("POST", path, json=note, headers={"If-Match": first})
    assert (refused.status_code, refused.json()["code"]) == (412, "precondition_failed")


async def test_commits_at_once_are_counted_without_a_hole(ann: Author) -> None:
    """However many commit together, numbers follow one another and none is given twice."""
    await ann.create()
    for number in range(4):
        text = TEXT.replace("points: 30", f"points: {31 + number}")
        await ann.write(text, draft=f"d{number}")
    answers = await asyncio.gather(*(ann.commit(draft=f"d{number}") for number in range(4)))
    assert sorted(answer.json()["version"] for answer in answers) == [1, 2, 3, 4]


async def test_a_first_release_is_live_at_once(ann: Author) -> None:
    """Until something is live nobody can decide, so the first release waits for nothing."""
    assert await ann.publish() == 1
    shown = (await ann.ask("GET")).json()
    assert shown["live"]["version"] == 1
    assert (shown["latest_version"], shown["drafts"]) == (1, ["main"])


async def test_a_later_release_takes_effect_after_everybody_knows(ann: Author) -> None:
    """A release is at least `LEAD` ahead of its making, and until then the older one is live."""
    await ann.publish()
    etag = (await ann.ask("GET", "/drafts/main")).headers["etag"]
    await ann.write(NEXT, if_match=etag)
    await ann.commit()
    made = (await ann.release(2)).json()
    created, since = (datetime.fromisoformat(made[k]) for k in ("created_at", "effective_at"))
    assert since - created >= LEAD > timedelta(seconds=1)
    live = {
        at: (await ann.ask("GET", f"?at={at.isoformat().replace('+00:00', 'Z')}")).json()["live"]
        for at in (since - timedelta(microseconds=1), since, since + timedelta(days=400))
    }
    assert [one["version"] for one in live.values()] == [1, 2, 2]


async def test_a_release_may_be_planned_and_taken_back(ann: Author) -> None:
    """A planned release goes live at its instant; a rollback is one more line of history."""
    await ann.publish()
    etag = (await ann.ask("GET", "/drafts/main")).headers["etag"]
    await ann.write(NEXT, if_match=etag)
    await ann.commit()
    noon = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=5)
    planned = await ann.release(2, **{"from": noon.isoformat()})
    assert datetime.fromisoformat(planned.json()["effective_at"]) == noon
    back = await ann.release(1, **{"from": (noon + timedelta(hours=1)).isoformat()})
    assert back.status_code == 201
    history = (await ann.ask("GET", "/releases")).json()["data"]
    assert [one["version"] for one in history] == [1, 2, 1]
    for hours, version in ((-1, 1), (0, 2), (1, 1)):
        at = (noon + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert (await ann.ask("GET", f"?at={at}")).json()["live"]["version"] == version


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"version": 7, "reason": "x"}, 404, "version_not_found"),
        ({"version": 1, "reason": "x", "from": "2020-01-01T00:00:00Z"}, 422, "release_in_past"),
        ({"version": 1, "reason": ""}, 422, "validation_failed"),
        ({"version": 1}, 422, "validation_failed"),
        ({"version": 1, "reason": "x", "from": "tomorrow"}, 422, "validation_failed"),
        ({"version": 1, "reason": "x", "from": "2030-01-01T00:00:00"}, 422, "validation_failed"),
        ({"version": "1", "reason": "x"}, 422, "validation_failed"),
        ({"version": True, "reason": "x"}, 422, "validation_failed"),
        ({"version": 0, "reason": "x"}, 422, "validation_failed"),
        ({"version": 2**40, "reason": "x"}, 422, "validation_failed"),
        ({"version": 1, "reason": "x", "mode": "shadow"}, 422, "validation_failed"),
    ],
)
async def test_a_release_that_cannot_be_is_refused(
    ann: Author, asked: dict[str, object], status: int, code: str
) -> None:
    """A release names a version that is there, a reason, and an instant to come."""
    await ann.publish()
    refused = await ann.ask("POST", "/releases", json=asked)
    assert (refused.status_code, refused.json()["code"]) == (status, code)


async def test_every_change_is_audited(ann: Author) -> None:
    """Creating, writing, committing and releasing leave one entry each, with the digest."""
    await ann.publish()
    await ann.release(1)
    await ann.release(9)
    listed = (await ann.served.ask("GET", "/v1/audit")).json()["data"]
    told = [
        (one["action"], one["subject"]) for one in reversed(listed) if "rulesets" in one["action"]
    ]
    assert told == [
        ("rulesets.create", "small_leads"),
        ("rulesets.draft", "small_leads/main"),
        ("rulesets.commit", "small_leads/1"),
        ("rulesets.release", "small_leads"),
        ("rulesets.release", "small_leads"),
    ]
    assert {one["actor"] for one in listed if "rulesets" in one["action"]} == {"ann@example.com"}
    assert listed[0]["digest"] == load_rule_set(TEXT).digest
    assert (await verify_audit(ann.served.app.house.engine)).holds


async def test_a_repeated_commit_or_release_is_done_once(ann: Author) -> None:
    """An Idempotency-Key holds for each POST that stores."""
    await ann.create()
    await ann.write()
    key = {"Idempotency-Key": "k"}
    for path, asked in (
        ("/drafts/main/commit", {"note": "x"}),
        ("/releases", {"version": 1, "reason": "x"}),
    ):
        first = await ann.ask("POST", path, json=asked, headers=key)
        again = await ann.ask("POST", path, json=asked, headers=key)
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.content == again.content
        assert again.headers["idempotency-replayed"] == "true"
    assert len((await ann.ask("GET", "/releases")).json()["data"]) == 1


async def test_lists_go_on_where_they_stopped(ann: Author) -> None:
    """Rule sets, versions and releases are read a page at a time, each row once."""
    await ann.publish()
    for version in range(2, 6):
        etag = (await ann.ask("GET", "/drafts/main")).headers["etag"]
        await ann.write(TEXT.replace("points: 30", f"points: {30 + version}"), if_match=etag)
        await ann.commit()
        await ann.release(version)
    for list_ in ("versions", "releases"):
        seen: list[int] = []
        path = f"/v1/rule-sets/small_leads/{list_}?limit=2"
        while path:
            page = await ann.served.ask("GET", path)
            seen += [one["version"] for one in page.json()["data"]]
            path = page.headers.get("link", "").partition(">")[0].removeprefix("<")
        assert seen == [5, 4, 3, 2, 1]
    cursor = (await ann.ask("GET", "/versions?limit=2")).json()["next_cursor"]
    mixed = await ann.ask("GET", f"/releases?cursor={cursor}")
    assert (mixed.status_code, mixed.json()["code"]) == (422, "invalid_cursor")
