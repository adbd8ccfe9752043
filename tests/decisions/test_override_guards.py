"""What an override refuses, who may make one, and what nobody learns from it."""

import json
from typing import Any

import psycopg
import pytest

from service.storage import libpq_url
from tests.decisions.conftest import Office
from tests.decisions.reading import read, read_decision
from tests.decisions.rules import LARGE_FLEET, SMALL_FLEET
from tests.decisions.words import because, overridden, stored

pytestmark = pytest.mark.anyio
HOSTILE: dict[str, tuple[dict[str, Any], int, str]] = {
    "undecided": ({"verdict": "undecided"}, 422, "/verdict"),
    "another verdict": ({"verdict": "maybe"}, 422, "/verdict"),
    "no reason": ({"reason": None}, 422, "/reason"),
    "an empty reason": ({"reason": ""}, 422, "/reason"),
    "a blank reason": ({"reason": " \t\n"}, 422, "/reason"),
    "a long reason": ({"reason": "x" * 2_001}, 422, "/reason"),
    "a naive instant": ({"expires_at": "2030-01-01T00:00:00"}, 422, "/expires_at"),
    "no instant": ({"expires_at": 5}, 422, "/expires_at"),
    "a past expiry": ({"expires_at": "2020-01-01T00:00:00Z"}, 422, "/expires_at"),
    "a far expiry": ({"expires_at": "9999-12-31T23:59:59Z"}, 422, "/expires_at"),
    "an unknown outcome": ({"outcome": "tier_z"}, 422, "/outcome"),
    "an outcome of another verdict": ({"verdict": "review", "outcome": "tier_a"}, 422, "/outcome"),
    "another member": ({"person": "boss@example.com"}, 422, "/person"),
    "an empty message": ({"message": ""}, 422, "/message"),
    "NUL": ({"reason": "a\0b"}, 422, "/reason"),
    "a lone surrogate": ({"reason": "\ud800"}, 422, ""),
}


class TestHostileWords:
    """Whatever is sent, the answer is a clear 4xx and nothing is kept."""

    @pytest.mark.parametrize("case", HOSTILE)
    async def test_a_bad_word_is_refused_with_its_place(
        self, shared_office: Office, case: str
    ) -> None:
        """The fault is named by its pointer, and no override comes of it."""
        said, status, pointer = HOSTILE[case]
        rules = await shared_office.decided(lead=SMALL_FLEET)
        path = f"/v1/decisions/{rules['id']}/override"
        body = json.dumps(because(**said))
        answer = await shared_office.served.ask("POST", path, content=body)
        assert answer.status_code == status, answer.text
        pointers = [error.get("pointer") for error in answer.json()["errors"]]
        assert any(found is not None and found.startswith(pointer) for found in pointers), pointers
        kept = await read(shared_office, f"/v1/overrides?decision={rules['id']}")
        assert kept["data"] == []
        assert (await read_decision(shared_office, rules)) == rules

    async def test_ten_megabytes_are_too_large(self, shared_office: Office) -> None:
        """A body past the limit is a 413 before anybody reads it."""
        rules = await shared_office.decided(lead=SMALL_FLEET)
        path = f"/v1/decisions/{rules['id']}/override"
        answer = await shared_office.served.ask("POST", path, json=because(reason="x" * 10_000_000))
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")

    async def test_the_same_as_the_rules_is_nothing_otherwise(self, shared_office: Office) -> None:
        """One decision cannot be overruled by what it is; another message is something."""
        rules = await shared_office.decided(lead=LARGE_FLEET)
        for said in ({}, {"outcome": "tier_a"}):
            refused = await overridden(shared_office, rules, status=422, **said)
            assert refused["code"] == "nothing_otherwise"
        made = await overridden(shared_office, rules, outcome="tier_a", message="Call Ann")
        assert (await read_decision(shared_office, rules))["next"]["message"] == "Call Ann"
        assert made["next"]["action"] == "book_meeting"

    async def test_ids_of_nothing_find_nothing(self, shared_office: Office) -> None:
        """Unknown ids are 404, and what is no id is 422."""
        none = "01m82amv90f7assrm6pf8d3pr0"
        for path, status in {
            f"/v1/decisions/dec_{none}/override": 404,
            "/v1/decisions/x/override": 422,
            f"/v1/overrides/ovr_{none}/withdraw": 404,
            f"/v1/overrides/dec_{none}/withdraw": 422,
        }.items():
            said = {"reason": "x"} if "withdraw" in path else because()
            await stored(shared_office, path, said, status=status)
        for path, status in {
            f"/v1/overrides/ovr_{none}": 404,
            "/v1/overrides/x": 422,
            "/v1/overrides?decision=x": 422,
            "/v1/overrides?in_force=perhaps": 422,
            "/v1/overrides?cursor=x": 422,
            "/v1/overrides?rule_set=nobody": 200,
        }.items():
            assert (await shared_office.served.ask("GET", path)).status_code == status, path


