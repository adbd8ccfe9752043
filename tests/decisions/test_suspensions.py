"""Suspensions: a rule that many accounts share may not blame one of them, and decisions say so."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from service.decisions import Suspending, suspend
from service.decisions.suspended import Suspension, applying
from service.rules import load_rule_set
from service.rulesets import Editor
from service.storage import libpq_url, parse_id, to_text, transaction
from tests.decisions.rules import release
from tests.decisions.words import Hands
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio

RULES = """\
rule_set: care
subject: account
missing: ask
attributes:
  customer_since: {type: date}
  segment: {type: choice, choices: [core, outside]}
  vip: {type: flag}
  hours: {type: number, min: 0, ask: How many hours?}
scores:
  conduct:
    floor: -100
    ceiling: 0
    groups:
      - id: signals
        rules:
          - {id: asks_much, when: hours > 18, points: -40}
          - {id: asks_very_much, when: hours > 90, points: -40}
outcomes:
  - {id: bad, verdict: disqualify, when: conduct <= -80}
  - {id: talk, verdict: review, when: conduct <= -40}
  - {id: fine, verdict: qualify}
"""
CAUSE = "Onboarding cohort 2026-Q1: 19 of 42 accounts ask for more than 6 support hours a month."


@pytest.fixture
async def care(database_url: str) -> AsyncIterator[Served]:
    """Return an application with rules that blame, and two accounts that they blame."""
    hands = Hands.now()
    async with serving(database_url, clock=hands, is_attended=False) as served:
        await release(served.app.house, RULES)
        hands.at += timedelta(seconds=5)
        for key, since in (("spring", "2026-02-11"), ("winter", "2025-11-30")):
            facts = {"customer_since": since, "segment": "core", "hours": 30}
            answer = await served.ask("PUT", f"/v1/accounts/{key}", json={"facts": facts})
            assert answer.status_code == 201, answer.text
        yield served


def editor_of(served: Served) -> Editor:
    """Return who suspends."""
    house = served.app.house
    return Editor(person="goodfit", at=house.clock(), new_uuid=house.new_uuid)


async def suspended(served: Served, **said: Any) -> str:  # noqa: ANN401 - a suspension's members
    """Suspend `asks_much` for the cohort, or as is *said*, and return the id."""
    what = {"rule_set": "care", "part": "asks_much", "slice": "cohort", "value": "2026-Q1"}
    async with transaction(served.app.house.engine) as connection:
        found = await suspend(
            connection, Suspending(**(what | {"cause": CAUSE} | said)), editor=editor_of(served)
        )
    assert found is not None
    return to_text("sus", found)


async def qualified(served: Served, key: str, **said: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Decide a stored account, finally."""
    sent = {"rule_set": "care", "account_key": key, "final": True} | said
    answer = await served.ask("POST", "/v1/qualify", json=sent)
    assert answer.status_code == 200, answer.text
    decision: dict[str, Any] = answer.json()
    return decision


async def test_a_suspended_rule_blames_nobody_of_its_group(care: Served) -> None:
    """The decision comes out as if the rule were not met, and says so three times."""
    assert (await qualified(care, "spring"))["outcome"] == "talk"
    suspension = await suspended(care)
    decision = await qualified(care, "spring")
    assert (decision["outcome"], decision["scores"]["conduct"]["value"]) == ("fine", 0)
    assert decision["suspended"] == [
        {"part": "asks_much", "suspension": suspension, "cause": CAUSE}
    ]
    (reason,) = [one for one in decision["reasons"] if one["kind"] == "suspended"]
    assert (reason["rule"], reason["text"]) == (
        "asks_much",
        "`asks_much` is suspended and counts as no",
    )
    said = " `asks_much` is suspended: too many accounts share it to blame one."
    assert decision["summary"].endswith(said)
    assert await read_decision_of(care, decision) == decision


async def read_decision_of(served: Served, decision: dict[str, Any]) -> dict[str, Any]:
    """Return a stored decision as it reads now."""
    answer = await served.ask("GET", f"/v1/decisions/{decision['id']}")
    assert answer.status_code == 200, answer.text
    read_now: dict[str, Any] = answer.json()
    return read_now


