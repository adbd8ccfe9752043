"""Reviews end with the text they are of: whoever changes it, however, and at whatever moment."""

import asyncio

import httpx
import pytest

from tests.rulesets.authors import TEXT
from tests.rulesets.four_eyes import NEXT, THIRD, FourEyes

pytestmark = pytest.mark.anyio


async def lapsing(team: FourEyes, how: str) -> httpx.Response:
    """Change the draft `main` of *team* in one of the ways there are."""
    current = await team.ann.ask("GET", "/drafts/main")
    etag = {"If-Match": current.headers["etag"]}
    match how:
        case "put":
            return await team.ann.write(THIRD, if_match=etag["If-Match"])
        case "patch":
            headers = etag | {"Content-Type": "application/merge-patch+json"}
            document = {"document": {"title": "Another"}}
            return await team.ann.ask("PATCH", "/drafts/main", json=document, headers=headers)
        case "rebase":
            await team.ann.write(TEXT.replace("Small leads", "Fleets"), draft="other")
            await team.ann.commit(draft="other")
            return await team.ann.ask("POST", "/drafts/main/rebase", json={}, headers=etag)
        case "restore":
            edits = (await team.ann.ask("GET", "/drafts/main/history")).json()["data"]
            asked = {"edit": edits[-1]["id"]}
            return await team.ann.ask("POST", "/drafts/main/restore", json=asked, headers=etag)
        case _:
            return await team.ann.ask("DELETE", "/drafts/main", headers=etag)


@pytest.mark.parametrize("is_approved", [False, True], ids=["open", "approved"])
@pytest.mark.parametrize("how", ["put", "patch", "rebase", "restore", "drop"])
async def test_a_review_lapses_when_the_text_changes(
    team: FourEyes, *, how: str, is_approved: bool
) -> None:
    """However the draft is changed: what was read is not what would go live."""
    await team.edit()
    review = await team.reviewed()
    if is_approved:
        await team.approve(review)
    changed = await lapsing(team, how)
    assert changed.status_code in {200, 204}, changed.text
    shown = (await team.bob.ask("GET", f"/reviews/{review['id']}")).json()
    assert (shown["state"], shown["ended_by"]) == ("lapsed", "ann@example.com")
    assert shown["comparison"] is None
    refused = await team.approve(review)
    assert (refused.status_code, refused.json()["code"]) == (409, "review_lapsed")
    assert "`ann@example.com` changed the draft `main`" in refused.json()["detail"]
    assert refused.json()["digest"] == review["digest"]


async def test_a_note_or_the_same_text_lapses_nothing(team: FourEyes) -> None:
    """Only the text is reviewed."""
    etag = (await team.edit()).headers["etag"]
    review = await team.reviewed()
    await team.ann.write(NEXT, if_match=etag)
    etag = (await team.ann.ask("GET", "/drafts/main")).headers["etag"]
    headers = {"If-Match": etag, "Content-Type": "application/merge-patch+json"}
    noted = await team.ann.ask("PATCH", "/drafts/main", json={"note": "new"}, headers=headers)
    assert noted.status_code == 200, noted.text
    assert await team.state(review) == "open"
    assert (await team.approve(review)).status_code == 200


async def test_what_was_committed_lapses_no_more(team: FourEyes) -> None:
    """A version never changes; whoever edits on begins something new."""
    await team.policy(review_required=True)
    await team.edit()
    review = await team.reviewed()
    await team.ann.commit()
    await team.edit(THIRD)
    assert await team.state(review) == "open"
    assert (await team.approve(review)).status_code == 200
    assert (await team.ann.release(2)).json()["review"] == review["id"]


async def test_an_edit_and_an_approval_at_once_never_approve_what_nobody_read(
    team: FourEyes,
) -> None:
    """Whichever commits first, the changed text is not approved."""
    for points in range(50, 56):
        await team.edit(TEXT.replace("points: 30", f"points: {points}"))
        review = await team.reviewed()
        etag = (await team.ann.ask("GET", "/drafts/main")).headers["etag"]
        approved, edited = await asyncio.gather(
            team.approve(review), team.ann.write(THIRD, if_match=etag)
        )
        assert edited.status_code == 200
        assert approved.status_code in {200, 409}
        assert await team.state(review) == "lapsed"


async def test_an_edit_and_a_commit_at_once_keep_review_and_version_together(
    team: FourEyes,
) -> None:
    """Either the version has the review, or it was edited before and nothing was committed."""
    for points in range(50, 55):
        await team.edit(TEXT.replace("points: 30", f"points: {points}"))
        review = await team.reviewed()
        etag = (await team.ann.ask("GET", "/drafts/main")).headers["etag"]
        committed, edited = await asyncio.gather(
            team.ann.commit(), team.ann.write(THIRD, if_match=etag)
        )
        assert edited.status_code == 200
        shown = (await team.bob.ask("GET", f"/reviews/{review['id']}")).json()
        if committed.status_code == 201 and committed.json()["digest"] == review["digest"]:
            assert (shown["state"], shown["version"]) == ("open", committed.json()["version"])
        else:
            assert (shown["state"], shown["version"]) == ("lapsed", None)
