"""Connections over HTTP: made, shown without secrets, changed, removed, and only by admins."""

import json
from typing import Any

import pytest
from sqlalchemy import text

from service.settings import Settings
from service.storage import parse_id, sealer_of, transaction
from tests.intake.connected import COMPANY, SECRET, Connected

pytestmark = pytest.mark.anyio


async def test_a_connection_is_made_shown_and_removed(connected: Connected) -> None:
    """It says what it comes to together with its preset, and whether it works."""
    made = await connected.connect(map=COMPANY)
    assert made["address"] == f"/v1/intake/{made['id']}"
    read = (await connected.served.ask("GET", f"/v1/connections/{made['id']}")).json()
    assert read["effective_map"]["at"] == "occurredAt"
    assert read["map"] == COMPANY
    assert read["has_secrets"] == ["signing"]
    assert read["health"] == {
        **dict.fromkeys(("degraded_at", "degraded_why", "last_received_at"), None),
        **dict.fromkeys(("last_refused_at", "last_refused_why"), None),
        "waiting": 0,
        "parked": 0,
    }
    listed = (await connected.served.ask("GET", "/v1/connections")).json()
    assert [one["id"] for one in listed["data"]] == [made["id"]]
    gone = await connected.served.ask("DELETE", f"/v1/connections/{made['id']}")
    assert gone.status_code == 204
    missing = await connected.served.ask("GET", f"/v1/connections/{made['id']}")
    assert (missing.status_code, missing.json()["code"]) == (404, "connection_not_found")


async def test_no_answer_and_no_dump_shows_a_secret(connected: Connected) -> None:
    """What a vendor gave us is sealed: neither the API nor the database's rows tell it."""
    secrets = {"signing": [SECRET], "access_token": "pat-na1-of-ours"}
    made = await connected.connect(secrets=secrets)
    texts = [json.dumps(made)]
    texts += [
        (await connected.served.ask("GET", f"/v1/connections{path}")).text
        for path in ("", f"/{made['id']}")
    ]
    async with transaction(connected.served.app.house.engine) as connection:
        rows = await connection.execute(text("SELECT connection::text FROM connection"))
        texts += [row[0] for row in rows]
        audit = await connection.execute(text("SELECT audit_entry::text FROM audit_entry"))
        texts += [row[0] for row in audit]
    for secret in (SECRET, "pat-na1-of-ours"):
        for told in texts:
            assert secret not in told
            assert secret.encode().hex() not in told


async def test_a_token_in_the_address_is_shown_once_and_made_anew(connected: Connected) -> None:
    """Who lost it makes another; the old address stops working."""
    made = await connected.connect("salesforce", secrets={})
    token = made["address"].rpartition("/")[2]
    assert len(token) == 48
    path = f"/v1/connections/{made['id']}"
    assert token not in (await connected.served.ask("GET", path)).text
    anew = (await connected.served.ask("PATCH", path, json={"new_path_token": True})).json()
    assert anew["address"] != made["address"]
    for address, status in ((made["address"], 401), (anew["address"], 200), (path, 405)):
        answer = await connected.served.ask("POST", address, key=None, content=b"<a/>")
        assert answer.status_code == status, address
    without = await connected.served.ask("POST", f"/v1/intake/{made['id']}", key=None, content=b"")
    assert without.status_code == 401


async def test_a_change_is_a_merge_patch_of_the_state_one_saw(connected: Connected) -> None:
    """Other members stay; secrets that are not mentioned stay too."""
    made = await connected.connect(map=COMPANY, secrets={"signing": [SECRET], "access_token": "a"})
    path = f"/v1/connections/{made['id']}"
    patch = {"map": {"kinds": {"company": {"attributes": {"site": "fields.domain"}}}}}
    changed = await connected.served.ask("PATCH", path, json=patch, headers={"If-Match": '"1"'})
    assert changed.status_code == 200, changed.text
    attributes = changed.json()["effective_map"]["kinds"]["company"]["attributes"]
    assert set(attributes) == {"vehicles", "paid", "site"}
    assert changed.json()["has_secrets"] == ["access_token", "signing"]
    stale = await connected.served.ask("PATCH", path, json=patch, headers={"If-Match": '"1"'})
    assert stale.status_code == 412


@pytest.mark.parametrize(
    ("told", "pointer"),
    [
        ({"preset": "hubspot", "secrets": {}}, "/secrets/signing"),
        (
            {"preset": "hubspot", "map": {"kinds": {"company": {"attributes": {"a": "b["}}}}},
            "/map/kinds/company/attributes/a/path",
        ),
        ({"preset": "hubspot", "map": {"itemz": "@"}}, "/map/itemz"),
        ({"preset": "hubspot", "authentication": {"scheme": "nothing"}}, "/authentication"),
        ({"preset": "generic"}, "/authentication"),
        ({"preset": "generic", "authentication": {"scheme": "path_token"}}, "/path_token"),
        (
            {"preset": "generic", "authentication": {"scheme": "standard_webhooks"}},
            "/secrets/signing/0",
        ),
        ({"preset": "pipedrive"}, "/secrets/signing/0"),
        ({"preset": "acme"}, "/preset"),
        ({"preset": "hubspot", "name": "Not A Name"}, "/name"),
        ({"preset": "hubspot", "public_url": "ftp://x"}, "/public_url"),
        ({"preset": "hubspot", "public_url": "https://user:pw@x"}, "/public_url"),
    ],
)
async def test_what_could_not_work_is_refused_with_its_place(
    connected: Connected, told: dict[str, Any], pointer: str
) -> None:
    """A mistake in a map is found when it is written, not when a delivery waits."""
    sent = {"name": "crm", "secrets": {"signing": ["no colon"]}} | told
    answer = await connected.served.ask("POST", "/v1/connections", json=sent)
    assert answer.status_code == 422, answer.text
    pointers = [one["pointer"] for one in answer.json()["errors"]]
    assert any(one.startswith(pointer) for one in pointers), pointers


async def test_a_name_is_taken_once(connected: Connected) -> None:
    """It is the source of what is known through it."""
    await connected.connect()
    sent = {"name": "hubspot", "preset": "hubspot", "secrets": {"signing": [SECRET]}}
    answer = await connected.served.ask("POST", "/v1/connections", json=sent)
    assert (answer.status_code, answer.json()["code"]) == (409, "connection_exists")


async def test_connections_are_for_admins(connected: Connected) -> None:
    """They hold other systems' secrets, and what is written there."""
    key = await connected.served.new_key("decide", "accounts", "rules:write", "rules:publish")
    made = await connected.connect()
    for method, path in (
        ("GET", "/v1/connections"),
        ("GET", f"/v1/connections/{made['id']}"),
        ("GET", f"/v1/connections/{made['id']}/deliveries"),
        ("DELETE", f"/v1/connections/{made['id']}"),
    ):
        assert (await connected.served.ask(method, path, key=key)).status_code == 403


async def test_secrets_of_another_key_are_said_to_be(connected: Connected) -> None:
    """Whoever operates it learns that the key is another one; the vendor sends again."""
    made = await connected.connect()
    async with transaction(connected.served.app.house.engine) as connection:
        other = sealer_of(Settings(secret_key="a2V5IG9mIGFub3RoZXIgZGVwbG95bWVudCwgMzIhISE="))
        sealed = other.seal(b"{}", about=f"connection:{parse_id(made['id'], 'con')}")
        await connection.execute(text("UPDATE connection SET secrets = :it"), {"it": sealed})
    answer = await connected.hubspot(made, b"[]")
    assert (answer.status_code, answer.json()["code"]) == (503, "secrets_unreadable")
