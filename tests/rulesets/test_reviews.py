"""Reviews: somebody else approves exactly the text that goes live, or it does not."""

import pytest

from service.rules import load_rule_set
from service.storage import verify_audit
from tests.rulesets.authors import TEXT, Author
from tests.rulesets.four_eyes import NEXT, THIRD, FourEyes, author

pytestmark = pytest.mark.anyio
REFUSED: tuple[tuple[dict[str, object], int, str], ...] = (
    ({}, 422, "validation_failed"),
    ({"draft": "main", "version": 1}, 422, "validation_failed"),
    ({"draft": "../etc"}, 422, "validation_failed"),
    ({"version": 0}, 422, "validation_failed"),
    ({"version": "1"}, 422, "validation_failed"),
    ({"version": 2**31}, 422, "validation_failed"),
    ({"draft": "none"}, 404, "draft_not_found"),
    ({"version": 9}, 404, "version_not_found"),
    ({"version": 1}, 409, "already_live"),
    ({"draft": "main"}, 409, "already_live"),
    ({"draft": "wrong"}, 422, "invalid_rule_set"),
    ({"draft": "failing"}, 422, "invalid_rule_set"),
    ({"draft": "others"}, 422, "rule_set_mismatch"),
)


async def test_a_draft_somebody_else_approved_goes_live(team: FourEyes) -> None:
    """Ask, read, approve, commit, release: the history says on whose word, and in which review."""
    await team.policy(review_required=True)
    await team.edit()
    review = await team.reviewed(draft="main", note="mid-size fleets convert")
    assert (review["state"], review["draft"], review["version"]) == ("open", "main", None)
    assert review["digest"] == load_rule_set(NEXT).digest
    assert review["authors"] == ["ann@example.com"]
    read = (await team.bob.ask("GET", f"/reviews/{review['id']}")).json()
    (change,) = read["comparison"]["changes"]
    assert (change["part"], change["id"]) == ("rule", "medium")
    assert read["comparison"]["live"]["version"] == 1
    assert read["evidence"] is None
    approved = (await team.approve(review, comment="looks right")).json()
    assert (approved["state"], approved["ended_by"]) == ("approved", "bob@example.com")
    assert (await team.ann.commit()).json()["version"] == 2
    released = await team.ann.release(2)
    assert released.status_code == 201, released.text
    shown = released.json()
    assert (shown["approved_by"], shown["review"]) == ("bob@example.com", review["id"])
    assert (await team.ann.ask("GET", "/releases")).json()["data"][0] == shown
    assert (await team.bob.ask("GET", f"/reviews/{review['id']}")).json()["version"] == 2
    report = await verify_audit(team.served.app.house.engine)
    assert report.holds


async def test_without_an_approval_a_release_is_told_what_to_call(team: FourEyes) -> None:
    """First the call that asks, then the review that waits and the call that approves it."""
    await team.policy(review_required=True)
    number = await team.second()
    refused = await team.ann.release(number)
    assert (refused.status_code, refused.json()["code"]) == (409, "review_required")
    assert 'POST /v1/rule-sets/small_leads/reviews {"version": 2}' in refused.json()["detail"]
    review = await team.reviewed(version=number)
    refused = await team.ann.release(number)
    assert f"/reviews/{review['id']}/approve" in refused.json()["detail"]
    assert refused.json()["review"] == review["id"]
    assert len((await team.ann.ask("GET", "/releases")).json()["data"]) == 1
    await team.approve(review)
    assert (await team.ann.release(number)).status_code == 201


async def test_nobody_approves_their_own_work_with_another_key(team: FourEyes) -> None:
    """A second key, or another spelling of a name, is no second pair of eyes."""
    for number, (person, spelling) in enumerate(
        (
            ("ann@example.com", "ann@example.com"),
            ("ann@example.com", " Ann@Example.COM "),
            ("carol", "ｃａｒｏｌ"),
            ("carol", "c\u200barol"),
            ("jose\u0301", "JOSÉ"),
            ("straße", "STRASSE"),
        )
    ):
        first, other = await author(team.served, person), await author(team.served, spelling)
        text = TEXT.replace("points: 30", f"points: {31 + number}")
        await first.write(text, draft=f"d{number}")
        review = await team.reviewed(by=team.bob, draft=f"d{number}")
        refused = await team.approve(review, by=other)
        assert (refused.status_code, refused.json()["code"]) == (403, "own_review"), spelling
        assert await team.state(review) == "open"


