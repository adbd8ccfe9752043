"""`POST /v1/qualify`: what is asked, what is answered, what is kept."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from service.decisions.asking import question_of
from service.decisions.deciding import Subject, judge, record_of
from service.decisions.schemas import QuestionSent
from service.decisions.writing import Entry, ReleasesMoved, write
from service.rulesets import LEAD, Running
from service.storage import parse_id, transaction
from service.web import Caller, House, KeyKind
from tests.decisions.conftest import Office
from tests.decisions.rules import (
    FLEET_ACCOUNTS,
    FLEET_LEADS,
    LARGE_FLEET,
    SMALL_FLEET,
    edited,
    release,
)
from tests.web.serving import serving

pytestmark = pytest.mark.anyio


async def test_a_large_fleet_qualifies_with_reasons(shared_office: Office) -> None:
    """A lead with every fact gets verdict, outcome, scores and the rules that moved them."""
    decision = await shared_office.decided(lead=LARGE_FLEET, external_id="crm-1")
    assert (decision["verdict"], decision["outcome"], decision["certain"]) == (
        "qualify",
        "tier_a",
        True,
    )
    assert decision["scores"]["fit"] == {"value": 65, "low": 65, "high": 65}
    assert decision["subject"] == {"kind": "lead", "external_id": "crm-1", "account": None}
    assert decision["rule_set"]["id"] == "fleet_leads"
    assert decision["rule_set"]["version"] == 1
    assert decision["missing"] == []
    for score, told in decision["scores"].items():
        effects = [r["effect"] for r in decision["reasons"] if r["effect"]]
        assert sum(e["points"] for e in effects if e["score"] == score) == told["value"]


async def test_the_members_come_in_the_order_of_the_documentation(shared_office: Office) -> None:
    """A decision reads from who and when to why and what next."""
    decision = await shared_office.decided(lead=LARGE_FLEET)
    assert list(decision) == [
        "id",
        "decided_at",
        "subject",
        "verdict",
        "outcome",
        "certain",
        "outcome_certain",
        "possible_outcomes",
        "exact",
        "scores",
        "grades",
        "reasons",
        "missing",
        "next",
        "data_problems",
        "override",
        "suspended",
        "rule_set",
        "summary",
    ]


async def test_half_a_lead_is_undecided_and_says_what_to_ask(shared_office: Office) -> None:
    """Missing facts are asked for, the most decisive first; final closes the question."""
    half = {"email": "ann@haulage.example", "country": "DE"}
    undecided = await shared_office.decided(lead=half)
    assert undecided["verdict"] == "undecided"
    assert undecided["missing"][0]["attribute"] == "vehicles"
    assert undecided["next"]["action"] == "ask"
    closed = await shared_office.decided(lead=half, final=True)
    assert (closed["verdict"], closed["certain"]) == ("disqualify", False)


async def test_a_decision_is_committed_before_it_is_answered(shared_office: Office) -> None:
    """Whoever has the answer finds the decision, from any connection."""
    decision = await shared_office.decided(lead=LARGE_FLEET, source="pricing-page")
    async with transaction(shared_office.served.app.house.engine) as connection:
        row = (
            await connection.execute(
                text("SELECT * FROM decision WHERE id = :id"),
                {"id": parse_id(decision["id"], "dec")},
            )
        ).one()
    assert (row.verdict, row.outcome, row.source) == ("qualify", "tier_a", "pricing-page")
    assert row.facts["vehicles"] == 300
    assert row.tabled == {"ann@haulage.example": "haulage.example"}
    assert row.latency_us > 0
    assert "haulage" not in str(row.trace)


@pytest.mark.parametrize(
    ("lead", "codes"),
    [
        ({"vehicles": "1,250"}, {"vehicles": "not_a_number"}),
        ({"vehicles": -1}, {"vehicles": "out_of_range"}),
        ({"vehicles": {"a": 1}, "country": []}, {"vehicles": "not_a_number", "country": "x"}),
        ({"vehicels": 4}, {"vehicels": "undeclared"}),
        ({"vehicles": 10**400}, {"vehicles": "out_of_range"}),
        ({"": 1, "x" * 5_000: 2}, {"": "undeclared", "x" * 64: "undeclared"}),
    ],
)
async def test_data_that_cannot_be_read_is_never_an_error(
    shared_office: Office, lead: dict[str, Any], codes: dict[str, str]
) -> None:
    """A value that cannot be read counts as missing and is listed, without the value."""
    if lead.get("vehicles") == 10**400:
        lead = {"vehicles": 1e300}
    decision = await shared_office.decided(lead=lead)
    assert {problem["attribute"] for problem in decision["data_problems"]} == set(codes)
    for problem in decision["data_problems"]:
        wanted = codes[problem["attribute"]]
        assert wanted in {problem["code"], "x"}
        assert "1,250" not in problem["message"]


MALFORMED: list[tuple[str, dict[str, Any], str, str]] = [
    ("nobody to judge", {}, "validation_failed", "/lead"),
    ("two to judge", {"lead": {}, "account": {}}, "validation_failed", "/account"),
    ("facts and a key", {"account": {}, "account_key": "a"}, "validation_failed", "/account_key"),
    ("an unknown member", {"lead": {}, "leed": 1}, "validation_failed", "/leed"),
    ("final as a text", {"lead": {}, "final": "yes"}, "validation_failed", "/final"),
    ("final as a number", {"lead": {}, "final": 1}, "validation_failed", "/final"),
    ("facts as a list", {"lead": [1]}, "validation_failed", "/lead"),
    ("an odd explain", {"lead": {}, "explain": "loud"}, "validation_failed", "/explain"),
    ("version nought", {"lead": {}, "at_version": 0}, "validation_failed", "/at_version"),
    ("a version too far", {"lead": {}, "at_version": 2**31}, "validation_failed", "/at_version"),
    ("a bad slug", {"lead": {}, "rule_set": "Fleet!"}, "validation_failed", "/rule_set"),
    ("a long id", {"lead": {}, "external_id": "x" * 256}, "validation_failed", "/external_id"),
    ("an id with a tab", {"lead": {}, "external_id": "a\tb"}, "validation_failed", "/external_id"),
    ("the other subject", {"account": {}}, "wrong_subject", "/account"),
    ("an account's key", {"account_key": "none"}, "account_not_found", ""),
]


@pytest.mark.parametrize(
    ("question", "code", "pointer"),
    [pytest.param(*rest, id=name) for name, *rest in MALFORMED],
)
async def test_a_question_that_cannot_be_asked_is_refused_with_its_place(
    shared_office: Office, question: dict[str, Any], code: str, pointer: str
) -> None:
    """What is wrong in our own members is a problem with a pointer."""
    answer = await shared_office.qualify(**question)
    assert 400 <= answer.status_code < 500
    problem = answer.json()
    assert problem["code"] == code
    if pointer:
        assert pointer in {error["pointer"] for error in problem["errors"]}


async def test_unknown_rules_and_versions_are_404_and_unreleased_ones_409(
    shared_office: Office,
) -> None:
    """Each way in which there are no rules to decide by has its own code."""
    for question, status, code in (
        ({"rule_set": "nobody"}, 404, "rule_set_not_found"),
        ({"at_version": 99}, 404, "version_not_found"),
        ({"rule_set": "nobody", "at_version": 1}, 404, "rule_set_not_found"),
    ):
        answer = await shared_office.qualify(lead={}, **question)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    made = {"rule_set": "unborn", "subject": "lead"}
    await shared_office.served.ask("POST", "/v1/rule-sets", json=made)
    answer = await shared_office.qualify(rule_set="unborn", lead={})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_live")


async def test_a_question_without_rules_is_refused(shared_office: Office) -> None:
    """A secret key is bound to no rule set, so the question has to name one."""
    answer = await shared_office.served.ask("POST", "/v1/qualify", json={"lead": {}})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/rule_set"


async def test_a_dry_run_keeps_nothing(office: Office) -> None:
    """A dry run decides alike and leaves no row, even under a key."""
    wet = await office.decided(lead=LARGE_FLEET)
    headers = {"Idempotency-Key": "dry"}
    dry = (await office.qualify(headers=headers, lead=LARGE_FLEET, dry_run=True)).json()
    assert dry["id"] is None
    assert dry["reasons"] == wet["reasons"]
    assert await office.count() == 1
    again = await office.qualify(headers=headers, lead=SMALL_FLEET)
    assert again.status_code == 200
    assert "idempotency-replayed" not in again.headers


async def test_full_explanations_add_the_rules_that_were_not(shared_office: Office) -> None:
    """`explain: full` lists every rule, and begins with what the short answer holds."""
    short = await shared_office.decided(lead=LARGE_FLEET)
    full = await shared_office.decided(lead=LARGE_FLEET, explain="full")
    assert full["reasons"][: len(short["reasons"])] == short["reasons"]
    assert {"medium", "small"} <= {reason["rule"] for reason in full["reasons"]}


class TestUnderAKey:
    """Idempotency-Key on a decision."""

    async def test_a_repeat_gets_the_same_bytes(self, office: Office) -> None:
        """Same key and body: the first answer, byte for byte, and one decision."""
        headers = {"Idempotency-Key": '"a-form-1"'}
        first = await office.qualify(headers=headers, lead=LARGE_FLEET)
        again = await office.qualify(headers={"Idempotency-Key": "a-form-1"}, lead=LARGE_FLEET)
        assert first.content == again.content
        assert "idempotency-replayed" not in first.headers
        assert again.headers["idempotency-replayed"] == "true"
        assert await office.count() == 1

    async def test_another_body_is_refused(self, office: Office) -> None:
        """Same key, other body: 422, and nothing more is kept."""
        headers = {"Idempotency-Key": "a-form-2"}
        await office.qualify(headers=headers, lead=LARGE_FLEET)
        other = await office.qualify(headers=headers, lead=SMALL_FLEET)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        assert await office.count() == 1

    async def test_a_refusal_is_not_kept(self, office: Office) -> None:
        """What was refused can be corrected and sent again under its key."""
        headers = {"Idempotency-Key": "a-form-3"}
        refused = await office.qualify(headers=headers, lead=LARGE_FLEET, rule_set="nobody")
        assert refused.status_code == 404
        assert (await office.qualify(headers=headers, lead=LARGE_FLEET)).status_code == 200

    async def test_twenty_at_once_make_one_decision(self, office: Office) -> None:
        """Simultaneous requests with one key all get the one decision's answer."""
        headers = {"Idempotency-Key": "rush"}
        asked = (office.qualify(headers=headers, lead=LARGE_FLEET) for _ in range(20))
        answers = await asyncio.gather(*asked)
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        assert await office.count() == 1

    async def test_keys_of_two_callers_never_meet(self, office: Office) -> None:
        """The same key in two hands is two keys."""
        headers = {"Idempotency-Key": "mine"}
        other = await office.served.new_key("decide")
        first = await office.qualify(headers=headers, lead=LARGE_FLEET)
        second = await office.qualify(key=other, headers=headers, lead=SMALL_FLEET)
        assert first.json()["id"] != second.json()["id"]

    async def test_the_kept_answer_knows_its_decision(self, office: Office) -> None:
        """Erasing a decision's facts can find the answers that repeat them."""
        decision = (await office.qualify(headers={"Idempotency-Key": "k"}, lead={})).json()
        async with transaction(office.served.app.house.engine) as connection:
            kept = (await connection.execute(text("SELECT decision_id FROM idempotency"))).scalar()
        assert isinstance(kept, UUID)
        assert kept == parse_id(decision["id"], "dec")


