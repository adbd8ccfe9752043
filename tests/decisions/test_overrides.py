"""Overrides: a person decides otherwise, and what the rules decided stays as it was."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from service.storage import libpq_url, parse_id
from tests.decisions.conftest import PAGE, Office
from tests.decisions.rules import FLEET_ACCOUNTS, FLEET_LEADS, LARGE_FLEET, SMALL_FLEET, release
from tests.decisions.words import NORTH, Hands, because, overridden, put_account, stored
from tests.web.serving import serving

pytestmark = pytest.mark.anyio

ACCOUNT = {"rule_set": "fleet_accounts", "account_key": "north"}
RULES_OWN = ("certain", "possible_outcomes", "scores", "reasons", "missing", "grades")


@pytest.fixture
async def timed(database_url: str) -> AsyncIterator[tuple[Office, Hands]]:
    """Return an office whose clock the test moves."""
    hands = Hands.now()
    async with serving(database_url, clock=hands) as served:
        await release(served.app.house, FLEET_LEADS)
        await release(served.app.house, FLEET_ACCOUNTS)
        key = await served.new_key(kind="publishable", rule_set="fleet_leads", origins=[PAGE])
        hands.at += timedelta(seconds=5)
        yield Office(served, key), hands


async def read(office: Office, path: str) -> dict[str, Any]:
    """Return the JSON at *path*."""
    answer = await office.served.ask("GET", path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def read_decision(office: Office, decision: dict[str, Any]) -> dict[str, Any]:
    """Return a decision as it reads now."""
    return await read(office, f"/v1/decisions/{decision['id']}")


async def standing(office: Office, key: str = "north") -> dict[str, Any]:
    """Return how an account stands under the tests' rules."""
    (found,) = (await read(office, f"/v1/accounts/{key}/assessment"))["data"]
    told: dict[str, Any] = found
    return told


