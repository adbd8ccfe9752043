"""Two versions beside each other, and a draft brought onto a newer one."""

import asyncio

import pytest

from service.rules import check_rule_set
from tests.rulesets.authors import TEXT, Author

pytestmark = pytest.mark.anyio

THEIRS = TEXT.replace("points: 30", "points: 35").replace("Small leads", "Fleets")
BEFORE = {"If-Match": '"1"'}


async def two_drafts(ann: Author, *, mine: str, theirs: str = THEIRS) -> None:
    """Begin a draft `mine` on version 1, then commit *theirs* as version 2."""
    await ann.create()
    await ann.write()
    assert (await ann.commit()).json()["version"] == 1
    assert (await ann.write(mine, draft="mine")).json()["base_version"] == 1
    etag = (await ann.ask("GET", "/drafts/main")).headers["etag"]
    await ann.write(theirs, if_match=etag)
    assert (await ann.commit()).json()["version"] == 2


async def test_what_changed_between_versions_is_told_by_id(ann: Author) -> None:
    """Each part once, each member with both values, words told apart."""
    await two_drafts(ann, mine=TEXT)
    answer = await ann.ask("GET", "/versions/1/compare/2")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["before"]["version"], told["after"]["version"]) == (1, 2)
    assert (told["is_same"], told["is_same_logic"]) == (False, False)
    title, medium = told["changes"]
    assert (title["part"], title["id"], title["is_only_words"]) == ("setting", "title", True)
    assert (medium["kind"], medium["part"], medium["id"]) == ("changed", "rule", "medium")
    assert medium["fields"] == [{"field": "points", "before": 30, "after": 35}]
    same = (await ann.ask("GET", "/versions/2/compare/2")).json()
    assert (same["is_same"], same["changes"]) == (True, [])


async def test_a_version_that_is_not_there_cannot_be_compared(ann: Author) -> None:
    """404, for the version as for the rule set."""
    missing = await ann.ask("GET", "/versions/1/compare/2")
    assert (missing.status_code, missing.json()["code"]) == (404, "rule_set_not_found")
    await ann.publish()
    missing = await ann.ask("GET", "/versions/1/compare/2")
    assert (missing.status_code, missing.json()["code"]) == (404, "version_not_found")


async def test_edits_of_different_rules_go_together(ann: Author) -> None:
    """The draft has both, its comments, the newer base and a new tag; it can be committed."""
    await two_drafts(ann, mine=TEXT.replace("points: 60", "points: 65"))
    answer = await ann.ask("POST", "/drafts/mine/rebase", headers=BEFORE)
    assert answer.status_code == 200, answer.text
    rebased = answer.json()
    assert (rebased["base_version"], rebased["etag"]) == (2, answer.headers["etag"])
    assert answer.headers["etag"] != BEFORE["If-Match"]
    for said in ("points: 65", "points: 35", "title: Fleets", "# asked first", "# Who we are for"):
        assert said in rebased["source"]
    assert not check_rule_set(rebased["source"].replace("fit: 70", "fit: 75")).errors


async def test_a_draft_without_edits_becomes_the_version(ann: Author) -> None:
    """Nothing to merge: the version's own text, comments and all."""
    await two_drafts(ann, mine=TEXT, theirs=THEIRS + "# theirs\n")
    answer = await ann.ask("POST", "/drafts/mine/rebase", headers=BEFORE)
    assert answer.json()["source"] == THEIRS + "# theirs\n"