class TestAPublishableKey:
    """What a web page may ask and is told."""

    async def test_it_gets_verdict_next_and_questions_only(self, shared_office: Office) -> None:
        """The answer to a stranger holds nothing from which rules could be learnt."""
        question = {"lead": {"country": "DE"}, "source": "form"}
        answer = await shared_office.ask_publicly("POST", "/v1/qualify", question)
        assert answer.status_code == 200
        told = answer.json()
        assert set(told) == {"id", "verdict", "next", "missing"}
        assert told["verdict"] == "undecided"
        assert set(told["next"]) == {"action", "url", "message"}
        assert [set(question) for question in told["missing"]] == [
            {"attribute", "label", "ask"}
        ] * len(told["missing"])
        assert told["missing"][0]["ask"] == "How many vehicles do you run?"
        for secret in ("fit", "tier", "large", "score", "200"):
            assert secret not in answer.text

    @pytest.mark.parametrize(
        "more",
        [
            {"explain": "full"},
            {"dry_run": True},
            {"dry_run": False},
            {"at_version": 1},
            {"rule_set": "fleet_accounts"},
            {"account_key": "north"},
        ],
    )
    async def test_it_may_say_nothing_else(
        self, shared_office: Office, more: dict[str, Any]
    ) -> None:
        """Every other member is refused, whatever its value."""
        question = {"lead": {}} | more
        answer = await shared_office.ask_publicly("POST", "/v1/qualify", question)
        assert answer.status_code == 422
        assert f"/{next(iter(more))}" in {e["pointer"] for e in answer.json()["errors"]}

    async def test_it_opens_no_other_door(self, shared_office: Office) -> None:
        """Batches and the past are for secret keys."""
        decision = await shared_office.decided(lead=LARGE_FLEET)
        for method, path in (
            ("POST", "/v1/qualify/batch"),
            ("GET", "/v1/decisions"),
            ("GET", f"/v1/decisions/{decision['id']}"),
            ("GET", f"/v1/decisions/{decision['id']}/explanation?audience=subject"),
        ):
            answer = await shared_office.ask_publicly(method, path)
            assert (answer.status_code, answer.json()["code"]) == (403, "publishable_key")