async def test_who_asked_does_not_approve(team: FourEyes) -> None:
    """Carol asks for ann's draft; carol has made it hers."""
    await team.edit()
    carol = await author(team.served, "carol@example.com")
    review = await team.reviewed(by=carol, draft="main")
    assert (await team.approve(review, by=carol)).json()["code"] == "own_review"
    assert (await team.approve(review)).status_code == 200


async def test_who_edited_on_the_way_does_not_approve(team: FourEyes) -> None:
    """Whoever wrote on a draft since it was committed last is an author, not only the last."""
    await team.edit(THIRD, by=team.bob)
    await team.edit(NEXT)
    review = await team.reviewed()
    assert review["authors"] == ["ann@example.com", "bob@example.com"]
    assert (await team.approve(review)).json()["code"] == "own_review"
    number = (await team.ann.commit()).json()["version"]
    asked = await team.reviewed(version=number)
    assert (await team.approve(asked)).json()["code"] == "own_review"


async def test_whose_part_was_never_live_does_not_approve_what_stands_on_it(team: FourEyes) -> None:
    """Bob's small edit on top does not let ann approve her own version below."""
    await team.policy(review_required=True)
    await team.second()
    await team.edit(NEXT.replace("Fleet size", "Size of the fleet"), by=team.bob)
    review = await team.reviewed(by=team.bob, draft="main")
    assert review["authors"] == ["ann@example.com", "bob@example.com"]
    assert (await team.approve(review, by=team.ann)).json()["code"] == "own_review"
    assert (await team.bob.commit()).json()["version"] == 3
    carol = await author(team.served, "carol@example.com")
    await team.approve(review, by=carol)
    assert (await team.bob.release(3)).json()["approved_by"] == "carol@example.com"


async def test_who_wrote_what_is_live_may_approve_what_comes_next(team: FourEyes) -> None:
    """Ann wrote version 1; it is live, and bob's change on top is only his."""
    await team.edit(by=team.bob)
    review = await team.reviewed(by=team.bob, draft="main")
    assert review["authors"] == ["bob@example.com"]
    assert (await team.approve(review, by=team.ann)).status_code == 200


async def test_who_only_commits_wrote_nothing(team: FourEyes) -> None:
    """The approver may commit and release what they approved: the text is the author's."""
    await team.policy(review_required=True)
    await team.edit()
    await team.approve(await team.reviewed())
    assert (await team.bob.commit()).json()["version"] == 2
    assert (await team.bob.release(2)).json()["approved_by"] == "bob@example.com"


async def test_who_only_notes_wrote_nothing(team: FourEyes) -> None:
    """Bob's note on ann's draft, and her own text sent again, make him no author."""
    await team.policy(review_required=True)
    etag = (await team.edit()).headers["etag"]
    etag = (await team.bob.write(NEXT, if_match=etag)).headers["etag"]
    headers = {"If-Match": etag, "Content-Type": "application/merge-patch+json"}
    await team.bob.ask("PATCH", "/drafts/main", json={"note": "fine"}, headers=headers)
    review = await team.reviewed()
    assert review["authors"] == ["ann@example.com"]
    await team.approve(review)
    await team.ann.commit()
    assert (await team.ann.release(2)).json()["approved_by"] == "bob@example.com"


async def test_an_older_text_brought_back_is_everybodys(team: FourEyes) -> None:
    """Bob's text was dropped for two commits; ann restores it, and it is still bob's."""
    await team.edit(THIRD, by=team.bob)
    written = (await team.ann.ask("GET", "/drafts/main/history")).json()["data"][0]
    await team.second()
    await team.edit(TEXT)
    assert (await team.ann.commit()).json()["version"] == 1
    etag = (await team.ann.ask("GET", "/drafts/main")).headers["etag"]
    asked, headers = {"edit": written["id"]}, {"If-Match": etag}
    restored = await team.ann.ask("POST", "/drafts/main/restore", json=asked, headers=headers)
    assert restored.json()["source"] == THIRD
    review = await team.reviewed()
    assert review["authors"] == ["ann@example.com", "bob@example.com"]
    assert (await team.approve(review)).json()["code"] == "own_review"