async def test_others_are_decided_as_before(care: Served) -> None:
    """Another cohort, and an account without the fact, are under no suspension."""
    before = await qualified(care, "winter")
    await suspended(care)
    after = await qualified(care, "winter")
    assert (after["outcome"], after["suspended"]) == ("talk", [])
    assert after["summary"] == before["summary"]
    sent = {"rule_set": "care", "account": {"hours": 30}, "final": True}
    stranger = (await care.ask("POST", "/v1/qualify", json=sent)).json()
    assert (stranger["outcome"], stranger["suspended"]) == ("talk", [])


async def test_facts_that_are_sent_are_judged_alike(care: Served) -> None:
    """An account need not be stored to be of the group."""
    await suspended(care)
    sent = {
        "rule_set": "care",
        "account": {"customer_since": "2026-03-31", "hours": 30},
        "final": True,
    }
    decision = (await care.ask("POST", "/v1/qualify", json=sent)).json()
    assert (decision["outcome"], len(decision["suspended"])) == ("fine", 1)


async def test_an_outcome_and_everybody_can_be_suspended(care: Served) -> None:
    """The next outcome follows; an open question is judged alike."""
    await suspended(care, part="outcome:talk", slice="", value="")
    assert (await qualified(care, "winter"))["outcome"] == "fine"
    decision = await qualified(care, "winter", final=False)
    assert decision["outcome"] == "fine"
    assert [one["part"] for one in decision["suspended"]] == ["outcome:talk"]


async def test_a_part_that_the_version_has_not_is_not_suspended(care: Served) -> None:
    """An older suspension does no harm to rules that were rewritten."""
    await suspended(care, part="gone_by_now")
    assert (await qualified(care, "spring"))["suspended"] == []


async def test_what_was_decided_replays_exactly_when_it_is_over(care: Served) -> None:
    """Identical, byte for byte, whatever is suspended now; so does what was decided before."""
    first = await qualified(care, "spring")
    suspension = await suspended(care)
    second = await qualified(care, "spring")
    path = f"/v1/suspensions/{suspension}/end"
    assert (await care.ask("POST", path, json={"reason": "mended"})).status_code == 200
    third = await qualified(care, "spring")
    assert (third["outcome"], third["suspended"]) == ("talk", [])
    for decision in (first, second, third):
        answer = await care.ask("POST", f"/v1/decisions/{decision['id']}/replay", json={})
        assert answer.json() == {"identical": True, "differences": [], "decision": decision}


async def test_the_trace_without_suspensions_is_kept_for_whoever_counts(
    care: Served, database_url: str
) -> None:
    """It is the one of a decision under none, and a replay holds it to that."""
    first = await qualified(care, "spring")
    await suspended(care)
    second = await qualified(care, "spring")
    query = "SELECT trace, trace_before, suspended FROM decision WHERE id = %s"
    with psycopg.connect(libpq_url(database_url)) as connection:
        of = {
            name: connection.execute(query, [parse_id(one["id"], "dec")]).fetchall()[0]
            for name, one in (("first", first), ("second", second))
        }
        plain, nothing, none = of["first"]
        trace, before, names = of["second"]
        assert (nothing, none) == (None, None)
        assert (before, names) == (plain, ["asks_much"])
        assert trace != plain
        connection.execute(
            "UPDATE decision SET trace_before = jsonb_set(trace_before, '{checks}', '\"nn\"')"
            " WHERE id = %s",
            [parse_id(second["id"], "dec")],
        )
    answer = await care.ask("POST", f"/v1/decisions/{second['id']}/replay", json={})
    assert answer.json()["identical"] is False
    assert [one["member"] for one in answer.json()["differences"]] == ["trace_before"]


