"""Every state of a draft is kept with its author, and any of them can be had back."""

from typing import Any

import pytest
from psycopg import Connection

from service.rulesets.history_store import list_draft_persons
from service.storage import libpq_url, transaction
from tests.rulesets.authors import TEXT, Author
from tests.web.serving import Served

pytestmark = pytest.mark.anyio

OTHER = TEXT.replace("points: 30", "points: 35")
HISTORY = "/drafts/main/history"


@pytest.fixture
async def ben(served: Served) -> Author:
    """A second person at the same rule set."""
    key = await served.new_key("rules:read", "rules:write", person="ben@example.com")
    return Author(served, key)


async def history_of(author: Author, draft: str = "main") -> list[dict[str, Any]]:
    """Return the edits of a draft, the oldest first."""
    answer = await author.ask("GET", f"/drafts/{draft}/history?limit=200")
    assert answer.status_code == 200, answer.text
    return list(reversed(answer.json()["data"]))


async def read_edit(author: Author, edit: dict[str, Any]) -> dict[str, Any]:
    """Return one edit whole."""
    answer = await author.ask("GET", f"{HISTORY}/{edit['id']}")
    assert answer.status_code == 200, answer.text
    whole: dict[str, Any] = answer.json()
    return whole


async def test_every_edit_is_kept_with_who_made_it(ann: Author, ben: Author) -> None:
    """Create, edit, commit and drop, in order, each with the tag the draft had from then on."""
    await ann.create()
    await ann.write()
    note = {"note": "from the Q3 review"}
    await ben.ask("PATCH", "/drafts/main", headers={"If-Match": '"1"'}, json=note)
    await ann.write(OTHER, if_match='"2"')
    assert (await ann.commit()).status_code == 201
    await ben.ask("DELETE", "/drafts/main", headers={"If-Match": '"3"'})
    edits = await history_of(ann)
    assert [(edit["action"], edit["person"][:3], edit["etag"]) for edit in edits] == [
        ("create", "ann", '"1"'),
        ("edit", "ben", '"2"'),
        ("edit", "ann", '"3"'),
        ("commit", "ann", '"3"'),
        ("drop", "ben", '"3"'),
    ]
    assert [edit["base_version"] for edit in edits] == [None, None, None, 1, 1]
    assert [edit["note"] for edit in edits] == [None, *[note["note"]] * 4]
    assert all("source" not in edit for edit in edits)


async def test_an_edit_shows_its_text_and_the_lines_it_changed(ann: Author) -> None:
    """As `diff -u` would; against nothing for the first, and for text that is no rule set."""
    await ann.create()
    await ann.write()
    await ann.write(OTHER, if_match='"1"')
    await ann.write("title: [\n", if_match='"2"')
    first, second, wrong = [await read_edit(ann, edit) for edit in await history_of(ann)]
    assert (first["before"], first["source"]) == (None, TEXT)
    assert first["difference"].startswith("@@ -0,0 +1,")
    assert (second["before"], second["source"]) == (first["id"], OTHER)
    changed = [line for line in second["difference"].splitlines() if line[0] in "+-"]
    assert [line.strip("+- ") for line in changed] == [
        "- {id: medium, when: vehicles >= 20, points: 30}".strip("- "),
        "- {id: medium, when: vehicles >= 20, points: 35}".strip("- "),
    ]
    assert wrong["difference"].endswith("+title: [\n")


async def test_an_earlier_text_comes_back_as_an_edit(ann: Author, ben: Author) -> None:
    """Under `If-Match`, with a new tag; what it replaced stays in the history."""
    await ann.create()
    await ann.write()
    await ann.write(OTHER, if_match='"1"')
    first, _ = await history_of(ann)
    asked = {"edit": first["id"]}
    without = await ben.ask("POST", "/drafts/main/restore", json=asked)
    assert (without.status_code, without.json()["code"]) == (428, "precondition_required")
    stale = await ben.ask("POST", "/drafts/main/restore", headers={"If-Match": '"1"'}, json=asked)
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    back = await ben.ask("POST", "/drafts/main/restore", headers={"If-Match": '"2"'}, json=asked)
    assert (back.status_code, back.json()["source"]) == (200, TEXT), back.text
    assert back.json()["etag"] == back.headers["etag"] == '"3"'
    *_, replaced, restored = await history_of(ann)
    assert (await read_edit(ann, replaced))["source"] == OTHER
    assert (restored["action"], restored["person"]) == ("restore", "ben@example.com")


async def test_a_text_comes_back_with_the_version_it_was_written_on(ann: Author) -> None:
    """So that a rebase after it does not take the newer version's edits out again."""
    await ann.publish()
    etag = (await ann.write(TEXT.replace("points: 60", "points: 65"), draft="mine")).headers["etag"]
    tag = (await ann.ask("GET", "/drafts/main")).headers["etag"]
    await ann.write(OTHER, if_match=tag)
    assert (await ann.commit()).json()["version"] == 2
    rebased = await ann.ask("POST", "/drafts/mine/rebase", headers={"If-Match": etag})
    assert rebased.json()["base_version"] == 2
    created, merged = await history_of(ann, "mine")
    assert (created["base_version"], merged["action"], merged["base_version"]) == (1, "rebase", 2)
    tag = rebased.headers["etag"]
    asked = {"edit": created["id"]}
    back = await ann.ask("POST", "/drafts/mine/restore", headers={"If-Match": tag}, json=asked)
    assert back.json()["base_version"] == 1
    tag = back.headers["etag"]
    again = await ann.ask("POST", "/drafts/mine/rebase", headers={"If-Match": tag})
    assert again.json()["source"] == rebased.json()["source"]


