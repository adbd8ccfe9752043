"""Keys over HTTP: made once, shown once, listed without secrets, taken back for good."""

import pytest

from service.web import chores_of
from tests.web.serving import Served

pytestmark = pytest.mark.anyio
FORM = {"kind": "publishable", "name": "form", "person": "web team", "rule_set": "fleet_leads"}


async def test_a_key_is_shown_once_and_opens_what_it_says(served: Served) -> None:
    """A made key works at once, for its scopes and nothing else, and is never shown again."""
    asked = {"name": "crm", "person": "ann@example.com", "scopes": ["rules:read"]}
    made = await served.ask("POST", "/v1/keys", json=asked)
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    key = made.json()["key"]
    assert key.startswith(made.json()["prefix"])
    assert (await served.ask("GET", "/v1/rule-sets", key=key)).status_code == 200
    refused = await served.ask("GET", "/v1/keys", key=key)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    listed = await served.ask("GET", "/v1/keys")
    assert key not in listed.text
    assert [one["name"] for one in listed.json()["data"]] == ["crm", "a test's key"]


async def test_a_revoked_key_stays_revoked(served: Served) -> None:
    """Revoking is for good, may be repeated, and is in the list with whoever did it."""
    asked = {"name": "crm", "person": "ann@example.com", "scopes": ["rules:read"]}
    made = (await served.ask("POST", "/v1/keys", json=asked)).json()
    for _ in range(2):
        gone = await served.ask("DELETE", f"/v1/keys/{made['id']}")
        assert (gone.status_code, gone.content) == (204, b"")
    assert (await served.ask("GET", "/v1/rule-sets", key=made["key"])).status_code == 401
    newest = (await served.ask("GET", "/v1/keys")).json()["data"][0]
    assert newest["revoked_by"] == "root@example.com"
    assert newest["revoked_at"] >= newest["created_at"]


async def test_the_last_admin_key_stays(served: Served) -> None:
    """Nobody can lock everybody out."""
    (only,) = (await served.ask("GET", "/v1/keys")).json()["data"]
    refused = await served.ask("DELETE", f"/v1/keys/{only['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "last_admin_key")
    await served.new_key("admin")
    assert (await served.ask("DELETE", f"/v1/keys/{only['id']}")).status_code == 204


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"name": "x", "person": "y"}, id="a secret key without scopes"),
        pytest.param({"name": "x", "person": "y", "scopes": ["root"]}, id="an unknown scope"),
        pytest.param(
            {"name": "x", "person": "y", "scopes": ["decide"], "origins": ["https://a.example"]},
            id="a secret key bound to a page",
        ),
        pytest.param({"name": "", "person": "y", "scopes": ["decide"]}, id="no name"),
        pytest.param({"name": "x", "person": "y", "scopes": ["decide"], "id": 1}, id="a stranger"),
        pytest.param(FORM, id="a publishable key without origins"),
        pytest.param(FORM | {"origins": ["https://a.example/path"]}, id="a path in an origin"),
        pytest.param(FORM | {"origins": ["*"]}, id="every origin"),
        pytest.param(FORM | {"origins": ["null"]}, id="no origin"),
        pytest.param(
            FORM | {"origins": ["https://a.example"], "scopes": ["decide"]}, id="scopes on a form"
        ),
        pytest.param(FORM | {"origins": ["https://a.example"]}, id="an unknown rule set"),
        pytest.param(
            {"name": "x", "person": "y", "scopes": ["decide"], "expires_at": "2026-01-01"},
            id="a day for an instant",
        ),
        pytest.param(
            {"name": "x", "person": "y", "scopes": ["decide"], "expires_at": 1_700_000_000},
            id="a number for an instant",
        ),
    ],
)
async def test_a_key_nobody_should_have_is_refused(shared: Served, asked: object) -> None:
    """A key that is bound to nothing, or to too much, is refused with a place."""
    refused = await shared.ask("POST", "/v1/keys", json=asked)
    assert refused.status_code == 422
    assert refused.json()["code"] == "validation_failed"
    assert refused.json()["errors"]


async def test_a_publishable_key_is_for_its_page_only(served: Served) -> None:
    """A public key opens one route, from the pages it names, and nothing else."""
    await served.ask("POST", "/v1/rule-sets", json={"rule_set": "fleet_leads"})
    page = {"Origin": "https://www.example.com"}
    made = await served.ask("POST", "/v1/keys", json=FORM | {"origins": [page["Origin"]]})
    key = made.json()["key"]
    assert key.startswith("gf_pk_")
    for path in ("/v1/rule-sets", "/v1/keys", "/v1/decisions", "/metrics"):
        refused = await served.ask("GET", path, key=key, headers=page)
        expected = "publishable_key"
        assert (refused.status_code, refused.json()["code"]) == (403, expected), path
    for elsewhere in ({"Origin": "https://evil.example"}, {}):
        refused = await served.ask("POST", "/v1/qualify", key=key, headers=elsewhere, json={})
        assert (refused.status_code, refused.json()["code"]) == (403, "origin_not_allowed")
    let_in = await served.ask("POST", "/v1/qualify", key=key, headers=page, json={})
    assert let_in.status_code != 403


async def test_a_made_key_cannot_be_asked_for_twice(shared: Served) -> None:
    """An Idempotency-Key would keep the key itself for a day, so it is refused."""
    asked = {"name": "x", "person": "y", "scopes": ["decide"]}
    headers = {"Idempotency-Key": "k1"}
    refused = await shared.ask("POST", "/v1/keys", json=asked, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_idempotency_key")


async def test_keys_are_listed_a_page_at_a_time(served: Served) -> None:
    """Following `Link` shows every key once, newest first."""
    for number in range(4):
        await served.new_key("decide", person=f"person {number}")
    seen, path = [], "/v1/keys?limit=2"
    while path:
        page = await served.ask("GET", path)
        seen += [one["person"] for one in page.json()["data"]]
        path = page.headers.get("link", "").partition(">")[0].removeprefix("<")
        assert bool(path) is (page.json()["next_cursor"] is not None)
    assert seen == ["person 3", "person 2", "person 1", "person 0", "root@example.com"]


async def test_use_is_noted_lazily(served: Served) -> None:
    """When a key was last used is stored by the upkeep, not by the request."""
    await served.ask("GET", "/v1/rule-sets")
    (chore,) = (one for one in chores_of(served.app.house) if one.name == "key use")
    await chore.work()
    (only,) = (await served.ask("GET", "/v1/keys")).json()["data"]
    assert only["last_used_at"] >= only["created_at"]