async def test_a_repeated_request_overrides_once(office: Office) -> None:
    """Under one Idempotency-Key the same word is kept once and answered byte for byte."""
    rules = await office.decided(lead=SMALL_FLEET)
    path = f"/v1/decisions/{rules['id']}/override"
    headers = {"Idempotency-Key": "once"}
    first = await office.served.ask("POST", path, json=because(), headers=headers)
    again = await office.served.ask("POST", path, json=because(), headers=headers)
    assert (first.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert first.headers["location"] == f"/v1/overrides/{first.json()['id']}"
    other = await office.served.ask("POST", path, json=because(reason="no"), headers=headers)
    assert other.json()["code"] == "idempotency_key_reused"
    assert len((await read(office, "/v1/overrides"))["data"]) == 1


async def test_pages_hold_every_override_once(office: Office) -> None:
    """Following the cursor visits each override once, newest first; filters leave out others."""
    bo = await office.served.new_key("decide", person="bo@example.com")
    made = []
    for number in range(5):
        rules = await office.decided(lead=SMALL_FLEET)
        made.append((await overridden(office, rules, key=bo if number % 2 else ""))["id"])
    seen, path = [], "/v1/overrides?limit=2"
    while path:
        answer = await office.served.ask("GET", path)
        seen += [one["id"] for one in answer.json()["data"]]
        path = answer.headers.get("link", "").removeprefix("<").partition(">")[0]
    assert seen == made[::-1]
    for query, count in {
        "rule_set=fleet_leads": 5,
        "rule_set=fleet_accounts": 0,
        "person=bo@example.com": 2,
        "in_force=false": 0,
        "account=north": 0,
    }.items():
        assert len((await read(office, f"/v1/overrides?{query}"))["data"]) == count, query


async def test_a_publishable_key_learns_nothing(office: Office) -> None:
    """It can neither override nor read overrides, and its answers have no such member."""
    asked = await office.ask_publicly("POST", "/v1/qualify", {"lead": SMALL_FLEET})
    decision = asked.json()
    assert set(decision) == {"id", "verdict", "next", "missing"}
    made = await overridden(office, decision, outcome="tier_a")
    for method, path in {
        "POST": f"/v1/decisions/{decision['id']}/override",
        "GET": f"/v1/overrides/{made['id']}",
    }.items():
        refused = await office.ask_publicly(method, path, because())
        assert (refused.status_code, refused.json()["code"]) == (403, "publishable_key")
    again = await office.ask_publicly("POST", "/v1/qualify", {"lead": SMALL_FLEET})
    assert again.json() == decision | {"id": again.json()["id"]}


@pytest.mark.parametrize("scope", ["accounts", "rules:read", "rules:write", "rules:publish"])
async def test_whoever_may_not_decide_may_not_decide_otherwise(
    shared_office: Office, scope: str
) -> None:
    """A person's word is a decision: it takes the scope `decide`, and so does reading it."""
    rules = await shared_office.decided(lead=SMALL_FLEET)
    key = await shared_office.served.new_key(scope)
    refused = await overridden(shared_office, rules, key=key, status=403)
    assert refused["code"] == "scope_missing"
    listed = await shared_office.served.ask("GET", "/v1/overrides", key=key)
    assert listed.status_code == 403


async def test_the_audit_says_who_and_never_why(office: Office) -> None:
    """Both ends of an override are in the chain, without the reason, which may name people."""
    rules = await office.decided(lead=SMALL_FLEET)
    made = await overridden(office, rules, reason="Ann Miller asked", message="Dear Ann")
    path = f"/v1/overrides/{made['id']}/withdraw"
    await stored(office, path, {"reason": "Ann Miller left"}, status=200)
    entries = (await read(office, "/v1/audit"))["data"]
    told = {e["action"]: e for e in entries if e["action"].startswith("decisions.")}
    assert set(told) == {"decisions.override", "decisions.withdraw"}
    assert {entry["subject"] for entry in told.values()} == {made["id"]}
    assert "Ann" not in str(told)


async def test_a_cut_transaction_leaves_the_word_before(office: Office) -> None:
    """Should the transaction fail at its last statement, nothing ended and nothing began."""
    rules = await office.decided(lead=SMALL_FLEET)
    first = await overridden(office, rules, verdict="review")
    url = office.served.app.house.engine.url.render_as_string(hide_password=False)
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute("SELECT 1 FROM audit_head FOR UPDATE")
        path = f"/v1/decisions/{rules['id']}/override"
        answer = await office.served.ask(
            "POST", path, json=because(), headers={"Idempotency-Key": "cut"}
        )
        assert answer.status_code == 503, answer.text
    kept = (await read(office, f"/v1/overrides?decision={rules['id']}"))["data"]
    assert [(one["id"], one["state"]) for one in kept] == [(first["id"], "in_force")]
    assert (await read_decision(office, rules))["override"]["id"] == first["id"]
    again = await office.served.ask(
        "POST", path, json=because(), headers={"Idempotency-Key": "cut"}
    )
    assert again.status_code == 201
