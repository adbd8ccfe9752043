"""Overrides: a person decides otherwise, and what the rules decided stays as it was."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from service.storage import libpq_url, parse_id
from tests.decisions.conftest import PAGE, Office
from tests.decisions.reading import read, read_decision, standing
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