async def test_an_approval_is_of_the_digest_it_names(team: FourEyes) -> None:
    """Another draft's digest, an old one, no digest: nothing is approved."""
    await team.edit()
    review = await team.reviewed()
    for digest in (load_rule_set(THIRD).digest, load_rule_set(TEXT).digest):
        refused = await team.approve(review, digest=digest)
        assert (refused.status_code, refused.json()["code"]) == (409, "review_lapsed")
        assert refused.json()["digest"] == review["digest"]
    for wrong in ("", "sha256:", review["digest"].upper(), None, 7):
        refused = await team.approve(review, digest=wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
    assert await team.state(review) == "open"


async def test_a_review_ends_once(team: FourEyes) -> None:
    """Rejected and withdrawn stay so; approving again what one approved changes nothing."""
    await team.edit()
    rejected = await team.reviewed()
    no = await team.bob.ask("POST", f"/reviews/{rejected['id']}/reject", json={"comment": "no"})
    assert (no.json()["state"], no.json()["comment"]) == ("rejected", "no")
    withdrawn = await team.reviewed()
    gone = await team.ann.ask("POST", f"/reviews/{withdrawn['id']}/withdraw")
    assert gone.json()["state"] == "withdrawn"
    for review in (rejected, withdrawn):
        for call, sent in (
            ("approve", {"digest": review["digest"]}),
            ("reject", {"comment": "again"}),
            ("withdraw", None),
        ):
            refused = await team.bob.ask("POST", f"/reviews/{review['id']}/{call}", json=sent)
            assert (refused.status_code, refused.json()["code"]) == (409, "review_over"), call
    approved = await team.reviewed()
    first = await team.approve(approved)
    assert (await team.approve(approved)).json() == first.json()
    carol = await author(team.served, "carol@example.com")
    assert (await team.approve(approved, by=carol)).json()["code"] == "review_over"


async def test_an_approval_may_be_taken_back_until_a_release_rests_on_it(team: FourEyes) -> None:
    """Before, nothing goes live on it; afterwards it is history."""
    await team.policy(review_required=True)
    number = await team.second()
    review = await team.reviewed(version=number)
    await team.approve(review)
    back = f"/reviews/{review['id']}/reject"
    assert (await team.bob.ask("POST", back, json={"comment": "wait"})).status_code == 200
    assert (await team.ann.release(number)).json()["code"] == "review_required"
    again = await team.reviewed(version=number)
    await team.approve(again)
    assert (await team.ann.release(number)).status_code == 201
    late = await team.bob.ask("POST", f"/reviews/{again['id']}/reject", json={"comment": "wait"})
    assert (late.status_code, late.json()["code"]) == (409, "review_over")


async def test_one_text_has_one_open_review(team: FourEyes) -> None:
    """Asking again gives the review that waits, also after a commit by its number."""
    await team.edit()
    review = await team.reviewed()
    again = await team.ann.ask("POST", "/reviews", json={"draft": "main", "note": "please"})
    assert (again.status_code, again.json()["id"]) == (200, review["id"])
    assert again.headers["location"].endswith(review["id"])


async def test_what_cannot_go_live_is_not_reviewed(team: FourEyes) -> None:
    """Errors, failing tests, what is live already and what is not there are refused at once."""
    await team.ann.write(TEXT.replace("vehicles >= 20", "vehicels >= 20"), draft="wrong")
    await team.ann.write(TEXT.replace("fit: 70", "fit: 71"), draft="failing")
    await team.ann.write(TEXT.replace("rule_set: small_leads", "rule_set: x"), draft="others")
    for asked, status, code in REFUSED:
        refused = await team.ann.ask("POST", "/reviews", json=asked)
        assert (refused.status_code, refused.json()["code"]) == (status, code), asked
    assert (await team.ann.ask("GET", "/reviews")).json()["data"] == []


async def test_a_review_belongs_to_its_rule_set(team: FourEyes) -> None:
    """Under another rule set's address, or another kind of id, there is no such review."""
    await team.edit()
    review = await team.reviewed()
    await team.served.ask("POST", "/v1/rule-sets", json={"rule_set": "others"})
    for slug, code in (("others", "review_not_found"), ("nowhere", "rule_set_not_found")):
        other = Author(team.served, team.bob.key, slug=slug)
        for method, path in (("GET", ""), ("POST", "/approve"), ("POST", "/withdraw")):
            sent = {"digest": review["digest"]} if path == "/approve" else None
            refused = await other.ask(method, f"/reviews/{review['id']}{path}", json=sent)
            assert (refused.status_code, refused.json()["code"]) == (404, code)
    wrong = await team.bob.ask("GET", f"/reviews/bt_{review['id'][4:]}")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_id")


async def test_scopes_keep_asking_and_approving_apart(team: FourEyes) -> None:
    """Writing does not approve, publishing does not ask, and a page's key does neither."""
    await team.edit()
    review = await team.reviewed()
    where = f"/reviews/{review['id']}"
    approval = {"digest": review["digest"]}
    writer = await author(team.served, "carol@example.com", "rules:write")
    publisher = await author(team.served, "dave@example.com", "rules:publish")
    page = await team.served.new_key(
        kind="publishable", rule_set="small_leads", origins=["https://example.com"]
    )
    for who, calls in (
        (writer, [("POST", f"{where}/approve", approval), ("POST", f"{where}/reject", {})]),
        (publisher, [("POST", "/reviews", {"draft": "main"}), ("POST", f"{where}/withdraw", None)]),
        (Author(team.served, page), [("POST", f"{where}/approve", approval), ("GET", where, None)]),
    ):
        for method, path, sent in calls:
            assert (await who.ask(method, path, json=sent)).status_code == 403, path
    assert await team.state(review) == "open"


async def test_reviews_are_listed_by_state_a_page_at_a_time(team: FourEyes) -> None:
    """The newest first; what has ended is told apart from what waits."""
    reviews = []
    for points in (41, 42, 43):
        await team.edit(TEXT.replace("points: 30", f"points: {points}"))
        reviews.append(await team.reviewed())
    everything = (await team.bob.ask("GET", "/reviews")).json()["data"]
    assert [one["id"] for one in everything] == [one["id"] for one in reversed(reviews)]
    lapsed = (await team.bob.ask("GET", "/reviews?state=lapsed&limit=1")).json()
    rest = (
        await team.bob.ask("GET", f"/reviews?state=lapsed&limit=1&cursor={lapsed['next_cursor']}")
    ).json()
    assert [one["id"] for one in (*lapsed["data"], *rest["data"])] == [
        reviews[1]["id"],
        reviews[0]["id"],
    ]
    assert rest["next_cursor"] is None
    (waiting,) = (await team.bob.ask("GET", "/reviews?state=open")).json()["data"]
    assert waiting["id"] == reviews[2]["id"]
    assert (await team.bob.ask("GET", "/reviews?state=done")).status_code == 422


async def test_before_anything_is_live_a_review_compares_with_nothing(team: FourEyes) -> None:
    """The first release needs an approval too where the rule set asks for one."""
    first = Author(team.served, team.ann.key, slug="others")
    await first.create()
    await team.served.ask(
        "PUT", "/v1/rule-sets/others/release-policy", json={"review_required": True}
    )
    await first.write(TEXT.replace("rule_set: small_leads", "rule_set: others"))
    assert (await first.commit()).json()["version"] == 1
    assert (await first.release(1)).json()["code"] == "review_required"
    review = (await first.ask("POST", "/reviews", json={"version": 1})).json()
    assert (await first.ask("GET", f"/reviews/{review['id']}")).json()["comparison"] is None
    other = Author(team.served, team.bob.key, slug="others")
    sent = {"digest": review["digest"]}
    await other.ask("POST", f"/reviews/{review['id']}/approve", json=sent)
    assert (await first.release(1)).status_code == 201
