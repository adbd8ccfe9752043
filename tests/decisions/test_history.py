"""`/v1/decisions`: what was decided, why, and whether it would be again."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from service.storage import libpq_url, parse_id
from tests.decisions.conftest import Office
from tests.decisions.rules import FLEET_LEADS, LARGE_FLEET, SMALL_FLEET, edited, release

pytestmark = pytest.mark.anyio

TEMPLATES = Path(__file__).parents[2] / "service/rules/templates"
LEADS: list[dict[str, Any]] = [
    LARGE_FLEET,
    SMALL_FLEET,
    {},
    {"email": "ann@haulage.example", "country": "DE"},
    {"email": "Ann@Haulage.EXAMPLE ", "vehicles": "120", "country": "Nowhere", "tools": "sap; x;"},
    {"vehicles": "1,250", "vehicels": 3, "has_budget": "yes", "email_clicks": 0.1},
    {"email": "x@bigfleet.example", "tools": ["", "sap", "samsara"], "email_clicks": 1e15},
]


async def ask(office: Office, path: str, method: str = "GET", **rest: Any) -> Any:  # noqa: ANN401 - JSON
    """Return the JSON at *path* below the decisions."""
    answer = await office.served.ask(method, f"/v1/decisions{path}", **rest)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("lead", LEADS)
@pytest.mark.parametrize("final", [False, True])
async def test_a_decision_reads_back_byte_for_byte(
    shared_office: Office, lead: dict[str, Any], *, final: bool
) -> None:
    """Read, and replayed, a stored decision is rendered to the bytes of its first answer."""
    first = await shared_office.qualify(lead=lead, final=final, external_id="b-1")
    where = f"/v1/decisions/{first.json()['id']}"
    read = await shared_office.served.ask("GET", where)
    assert read.content == first.content
    replayed = await shared_office.served.ask("POST", f"{where}/replay")
    assert replayed.status_code == 200
    assert replayed.content == (
        b'{"identical":true,"differences":[],"decision":' + first.content + b"}"
    )


async def test_a_full_answer_reads_back_in_full(shared_office: Office) -> None:
    """`explain=full` gives the bytes of an answer that was asked for in full."""
    first = await shared_office.qualify(lead=LARGE_FLEET, explain="full")
    where = f"/v1/decisions/{first.json()['id']}?explain=full"
    assert (await shared_office.served.ask("GET", where)).content == first.content


@pytest.mark.parametrize(
    ("slug", "source"),
    [(path.stem, path.read_text(encoding="utf-8")) for path in sorted(TEMPLATES.glob("*.yaml"))],
    ids=lambda value: value[:20],
)
async def test_every_template_decides_and_replays(
    shared_office: Office, slug: str, source: str
) -> None:
    """Each rule set we ship goes live, judges its own test facts, and replays identically."""
    house = shared_office.served.app.house
    await release(house, source)
    live = shared_office.served.app.api.state.live
    running = await live.version_at(slug, house.clock())
    tests = running.rules.document.tests
    assert tests
    for test in tests:
        question = {"rule_set": running.slug, running.rules.subject: test.facts}
        answer = await shared_office.served.ask("POST", "/v1/qualify", json=question)
        assert answer.status_code == 200, answer.text
        replayed = await ask(shared_office, f"/{answer.json()['id']}/replay", "POST")
        assert replayed["identical"], replayed["differences"]
        assert replayed["decision"] == answer.json()


async def test_a_decision_is_of_its_version_for_ever(office: Office) -> None:
    """Later releases change neither how a decision reads nor how it replays."""
    first = await office.qualify(lead=LARGE_FLEET)
    await release(office.served.app.house, edited("points: 40", "points: 1"))
    where = f"/v1/decisions/{first.json()['id']}"
    assert (await office.served.ask("GET", where)).content == first.content
    assert (await ask(office, f"/{first.json()['id']}/replay", "POST"))["identical"]


class TestTheList:
    """Newest first, by filters, a page at a time."""

    async def test_pages_hold_every_decision_once(self, office: Office) -> None:
        """Following the cursor or the link visits each decision once, newest first."""
        made = [(await office.decided(lead=SMALL_FLEET))["id"] for _ in range(7)]
        seen = []
        path = "/v1/decisions?limit=3"
        while path:
            answer = await office.served.ask("GET", path)
            page = answer.json()
            seen += [decision["id"] for decision in page["data"]]
            link = answer.headers.get("link", "")
            assert bool(link) == bool(page["next_cursor"])
            path = link.removeprefix("<").partition(">")[0]
        assert seen == made[::-1]

    async def test_each_filter_leaves_out_the_others(self, office: Office) -> None:
        """Every filter alone finds its decisions and no other."""
        before = datetime.now(UTC)
        large = await office.decided(lead=LARGE_FLEET, external_id="crm-7")
        small = await office.decided(lead=SMALL_FLEET)
        both = {large["id"], small["id"]}
        hour = timedelta(hours=1)
        for query, wanted in {
            "rule_set=fleet_leads": both,
            "rule_set=fleet_accounts": set(),
            "verdict=qualify": {large["id"]},
            "verdict=disqualify&rule_set=fleet_leads": {small["id"]},
            "outcome=consumer": {small["id"]},
            "external_id=crm-7": {large["id"]},
            "external_id=crm-8": set(),
            "account=north": set(),
            f"from={before:%Y-%m-%dT%H:%M:%SZ}": both,
            f"from={before + hour:%Y-%m-%dT%H:%M:%SZ}": set(),
            f"to={before:%Y-%m-%dT%H:%M:%SZ}": set(),
            f"to={large['decided_at']}": set(),
            f"from={large['decided_at']}&to={small['decided_at']}": {large["id"]},
        }.items():
            found = await ask(office, f"?{query}")
            assert {decision["id"] for decision in found["data"]} == wanted, query

    @pytest.mark.parametrize(
        ("query", "parameter"),
        [
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("verdict=maybe", "verdict"),
            ("from=yesterday", "from"),
            ("from=2026-01-01T00:00:00", "from"),
            ("cursor=x", "cursor"),
        ],
    )
    async def test_a_filter_that_cannot_be_read_is_named(
        self, shared_office: Office, query: str, parameter: str
    ) -> None:
        """A bad parameter is a 422 that names it."""
        answer = await shared_office.served.ask("GET", f"/v1/decisions?{query}")
        assert answer.status_code == 422
        assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]

    async def test_a_cursor_goes_with_its_filters(self, office: Office) -> None:
        """A cursor of one list does not silently continue another."""
        for _ in range(2):
            await office.decided(lead=SMALL_FLEET)
        cursor = (await ask(office, "?limit=1"))["next_cursor"]
        path = f"/v1/decisions?verdict=qualify&cursor={cursor}"
        assert (await office.served.ask("GET", path)).json()["code"] == "invalid_cursor"


@pytest.mark.parametrize(
    ("id_", "status", "code"),
    [
        ("dec_01m82amv90f7assrm6pf8d3pr0", 404, "decision_not_found"),
        ("dec_7zzzzzzzzzzzzzzzzzzzzzzzzz", 404, "decision_not_found"),
        ("dec_00000000000000000000000000", 404, "decision_not_found"),
        ("acc_01m82amv90f7assrm6pf8d3pr0", 422, "invalid_id"),
        ("x", 422, "invalid_id"),
    ],
)
async def test_ids_of_nothing_find_nothing(
    shared_office: Office, id_: str, status: int, code: str
) -> None:
    """An id that was never given out is 404, a text that is none 422."""
    for method, rest in (("GET", ""), ("GET", "/explanation"), ("POST", "/replay")):
        answer = await shared_office.served.ask(method, f"/v1/decisions/{id_}{rest}")
        assert (answer.status_code, answer.json()["code"]) == (status, code)


class TestExplanations:
    """Why, for two audiences."""

    async def test_ops_get_every_rule_and_the_facts(self, shared_office: Office) -> None:
        """For ops the explanation holds all rules and what was read."""
        decision = await shared_office.decided(lead=LARGE_FLEET)
        told = await ask(shared_office, f"/{decision['id']}/explanation")
        assert told["facts"] == LARGE_FLEET
        rules = {reason["rule"] for reason in told["reasons"]}
        assert {"large", "medium", "small", "home", "decider", "stack", "clicks"} <= rules
        assert {"is_consumer", "named_account", "tier_a"} <= rules
        assert told["summary"] == decision["summary"]

    async def test_the_person_gets_words_and_own_values_only(self, office: Office) -> None:
        """No rule, score, threshold or outcome is named to the person concerned."""
        worded = edited(
            "{id: decider, when: 'seniority >= \"director\"', points: 20}",
            "{id: decider, when: 'seniority >= \"director\"', points: 20,"
            " reason: You can decide yourself}",
        )
        assert worded != FLEET_LEADS
        await release(office.served.app.house, worded.replace("fleet_leads", "worded_leads"))
        decision = await office.decided(rule_set="worded_leads", lead=LARGE_FLEET)
        told = await ask(office, f"/{decision['id']}/explanation?audience=subject")
        assert set(told) == {
            "id",
            "decided_at",
            "verdict",
            "by_person",
            "message",
            "url",
            "reasons",
            "values",
            "questions",
        }
        assert told["reasons"] == ["You can decide yourself"]
        assert {"label": "Fleet size", "value": 300} in told["values"]
        assert (told["message"], told["url"]) == ("Pick a time", "/book")
        for secret in ("tier_a", "fit", "large", "200", "points", "director"):
            assert secret not in str(told)

    async def test_an_audience_is_one_of_two(self, shared_office: Office) -> None:
        """Nobody else is told anything."""
        decision = await shared_office.decided(lead=LARGE_FLEET)
        where = f"/v1/decisions/{decision['id']}/explanation?audience=press"
        assert (await shared_office.served.ask("GET", where)).status_code == 422


def as_owner(office: Office, change: LiteralString, decision: dict[str, Any]) -> None:
    """Change a stored decision as only the schema's owner may."""
    statement = sql.SQL("UPDATE decision SET {} WHERE id = %s").format(sql.SQL(change))
    url = office.served.app.house.engine.url.render_as_string(hide_password=False)
    with psycopg.connect(libpq_url(url)) as connection:
        done = connection.execute(statement, [parse_id(decision["id"], "dec")])
        assert done.rowcount == 1