class TestEnding:
    """`/v1/suspensions`."""

    async def test_a_person_ends_one_with_a_reason(self, care: Served) -> None:
        """Once; the list and the audit say who and why."""
        suspension = await suspended(care, evidence={"yes": 19, "known": 42})
        listed = (await care.ask("GET", "/v1/suspensions?rule_set=care&in_force=true")).json()
        assert [one["id"] for one in listed["data"]] == [suspension]
        assert listed["data"][0]["group"] == {"slice": "cohort", "value": "2026-Q1"}
        key = await care.new_key("rules:publish", person="bo@example.com")
        path = f"/v1/suspensions/{suspension}"
        ended = await care.ask("POST", f"{path}/end", json={"reason": "it is theirs"}, key=key)
        assert (ended.json()["state"], ended.json()["ended"]["by"]) == ("ended", "bo@example.com")
        assert (await care.ask("GET", path)).json() == ended.json()
        assert (await care.ask("GET", "/v1/suspensions?in_force=true")).json()["data"] == []
        assert len((await care.ask("GET", "/v1/suspensions?in_force=false")).json()["data"]) == 1
        again = await care.ask("POST", f"{path}/end", json={"reason": "it is theirs"})
        assert (again.status_code, again.json()["code"]) == (409, "suspension_ended")
        entries = (await care.ask("GET", "/v1/audit?limit=200")).json()["data"]
        told = [one["action"] for one in entries if one["subject"] == suspension]
        assert sorted(told) == ["decisions.end_suspension", "decisions.suspend"]

    async def test_it_is_over_when_its_time_is(self, care: Served) -> None:
        """Then there is nothing to end, and the rule counts again."""
        until = care.app.house.clock() + timedelta(milliseconds=40)
        suspension = await suspended(care, until=until)
        while care.app.house.clock() < until:
            pass
        assert (await qualified(care, "spring"))["suspended"] == []
        shown = (await care.ask("GET", f"/v1/suspensions/{suspension}")).json()
        assert shown["state"] == "over"
        path = f"/v1/suspensions/{suspension}/end"
        answer = await care.ask("POST", path, json={"reason": "too late"})
        assert (answer.status_code, answer.json()["code"]) == (409, "suspension_ended")

    async def test_one_part_of_one_group_is_suspended_once(self, care: Served) -> None:
        """A second one changes nothing."""
        await suspended(care)
        what = Suspending(
            rule_set="care", part="asks_much", slice="cohort", value="2026-Q1", cause="again"
        )
        async with transaction(care.app.house.engine) as connection:
            assert await suspend(connection, what, editor=editor_of(care)) is None

    async def test_hostile_questions_are_refused(self, care: Served) -> None:
        """With a clear refusal, and never a 5xx."""
        for method, path, sent, status in (
            ("GET", "/v1/suspensions/sus_00000000000000000000000000", None, 404),
            ("GET", "/v1/suspensions/dec_00000000000000000000000000", None, 422),
            ("GET", "/v1/suspensions/%00", None, 404),
            ("GET", "/v1/suspensions?in_force=perhaps", None, 422),
            ("GET", "/v1/suspensions?part=" + "x" * 81, None, 422),
            ("GET", "/v1/suspensions?cursor=zzz", None, 422),
            ("POST", "/v1/suspensions/sus_00000000000000000000000000/end", {"reason": "x"}, 404),
            ("POST", "/v1/suspensions/sus_00000000000000000000000000/end", {"reason": " "}, 422),
            ("POST", "/v1/suspensions/sus_00000000000000000000000000/end", {}, 422),
        ):
            answer = await care.ask(method, path, json=sent)
            assert answer.status_code == status, (path, answer.text)


@pytest.mark.parametrize(
    ("name", "value", "facts"),
    [
        ("cohort", "2026-Q1", {"customer_since": "2026-03-31T23:59:59Z"}),
        ("cohort", "2025-Q4", {"customer_since": "2026-01-01T00:30:00+01:00"}),
        ("segment", "core", {"segment": " core "}),
        ("vip", "true", {"vip": "YES"}),
        ("vip", "false", {"vip": False}),
        ("owner", "12", {"owner": 12}),
        ("owner", "true", {"owner": True}),
    ],
)
def test_who_is_of_a_group(name: str, value: str, facts: dict[str, Any]) -> None:
    """Stored facts are read as a statement's slices read them."""
    rules = load_rule_set(RULES)
    one = Suspension(id=parse_id("sus_0" + "0" * 25, "sus"), part="asks_much", slice=name,
                     value=value, cause="x")  # fmt: skip

    def found(told: dict[str, Any]) -> int:
        admitted = rules.admit(told)
        return len(applying([one], facts=told, admitted=admitted, model=rules.model))

    assert found(facts) == 1
    assert found({}) == 0
    assert found({name: "another"}) == 0
    assert found({name: ["list"]}) == 0
