"""Drafts: kept as they were typed, edited by one at a time, wrong ones too."""

import asyncio

import pytest

from tests.rulesets.authors import TEXT, Author
from tests.web.serving import Served

pytestmark = pytest.mark.anyio
WRONG = TEXT.replace("vehicles >= 20", "vehicels >= 20").replace('"NO"', '"XX"')


async def test_a_draft_is_kept_as_it_was_typed(ann: Author) -> None:
    """Comments, spaces and line ends come back to the byte; a wrong text is kept too."""
    await ann.create()
    for name, text in (("main", TEXT), ("crlf", TEXT.replace("\n", "\r\n")), ("wrong", "a: [")):
        made = await ann.write(text, draft=name)
        assert made.status_code == 201
        assert made.json()["source"] == text
        raw = await ann.ask("GET", f"/drafts/{name}", headers={"Accept": "application/yaml"})
        assert raw.text == text
        assert raw.headers["content-type"].startswith("application/yaml")
    listed = (await ann.ask("GET", "/drafts")).json()["data"]
    assert [one["draft"] for one in listed] == ["crlf", "main", "wrong"]
    assert all("source" not in one for one in listed)


async def test_a_draft_may_come_as_json(ann: Author) -> None:
    """A document sent as an object is kept as text that says the same."""
    await ann.create()
    made = await ann.ask(
        "PUT", "/drafts/main", json={"document": {"rule_set": "small_leads"}, "note": "new"}
    )
    assert made.status_code == 201
    assert made.json()["source"] == '{\n  "rule_set": "small_leads"\n}\n'
    assert made.json()["note"] == "new"
    text = await ann.ask("PUT", "/drafts/other", json={"source": "a: 1  # one\n"})
    assert text.json()["source"] == "a: 1  # one\n"


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"source": "a", "document": {}},
        {"source": 7},
        {"text": "a"},
        [],
        "a",
        None,
        {"note": "x"},
    ],
)
async def test_a_draft_of_another_form_is_refused(ann: Author, sent: object) -> None:
    """A draft is a text or a document, and says so."""
    await ann.create()
    refused = await ann.ask("PUT", "/drafts/main", json=sent)
    assert refused.status_code == 422
    assert refused.json()["errors"]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [(b"a: 1\nb: \xff\n", "not_utf8", 2), (b"a: 1\nb: 2\nc: \x00\n", "nul", 3)],
)
async def test_text_that_cannot_be_kept_is_refused(
    ann: Author, text: bytes, code: str, line: int
) -> None:
    """A text has to be UTF-8 without U+0000; the line where it is not is named."""
    await ann.create()
    refused = await ann.served.ask(
        "PUT",
        "/v1/rule-sets/small_leads/drafts/main",
        headers={"Content-Type": "application/yaml"},
        content=text,
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_text")
    (error,) = refused.json()["errors"]
    assert (error["code"], error["line"]) == (code, line)


async def test_a_text_has_a_limit(ann: Author) -> None:
    """A rule set of 256 kB is kept, one byte more is not."""
    await ann.create()
    limit = 256 * 1024
    assert (await ann.write("#" * limit, draft="full")).status_code == 201
    assert (await ann.write("#" * (limit + 1), draft="over")).status_code == 413


async def test_an_edit_says_of_which_state(ann: Author) -> None:
    """428 without `If-Match`, 412 with an older tag, the new tag after an edit."""
    await ann.create()
    first = (await ann.write()).headers["etag"]
    for method, rest in (("PUT", {"source": "a"}), ("PATCH", {"note": "x"}), ("DELETE", None)):
        refused = await ann.ask(method, "/drafts/main", json=rest)
        assert (refused.status_code, refused.json()["code"]) == (428, "precondition_required")
        assert refused.headers["etag"] == first
    second = await ann.write(TEXT + "\n", if_match=first)
    assert second.status_code == 200
    assert second.headers["etag"] != first
    stale = await ann.write(TEXT, if_match=first)
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    unchanged = await ann.ask(
        "GET", "/drafts/main", headers={"If-None-Match": second.headers["etag"]}
    )
    assert (unchanged.status_code, unchanged.content) == (304, b"")


async def test_a_stale_edit_names_the_fields_that_clash(ann: Author) -> None:
    """Who edits an older state learns in which members it differs from the current one."""
    await ann.create()
    first = (await ann.write()).headers["etag"]
    theirs = TEXT.replace("Small leads", "Their title")
    await ann.write(theirs, if_match=first)
    ours = TEXT.replace("fit >= 60", "fit >= 50")
    stale = await ann.write(ours, if_match=first)
    pointers = [error["pointer"] for error in stale.json()["errors"]]
    assert pointers == ["/document/title", "/document/outcomes"]


async def test_of_two_edits_at_once_one_wins(ann: Author) -> None:
    """Whoever comes second edits nothing, and is told."""
    await ann.create()
    first = (await ann.write()).headers["etag"]
    edits = (ann.write(TEXT + f"# {number}\n", if_match=first) for number in range(8))
    statuses = [answer.status_code for answer in await asyncio.gather(*edits)]
    assert sorted(statuses) == [200] + [412] * 7


async def test_a_patch_leaves_the_rest_as_typed(ann: Author) -> None:
    """A merge patch changes its members; comments and the order of the text stay."""
    await ann.create()
    etag = (await ann.write()).headers["etag"]
    patch = {"document": {"title": "Norwegian fleets", "scores": {"fit": {"ceiling": 80}}}}
    edited = await ann.ask("PATCH", "/drafts/main", json=patch, headers={"If-Match": etag})
    assert edited.status_code == 200
    source = edited.json()["source"]
    assert "title: Norwegian fleets" in source
    assert "ceiling: 80" in source
    assert "# Who we are for, in four lines." in source
    assert "# asked first" in source
    checked = await ann.ask("POST", "/drafts/main/check")
    assert checked.json()["ok"], checked.text


async def test_a_patch_may_take_away(ann: Author) -> None:
    """A null in a merge patch removes a member (RFC 7396), in JSON text as in YAML."""
    await ann.create()
    made = await ann.ask("PUT", "/drafts/main", json={"document": {"a": 1, "b": {"c": 2, "d": 3}}})
    match = {"If-Match": made.headers["etag"]}
    patch = {"document": {"a": None, "b": {"c": None, "e": {"f": None}}}}
    edited = await ann.ask("PATCH", "/drafts/main", json=patch, headers=match)
    assert edited.json()["source"] == '{\n  "b": {\n    "d": 3,\n    "e": {}\n  }\n}\n'


async def test_a_text_that_is_no_document_cannot_be_patched(ann: Author) -> None:
    """A part of an unreadable text cannot be changed; the whole of it can."""
    await ann.create()
    etag = (await ann.write("a: [")).headers["etag"]
    match = {"If-Match": etag}
    refused = await ann.ask("PATCH", "/drafts/main", json={"document": {"a": 1}}, headers=match)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_rule_set")
    mended = await ann.ask("PATCH", "/drafts/main", json={"source": "a: 1\n"}, headers=match)
    assert mended.status_code == 200


async def test_a_dropped_draft_is_gone(ann: Author) -> None:
    """A draft can be dropped under its tag; its versions stay."""
    await ann.create()
    etag = (await ann.write()).headers["etag"]
    await ann.commit()
    gone = await ann.ask("DELETE", "/drafts/main", headers={"If-Match": etag})
    assert (gone.status_code, gone.content) == (204, b"")
    missing = await ann.ask("GET", "/drafts/main")
    assert (missing.status_code, missing.json()["code"]) == (404, "draft_not_found")
    assert (await ann.ask("GET", "/versions/1")).status_code == 200


async def test_a_check_tells_every_problem_with_its_place(ann: Author) -> None:
    """All problems at once, each with line, column, code and what was probably meant."""
    await ann.create()
    await ann.write(WRONG)
    told = (await ann.ask("POST", "/drafts/main/check")).json()
    assert (told["ok"], told["errors"], told["digest"]) == (False, 2, None)
    problems = {problem["code"]: problem for problem in told["problems"]}
    unknown = problems["unknown-name"]
    assert unknown["suggestion"] == "vehicles"
    line = WRONG.splitlines()[unknown["line"] - 1]
    assert line[unknown["column"] - 1 :].startswith("vehicels")


async def test_a_check_runs_the_tests(ann: Author) -> None:
    """A draft that can be used says how its own tests go; one that fails is an error."""
    await ann.create()
    await ann.write(TEXT.replace("{fit: 70}", "{fit: 71}"))
    told = (await ann.ask("POST", "/drafts/main/check")).json()
    assert (told["ok"], told["errors"]) == (False, 1)
    assert told["problems"][0]["pointer"] == "/tests/0"
    (test,) = told["tests"]
    assert not test["passed"]
    assert test["differences"]


async def test_a_draft_can_be_tried_without_a_trace(ann: Author) -> None:
    """Facts in, decision out, nothing stored; a draft with errors says which."""
    await ann.create()
    await ann.write()
    at = "2026-01-01T00:00:00Z"
    asked = {"facts": {"vehicles": 300, "country": "NO"}, "at": at}
    tried = await ann.ask("POST", "/drafts/main/try", json=asked)
    assert tried.status_code == 200
    decision = tried.json()["decision"]
    assert (decision["verdict"], decision["outcome"]) == ("qualify", "good")
    undecided = await ann.ask("POST", "/drafts/main/try", json={"facts": {}})
    assert undecided.json()["decision"]["verdict"] == "undecided"
    closed = await ann.ask("POST", "/drafts/main/try", json={"facts": {}, "final": True})
    assert closed.json()["decision"]["verdict"] == "disqualify"
    await ann.write(WRONG, draft="wrong")
    refused = await ann.ask("POST", "/drafts/wrong/try", json=asked)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_rule_set")
    assert all("line" in error for error in refused.json()["errors"])
    assert (await ann.served.ask("GET", "/v1/decisions")).json()["data"] == []


@pytest.mark.parametrize("name", ["Main", "1st", "a" * 65, "a.b", "-"])
async def test_a_drafts_name_is_plain(ann: Author, name: str) -> None:
    """A name is lower case letters, digits, hyphens and underscores."""
    await ann.create()
    assert (await ann.write(draft=name)).status_code == 422


async def test_what_is_not_there_says_so(ann: Author, served: Served) -> None:
    """A missing rule set and a missing draft are told apart."""
    for path in ("", "/drafts", "/drafts/main", "/versions", "/versions/1", "/releases"):
        missing = await ann.ask("GET", path)
        assert (missing.status_code, missing.json()["code"]) == (404, "rule_set_not_found"), path
    assert (await ann.write()).json()["code"] == "rule_set_not_found"
    await ann.create()
    assert (await ann.commit()).json()["code"] == "draft_not_found"
    assert (await ann.ask("GET", "/versions/1")).json()["code"] == "version_not_found"
    assert (await served.ask("GET", "/v1/rule-sets/small_leads")).json()["drafts"] == []


async def test_the_id_that_was_probably_meant_is_named(ann: Author, served: Served) -> None:
    """Wherever a rule set is asked for; where none is near, none is guessed."""
    await ann.create()
    meant = "there is no rule set with this id; did you mean `small_leads`?"
    question = {"rule_set": "smal_leads", "lead": {}}
    for missing in (
        await served.ask("GET", "/v1/rule-sets/smal_leads/versions"),
        await served.ask("GET", "/v1/portfolio/small_lead/matrix"),
        await served.ask("POST", "/v1/qualify", json=question),
    ):
        assert (missing.status_code, missing.json()["code"]) == (404, "rule_set_not_found")
        assert missing.json()["detail"].startswith(meant)
    far = await served.ask("GET", "/v1/rule-sets/accounts")
    assert "did you mean" not in far.json()["detail"]
