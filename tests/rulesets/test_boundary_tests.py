"""Boundary tests of a draft: listed, written into it, and gone from the list."""

import pytest

from tests.rulesets.authors import TEXT, Author

pytestmark = pytest.mark.anyio
WHERE = "/drafts/main/boundary-tests"


async def test_they_are_listed_and_frozen(ann: Author) -> None:
    """Each rule on both sides; written in, they pass, and the text keeps its comments."""
    await ann.create()
    etag = (await ann.write(TEXT)).headers["etag"]
    listed = (await ann.ask("GET", WHERE)).json()
    assert {"name": "large is yes: vehicles 100", "facts": {"vehicles": 100},
            "expect": {"rules": {"large": "yes"}}} in listed["tests"]  # fmt: skip
    assert {"name": "large is no: vehicles 99", "facts": {"vehicles": 99},
            "expect": {"rules": {"large": "no"}}} in listed["tests"]  # fmt: skip
    assert listed["without"] == []
    added = await ann.ask("POST", WHERE, headers={"If-Match": etag})
    assert added.status_code == 200
    assert added.json()["source"].startswith("# Who we are for, in four lines.\n")
    assert "# asked first" in added.json()["source"]
    checked = (await ann.ask("POST", "/drafts/main/check")).json()
    assert checked["ok"]
    assert len(checked["tests"]) == 1 + len(listed["tests"])
    assert all(test["passed"] for test in checked["tests"])
    assert (await ann.ask("GET", WHERE)).json()["tests"] == []


async def test_only_the_text_that_was_read_is_changed(ann: Author) -> None:
    """Without `If-Match` 428, with an old one 412; and then nothing is written."""
    await ann.create()
    etag = (await ann.write(TEXT)).headers["etag"]
    assert (await ann.ask("POST", WHERE)).status_code == 428
    changed = await ann.write(TEXT + "# more\n", if_match=etag)
    assert changed.status_code == 200
    stale = await ann.ask("POST", WHERE, headers={"If-Match": etag})
    assert stale.status_code == 412
    kept = (await ann.ask("GET", "/drafts/main")).json()["source"]
    assert kept == TEXT + "# more\n"


async def test_what_cannot_be_used_is_refused_with_its_problems(ann: Author) -> None:
    """A draft with errors has no thresholds to test."""
    await ann.create()
    etag = (await ann.write(TEXT.replace("vehicles >= 20", "vehicels >= 20"))).headers["etag"]
    for method, headers in (("GET", {}), ("POST", {"If-Match": etag})):
        refused = await ann.ask(method, WHERE, headers=headers)
        assert refused.status_code == 422
        assert refused.json()["code"] == "invalid_rule_set"
        assert refused.json()["errors"][0]["suggestion"] == "vehicles"
    assert (await ann.ask("GET", "/drafts/other/boundary-tests")).status_code == 404