class TestOneDecision:
    """`POST /v1/decisions/{id}/override`."""

    async def test_an_answer_says_the_persons_word_and_whose_it_is(
        self, shared_office: Office
    ) -> None:
        """Verdict, outcome and next are the person's; all that explains stays the rules'."""
        rules = await shared_office.decided(lead=SMALL_FLEET)
        assert (rules["verdict"], rules["override"]) == ("disqualify", None)
        key = await shared_office.served.new_key("decide", person="bo@example.com")
        made = await overridden(shared_office, rules, key=key, outcome="tier_a", message="Welcome")
        now = await read_decision(shared_office, rules)
        assert (now["verdict"], now["outcome"]) == ("qualify", "tier_a")
        assert now["next"] == {
            "action": "book_meeting",
            "url": "/book",
            "message": "Welcome",
            "assign": None,
        }
        assert now["override"] == {
            "id": made["id"],
            "person": "bo@example.com",
            "reason": "we know them",
            "expires_at": None,
            "rules": {"verdict": "disqualify", "outcome": rules["outcome"]},
        }
        for member in RULES_OWN:
            assert now[member] == rules[member], member
        first, _, rest = now["summary"].partition(". ")
        assert first == "A person decided otherwise: qualify instead of disqualify"
        assert rest == rules["summary"]
        heads = (await read(shared_office, "/v1/decisions?limit=200"))["data"]
        (head,) = [head for head in heads if head["id"] == rules["id"]]
        assert (head["verdict"], head["override"]) == ("qualify", now["override"])

    async def test_what_the_rules_decided_replays_as_before(self, shared_office: Office) -> None:
        """An override changes no byte of what is stored: replay is identical, and the rules'."""
        rules = await shared_office.decided(lead=SMALL_FLEET)
        await overridden(shared_office, rules)
        replayed = await stored(
            shared_office, f"/v1/decisions/{rules['id']}/replay", {}, status=200
        )
        assert replayed == {"identical": True, "differences": [], "decision": rules}

    async def test_a_person_need_not_name_an_outcome(self, shared_office: Office) -> None:
        """Then none is said, and the next step is what the person wrote, if anything."""
        rules = await shared_office.decided(lead=LARGE_FLEET)
        await overridden(shared_office, rules, verdict="review", action="call_them")
        now = await read_decision(shared_office, rules)
        assert (now["verdict"], now["outcome"]) == ("review", None)
        assert now["next"] == {
            "action": "call_them",
            "url": None,
            "message": None,
            "assign": None,
        }

    async def test_the_person_concerned_learns_neither_who_nor_why(
        self, shared_office: Office
    ) -> None:
        """The subject is told the verdict and the message; no reason of the rules contradicts."""
        rules = await shared_office.decided(lead=SMALL_FLEET)
        key = await shared_office.served.new_key("decide", person="bo@example.com")
        await overridden(
            shared_office, rules, key=key, outcome="tier_a", reason="their aunt asked us"
        )
        where = f"/v1/decisions/{rules['id']}/explanation"
        told = await read(shared_office, f"{where}?audience=subject")
        assert (told["verdict"], told["by_person"]) == ("qualify", True)
        assert (told["message"], told["reasons"], told["questions"]) == ("Pick a time", [], [])
        assert not {"aunt", "bo@example.com", "ovr_", "disqualify"} & set(str(told).split())
        for secret in ("aunt", "bo@example.com", "ovr_", "disqualify"):
            assert secret not in str(told)
        ops = await read(shared_office, where)
        assert ops["override"]["reason"] == "their aunt asked us"

    async def test_a_new_word_replaces_the_one_before(self, shared_office: Office) -> None:
        """One is in force at a time; the history says who ended which."""
        rules = await shared_office.decided(lead=SMALL_FLEET)
        bo = await shared_office.served.new_key("decide", person="bo@example.com")
        first = await overridden(shared_office, rules, verdict="review")
        second = await overridden(shared_office, rules, key=bo)
        assert (await read_decision(shared_office, rules))["override"]["id"] == second["id"]
        page = await read(shared_office, f"/v1/overrides?decision={rules['id']}")
        assert [(one["id"], one["state"]) for one in page["data"]] == [
            (second["id"], "in_force"),
            (first["id"], "replaced"),
        ]
        assert page["data"][1]["ended"]["by"] == "bo@example.com"
        assert page["data"][1]["reason"] == "we know them"

    async def test_once_withdrawn_the_rules_word_counts_again(self, shared_office: Office) -> None:
        """A withdrawn override leaves the answer as it was, and cannot be withdrawn twice."""
        first = await shared_office.qualify(lead=SMALL_FLEET)
        made = await overridden(shared_office, first.json())
        path = f"/v1/overrides/{made['id']}/withdraw"
        ended = await stored(shared_office, path, {"reason": "a mistake"}, status=200)
        assert (ended["state"], ended["ended"]["reason"]) == ("withdrawn", "a mistake")
        again = await shared_office.served.ask("GET", f"/v1/decisions/{first.json()['id']}")
        assert again.content == first.content
        twice = await stored(shared_office, path, {"reason": "a mistake"}, status=409)
        assert twice["code"] == "override_ended"
        assert await read(shared_office, f"/v1/overrides/{made['id']}") == ended

    async def test_erased_facts_leave_the_persons_word(self, office: Office) -> None:
        """A decision without facts can be overruled, and its skeleton says so."""
        rules = await office.decided(lead=SMALL_FLEET)
        url = office.served.app.house.engine.url.render_as_string(hide_password=False)
        erase = (
            "UPDATE decision SET facts = NULL, tabled = NULL, facts_erased_at = now() WHERE id = %s"
        )
        with psycopg.connect(libpq_url(url)) as connection:
            assert connection.execute(erase, [parse_id(rules["id"], "dec")]).rowcount == 1
        made = await overridden(office, rules)
        assert made["spoke"] == [{"kind": "gate", "id": "is_consumer"}]
        head = await read_decision(office, rules)
        assert (head["verdict"], head["override"]["rules"]["verdict"]) == ("qualify", "disqualify")
        replayed = await office.served.ask("POST", f"/v1/decisions/{rules['id']}/replay")
        assert (replayed.status_code, replayed.json()["decision"]) == (410, head)