async def test_a_dropped_draft_can_be_had_back(ann: Author, ben: Author) -> None:
    """Its history stays under its name; without `If-Match` it is made again, repeatably."""
    await ann.create()
    await ann.write()
    await ann.ask("DELETE", "/drafts/main", headers={"If-Match": '"1"'})
    *_, dropped = await history_of(ben)
    asked = {"edit": dropped["id"]}
    tagged = await ben.ask("POST", "/drafts/main/restore", headers={"If-Match": '"1"'}, json=asked)
    assert (tagged.status_code, tagged.json()["code"]) == (404, "draft_not_found")
    once = {"Idempotency-Key": "undo-the-drop"}
    back = await ben.ask("POST", "/drafts/main/restore", headers=once, json=asked)
    assert (back.status_code, back.json()["source"]) == (201, TEXT), back.text
    assert back.json()["author"] == "ben@example.com"
    again = await ben.ask("POST", "/drafts/main/restore", headers=once, json=asked)
    assert again.content == back.content
    assert [edit["action"] for edit in await history_of(ann)] == ["create", "drop", "restore"]


async def test_a_tag_never_stands_for_two_states(ann: Author, ben: Author) -> None:
    """A name that is used again goes on counting: who read the old draft cannot write the new."""
    await ann.create()
    await ann.write()
    await ben.ask("DELETE", "/drafts/main", headers={"If-Match": '"1"'})
    again = await ben.write(OTHER)
    assert (again.status_code, again.headers["etag"]) == (201, '"2"')
    late = await ann.write(TEXT, if_match='"1"')
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")


async def test_a_history_is_read_a_page_at_a_time(ann: Author) -> None:
    """The newest first; a cursor goes on where the page before ended."""
    await ann.create()
    await ann.write()
    for number in range(1, 4):
        await ann.write(f"{TEXT}# {number}\n", if_match=f'"{number}"')
    first = (await ann.ask("GET", f"{HISTORY}?limit=3")).json()
    assert [edit["etag"] for edit in first["data"]] == ['"4"', '"3"', '"2"']
    rest = await ann.ask("GET", f"{HISTORY}?limit=3&cursor={first['next_cursor']}")
    assert [edit["etag"] for edit in rest.json()["data"]] == ['"1"']
    assert rest.json()["next_cursor"] is None
    elsewhere = await ann.ask("GET", f"/drafts/other/history?cursor={first['next_cursor']}")
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (422, "invalid_cursor")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/drafts/other/history", 404, "draft_not_found"),
        ("GET", "/drafts/Other!/history", 422, "validation_failed"),
        ("GET", f"{HISTORY}/{{own}}x", 422, "invalid_id"),
        ("GET", f"{HISTORY}/drf_01m82amv90f7assrm6pf8d3pr0", 422, "invalid_id"),
        ("GET", f"{HISTORY}/edt_01m82amv90f7assrm6pf8d3pr0", 404, "edit_not_found"),
        ("GET", "/drafts/other/history/{own}", 404, "edit_not_found"),
        ("POST", "/drafts/other/restore", 404, "edit_not_found"),
    ],
)
async def test_what_is_not_there_is_said(
    ann: Author, method: str, path: str, status: int, code: str
) -> None:
    """404 for what no draft has, 422 for what is no id; an edit is of its own draft only."""
    await ann.create()
    await ann.write()
    ((own),) = await history_of(ann)
    json = {"edit": own["id"]} if method == "POST" else None
    answer = await ann.ask(method, path.format(own=own["id"]), json=json)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


@pytest.mark.parametrize("edit", [None, 7, "", "edt_", "edt_\0", "x" * 65, {"a": 1}])
async def test_a_restore_of_no_id_is_refused(ann: Author, edit: object) -> None:
    """422 and the place, never an error of ours; the draft stays."""
    await ann.create()
    await ann.write()
    answer = await ann.ask("POST", "/drafts/main/restore", json={"edit": edit})
    assert answer.status_code == 422, answer.text
    assert len(await history_of(ann)) == 1


async def test_a_draft_older_than_the_history_loses_nothing(
    ann: Author, ben: Author, database_url: str
) -> None:
    """Before its next edit the state it had is written down, as its last editor's."""
    await ann.create()
    await ann.write()
    with Connection.connect(libpq_url(database_url)) as owner:  # as before there was a history
        owner.execute("ALTER TABLE rule_set_draft_edit DISABLE TRIGGER USER")
        owner.execute("DELETE FROM rule_set_draft_edit")
        owner.execute("ALTER TABLE rule_set_draft_edit ENABLE TRIGGER USER")
    assert await history_of(ann) == []
    await ben.write(OTHER, if_match='"1"')
    first, second = await history_of(ann)
    assert (first["action"], first["person"]) == ("create", "ann@example.com")
    assert (await read_edit(ann, first))["source"] == TEXT
    assert (second["action"], second["person"]) == ("edit", "ben@example.com")


async def test_it_is_known_who_wrote_on_a_draft(ann: Author, ben: Author) -> None:
    """Everybody; or whoever wrote since it was committed as a version, where it was."""
    await ann.publish()
    etag = (await ann.ask("GET", "/drafts/main")).headers["etag"]
    await ben.write(OTHER, if_match=etag)
    engine = ann.served.app.house.engine
    everybody = ["ann@example.com", "ben@example.com"]
    for after, persons in ((None, everybody), (1, ["ben@example.com"]), (9, everybody)):
        async with transaction(engine) as connection:
            told = await list_draft_persons(
                connection, "small_leads", draft="main", after_version=after
            )
        assert told == persons