async def test_a_decision_without_facts_keeps_its_skeleton(office: Office) -> None:
    """Once facts are erased, replay and explanation are 410 with what is left; it still reads."""
    decision = await office.decided(lead=LARGE_FLEET, external_id="crm-9")
    where = f"/v1/decisions/{decision['id']}"
    as_owner(
        office,
        "facts = NULL, tabled = NULL, external_id = NULL, facts_erased_at = now()",
        decision,
    )
    for method, rest in (("POST", "/replay"), ("GET", "/explanation")):
        answer = await office.served.ask(method, where + rest)
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (410, "facts_erased")
        skeleton = problem["decision"]
        assert (skeleton["verdict"], skeleton["outcome"]) == ("qualify", "tier_a")
        assert skeleton["scores"] == decision["scores"]
        assert "haulage" not in answer.text
    read = await office.served.ask("GET", where)
    assert (read.status_code, read.json()) == (200, skeleton)


async def test_a_replay_that_differs_says_where(office: Office) -> None:
    """Should a stored result ever not come out again, replay names each member that differs."""
    decision = await office.decided(lead=LARGE_FLEET)
    as_owner(office, "outcome = 'tier_b', verdict = 'review'", decision)
    replayed = await ask(office, f"/{decision['id']}/replay", "POST")
    assert not replayed["identical"]
    assert {d["member"]: (d["stored"], d["replayed"]) for d in replayed["differences"]} == {
        "verdict": ("review", "qualify"),
        "outcome": ("tier_b", "tier_a"),
    }
    read = await ask(office, f"/{decision['id']}")
    assert (read["outcome"], "reasons" in read) == ("tier_b", False)
    where = f"/v1/decisions/{decision['id']}/explanation"
    answer = await office.served.ask("GET", where)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_replayable")