class TestOneAccount:
    """`POST /v1/accounts/{key}/overrides`."""

    async def test_it_counts_at_once_and_for_later_decisions(self, office: Office) -> None:
        """The assessment and every later decision say the person's word; the rows the rules'."""
        await put_account(office, "north", NORTH)
        before = await office.decided(**ACCOUNT)
        made = await stored(
            office,
            "/v1/accounts/north/overrides",
            because(rule_set="fleet_accounts", verdict="review", outcome="watch"),
        )
        assert made["subject"] == {"decision": None, "account": "north"}
        assert made["overruled"] == before["id"]
        now = (await standing(office))["current"]
        assert (now["verdict"], now["outcome"]) == ("review", "watch")
        assert now["override"]["rules"] == {"verdict": "qualify", "outcome": "steady"}
        assert (await read_decision(office, before)) == before
        first = await office.qualify(**ACCOUNT)
        later = first.json()
        assert (later["verdict"], later["outcome"]) == ("review", "watch")
        assert later["next"]["assign"] == "account_team"
        assert later["override"]["id"] == made["id"]
        stands = await standing(office)
        assert stands["current"]["override"]["id"] == made["id"]
        assert stands["previous"]["override"] is None
        read_again = await office.served.ask("GET", f"/v1/decisions/{later['id']}")
        assert read_again.content == first.content
        replayed = await stored(office, f"/v1/decisions/{later['id']}/replay", {}, status=200)
        assert replayed["identical"]
        assert replayed["decision"]["verdict"] == "qualify"
        await stored(office, f"/v1/overrides/{made['id']}/withdraw", {"reason": "x"}, status=200)
        await office.decided(**ACCOUNT)
        stands = await standing(office)
        assert (stands["current"]["verdict"], stands["current"]["override"]) == ("qualify", None)
        assert stands["previous"]["decision"] == later["id"]
        assert stands["previous"]["override"] == later["override"]

    @pytest.mark.parametrize(
        ("more", "is_heard"),
        [({"dry_run": True}, True), ({"at_version": 1}, False), ({"dry_run": False}, True)],
    )
    async def test_a_version_asked_for_says_what_the_rules_say(
        self, office: Office, more: dict[str, Any], *, is_heard: bool
    ) -> None:
        """A dry run hears the person's word; a question about a version does not."""
        await put_account(office, "north", NORTH)
        await office.decided(**ACCOUNT)
        said = because(rule_set="fleet_accounts", verdict="disqualify")
        await stored(office, "/v1/accounts/north/overrides", said)
        decision = await office.decided(**ACCOUNT, **more)
        assert (decision["override"] is not None) is is_heard
        assert decision["verdict"] == ("disqualify" if is_heard else "qualify")

    async def test_a_batch_hears_it_too(self, office: Office) -> None:
        """Of two accounts in a batch, the overridden one says the person's word."""
        for key in ("north", "south"):
            await put_account(office, key, NORTH)
        await office.decided(**ACCOUNT)
        said = because(rule_set="fleet_accounts", verdict="disqualify")
        await stored(office, "/v1/accounts/north/overrides", said)
        questions = [ACCOUNT, ACCOUNT | {"account_key": "south"}]
        answer = await office.served.ask("POST", "/v1/qualify/batch", json=questions)
        verdicts = [result["decision"]["verdict"] for result in answer.json()["data"]]
        assert verdicts == ["disqualify", "qualify"]

    async def test_a_decisions_own_word_comes_before_the_accounts(self, office: Office) -> None:
        """What a person said of one decision is nearer than what one said of its account."""
        await put_account(office, "north", NORTH)
        await office.decided(**ACCOUNT)
        said = because(rule_set="fleet_accounts", verdict="disqualify")
        of_account = await stored(office, "/v1/accounts/north/overrides", said)
        decision = await office.decided(**ACCOUNT)
        of_decision = await overridden(office, decision, verdict="review")
        assert (await read_decision(office, decision))["override"]["id"] == of_decision["id"]
        assert (await standing(office))["current"]["override"]["id"] == of_decision["id"]
        assert (await office.decided(**ACCOUNT))["override"]["id"] == of_account["id"]

    async def test_it_ends_at_its_expiry(self, timed: tuple[Office, Hands]) -> None:
        """From its expiry on the rules' word counts; what was answered before reads as before."""
        office, hands = timed
        await put_account(office, "north", NORTH)
        await office.decided(**ACCOUNT)
        until = hands.at + timedelta(hours=1)
        said = because(
            rule_set="fleet_accounts", verdict="disqualify", expires_at=until.isoformat()
        )
        made = await stored(office, "/v1/accounts/north/overrides", said)
        during = await office.decided(**ACCOUNT)
        of_lead = await office.decided(lead=SMALL_FLEET)
        await overridden(office, of_lead, expires_at=until.isoformat())
        assert (await read_decision(office, of_lead))["verdict"] == "qualify"
        hands.at = until - timedelta(seconds=1)
        assert (await office.decided(**ACCOUNT))["verdict"] == "disqualify"
        hands.at = until
        after = await office.decided(**ACCOUNT)
        assert (during["verdict"], after["verdict"]) == ("disqualify", "qualify")
        assert after["override"] is None
        assert (await read_decision(office, during)) == during
        assert (await read_decision(office, of_lead)) == of_lead
        assert (await standing(office))["current"]["verdict"] == "qualify"
        told = await read(office, f"/v1/overrides/{made['id']}")
        assert (told["state"], told["ended"]) == ("expired", None)
        late = f"/v1/overrides/{made['id']}/withdraw"
        assert (await stored(office, late, {"reason": "x"}, status=409))["code"] == "override_ended"
        again = await stored(office, "/v1/accounts/north/overrides", said | {"expires_at": None})
        assert again["state"] == "in_force"
        assert (await read(office, f"/v1/overrides/{made['id']}"))["state"] == "expired"

    async def test_there_must_be_something_to_overrule(self, office: Office) -> None:
        """An account that is not there, or was never judged by these rules, cannot be."""
        said = because(rule_set="fleet_accounts")
        path = "/v1/accounts/north/overrides"
        assert (await stored(office, path, said, status=404))["code"] == "account_not_found"
        await put_account(office, "north", NORTH)
        assert (await stored(office, path, said, status=409))["code"] == "not_assessed"
        await office.decided(**ACCOUNT)
        other = said | {"rule_set": "fleet_leads"}
        assert (await stored(office, path, other, status=409))["code"] == "not_assessed"

    async def test_two_persons_at_once_leave_one_word(self, office: Office) -> None:
        """Whoever decides at the same moment, exactly one is in force and none is refused."""
        await put_account(office, "north", NORTH)
        await office.decided(**ACCOUNT)
        keys = [await office.served.new_key("decide", person=f"p{n}@example.com") for n in range(6)]
        said = because(rule_set="fleet_accounts", verdict="review")
        made = await asyncio.gather(
            *(stored(office, "/v1/accounts/north/overrides", said, key=key) for key in keys)
        )
        standing_now = (await read(office, "/v1/overrides?in_force=true&account=north"))["data"]
        ended = (await read(office, "/v1/overrides?in_force=false&account=north"))["data"]
        assert (len(standing_now), len(ended)) == (1, 5)
        assert {one["id"] for one in (*standing_now, *ended)} == {one["id"] for one in made}
        assert {one["state"] for one in ended} == {"replaced"}


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