async def test_what_both_changed_is_asked_back(ann: Author) -> None:
    """409 with name, place and three values; nothing is edited until a side is chosen."""
    mine = TEXT.replace("points: 30", "points: 40").replace("points: 60", "points: 65")
    await two_drafts(ann, mine=mine)
    refused = await ann.ask("POST", "/drafts/mine/rebase", headers=BEFORE)
    assert (refused.status_code, refused.json()["code"]) == (409, "rebase_conflict")
    (conflict,) = refused.json()["conflicts"]
    assert conflict["name"] == "rule/medium/points"
    assert (conflict["base"], conflict["mine"], conflict["theirs"]) == (30, 40, 35)
    assert conflict["pointer"] == "/scores/fit/groups/0/rules/1/points"
    assert (await ann.ask("GET", "/drafts/mine")).json()["source"] == mine
    asked = {"choose": {"rule/medium/points": "theirs"}}
    settled = await ann.ask("POST", "/drafts/mine/rebase", headers=BEFORE, json=asked)
    assert settled.status_code == 200, settled.text
    assert "points: 35" in settled.json()["source"]
    assert "points: 65" in settled.json()["source"]


async def test_a_rebase_says_of_which_state(ann: Author) -> None:
    """428 without `If-Match`, 412 with an older tag, as for every edit of a draft."""
    await two_drafts(ann, mine=TEXT.replace("points: 60", "points: 65"))
    without = await ann.ask("POST", "/drafts/mine/rebase")
    assert (without.status_code, without.json()["code"]) == (428, "precondition_required")
    stale = await ann.ask("POST", "/drafts/mine/rebase", headers={"If-Match": '"9"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")


async def test_two_people_editing_one_draft_never_lose_a_change(ann: Author) -> None:
    """Of an edit and a rebase of the same state one is done, and the other is told."""
    mine = TEXT.replace("points: 60", "points: 65")
    await two_drafts(ann, mine=mine)
    answers = await asyncio.gather(
        ann.ask("POST", "/drafts/mine/rebase", headers=BEFORE),
        ann.write(mine + "# another edit\n", draft="mine", if_match='"1"'),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]


async def test_a_draft_already_there_stays_as_it_is(ann: Author) -> None:
    """Rebasing onto its own base changes nothing, not even the tag."""
    await ann.publish()
    before = await ann.ask("GET", "/drafts/main")
    tag = {"If-Match": before.headers["etag"]}
    after = await ann.ask("POST", "/drafts/main/rebase", headers=tag)
    assert (after.status_code, after.json()) == (200, before.json())


async def test_an_unreadable_draft_is_mended_first(ann: Author) -> None:
    """422 with the problem's place in the text; so with an id that stands twice."""
    await two_drafts(ann, mine="rule_set: small_leads\ntitle: [\n")
    refused = await ann.ask("POST", "/drafts/mine/rebase", headers=BEFORE)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_rule_set")
    assert refused.json()["errors"][0]["line"]
    twice = TEXT.replace("id: medium", "id: large")
    etag = (await ann.write(twice, draft="mine", if_match='"1"')).headers["etag"]
    refused = await ann.ask("POST", "/drafts/mine/rebase", headers={"If-Match": etag})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "duplicate-id")


async def test_a_rebase_is_repeated_without_being_done_twice(ann: Author) -> None:
    """Under an Idempotency-Key a lost answer comes again, byte for byte."""
    await two_drafts(ann, mine=TEXT.replace("points: 60", "points: 65"))
    headers = {**BEFORE, "Idempotency-Key": "rebase-1"}
    first = await ann.ask("POST", "/drafts/mine/rebase", headers=headers)
    again = await ann.ask("POST", "/drafts/mine/rebase", headers=headers)
    assert first.status_code == again.status_code == 200
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"


async def test_a_rebase_stands_in_the_audit(ann: Author) -> None:
    """From which version onto which, and what was chosen."""
    await two_drafts(ann, mine=TEXT.replace("points: 30", "points: 40"))
    asked = {"choose": {"rule/medium/points": "mine"}}
    await ann.ask("POST", "/drafts/mine/rebase", headers=BEFORE, json=asked)
    (entry, *_) = (await ann.served.ask("GET", "/v1/audit")).json()["data"]
    assert (entry["action"], entry["subject"]) == ("rulesets.rebase", "small_leads/mine")
    assert entry["payload"] == {"from": 1, "onto": 2, "chosen": asked["choose"]}