class TestReleases:
    """Which version decides."""

    async def test_a_release_is_followed_from_its_instant_on(self, office: Office) -> None:
        """Decisions before a release's instant are by the old version, after it by the new."""
        stricter = edited("vehicles >= 200", "vehicles >= 250")
        await release(office.served.app.house, stricter)
        async with transaction(office.served.app.house.engine) as connection:
            query = text("SELECT max(effective_at) FROM rule_set_release")
            effective_at = (await connection.execute(query)).scalar_one().isoformat()
        versions = set()
        for _ in range(60):
            decision = await office.decided(lead=LARGE_FLEET)
            version = decision["rule_set"]["version"]
            is_after = decision["decided_at"][:26] >= effective_at[:26]
            assert version == (2 if is_after else 1)
            versions.add(version)
            if version == 2:
                break
            await asyncio.sleep(0.05)
        assert versions == {1, 2}

    async def test_a_version_may_be_asked_for(self, office: Office) -> None:
        """`at_version` decides by that version, live or not."""
        stricter = edited("vehicles >= 200", "vehicles >= 400")
        await release(office.served.app.house, stricter)
        lead = LARGE_FLEET
        assert (await office.decided(lead=lead, at_version=1))["scores"]["fit"]["value"] == 65
        assert (await office.decided(lead=lead, at_version=2))["scores"]["fit"]["value"] == 50

    async def test_a_release_it_had_not_heard_of_makes_it_decide_again(
        self, database_url: str
    ) -> None:
        """A version chosen from releases read before is checked, and judged anew by the next."""
        ahead = timedelta(0)
        async with serving(database_url, clock=lambda: datetime.now(UTC) + ahead) as served:
            office = Office(served, public_key="")
            await release(served.app.house, FLEET_LEADS)
            assert (await office.decided(lead=LARGE_FLEET))["rule_set"]["version"] == 1
            await release(served.app.house, edited("points: 20", "points: 30"))
            assert (await office.decided(lead=LARGE_FLEET))["rule_set"]["version"] == 1
            ahead = LEAD + timedelta(seconds=5)
            assert (await office.decided(lead=LARGE_FLEET))["rule_set"]["version"] == 2

    async def test_nothing_is_written_under_moved_releases(self, office: Office) -> None:
        """The writer refuses a decision if another version is live at its instant."""
        house, live = office.served.app.house, office.served.app.api.state.live
        known = await live.version_at("fleet_leads", house.clock())
        await release(house, edited("points: 20", "points: 30"))
        entry = entry_of(known, house, at=house.clock() + LEAD + timedelta(seconds=1))
        with pytest.raises(ReleasesMoved):
            async with transaction(house.engine) as connection:
                await write(connection, [entry])
        assert await office.count() == 0

    async def test_a_release_for_later_stops_nothing(self, office: Office) -> None:
        """What was chosen before a release is written, as long as it is live at its instant."""
        house, live = office.served.app.house, office.served.app.api.state.live
        known = await live.version_at("fleet_leads", house.clock())
        await release(house, edited("points: 20", "points: 30"))
        await release(house, FLEET_ACCOUNTS.replace("points: 30", "points: 31"))
        entries = [entry_of(known, house, at=house.clock()) for _ in range(3)]
        async with transaction(house.engine) as connection:
            await write(connection, entries)
        assert await office.count() == len(entries)


def entry_of(running: Running, house: House, *, at: datetime) -> Entry:
    """Return what is to be kept of a decision by *running* at an instant."""
    caller = Caller(key_id=UUID(int=1), kind=KeyKind.SECRET, prefix="gf_sk_", person="ann")
    question = question_of(QuestionSent(rule_set=running.slug, lead=LARGE_FLEET), caller)
    decision_id = house.new_uuid(at)
    subject = Subject(facts=LARGE_FLEET)
    judged = judge(question, subject, running, at=at, decision_id=decision_id)
    record = record_of(
        judged, question, decision_id=decision_id, account_id=None, latency=timedelta(0)
    )
    return Entry(
        record=record, answer=judged.answer, claim=None, epoch=running.epoch, assessed=None
    )
