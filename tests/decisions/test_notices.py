"""`/v1/notices`: what moved is noticed once, stays open while it lasts, and ends by itself."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, event

from service.app import create_app
from service.decisions.noticing import Horizon, notice_drifts
from service.settings import Settings
from service.storage import DatabaseUnavailable, libpq_url, open_engine
from tests.decisions.conftest import Office
from tests.decisions.rules import FLEET_LEADS, LARGE_FLEET, edited, release
from tests.decisions.words import Hands
from tests.web.serving import serving

pytestmark = pytest.mark.anyio

UNKNOWN = "/v1/notices/ntc_01m82amv90f7assrm6pf8d3pr0"
HOURLY = 5


@pytest.fixture
async def timed(database_url: str) -> AsyncIterator[tuple[Office, Hands]]:
    """Return an office whose clock the test moves, with two weeks of steady leads behind it."""
    hands = Hands.now()
    hands.at += timedelta(seconds=5)
    async with serving(database_url, clock=hands) as served:
        await release(served.app.house, FLEET_LEADS)
        office = Office(served, public_key="")
        for _ in range(2):
            await lead_in(office, hands, days=1)
        yield office, hands


async def lead_in(office: Office, hands: Hands, *, days: float, **facts: object) -> None:
    """Let some leads come in every hour for so many days; a fact that is None is not sent."""
    lead = {name: value for name, value in (LARGE_FLEET | facts).items() if value is not None}
    for _ in range(round(24 * days)):
        asked = [{"rule_set": "fleet_leads", "lead": lead}] * HOURLY
        answer = await office.served.ask("POST", "/v1/qualify/batch", json=asked)
        assert answer.status_code == 200, answer.text
        hands.at += timedelta(hours=1)


async def look(office: Office, horizon: Horizon | None = None) -> None:
    """Look as every serving process does every few minutes."""
    app = office.served.app
    await notice_drifts(app.house, app.api.state.live, horizon=horizon)


async def notices(office: Office, query: str = "") -> list[dict[str, Any]]:
    """Return the notices that are listed."""
    answer = await office.served.ask("GET", f"/v1/notices{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def test_a_renamed_field_is_noticed_until_it_is_mended(timed: tuple[Office, Hands]) -> None:
    """The journey: steady, renamed, noticed with the new name, mended, over."""
    office, hands = timed
    await look(office)
    assert await notices(office) == []
    renamed_at = hands.at
    await lead_in(office, hands, days=0.75, has_budget=None, budget="yes")
    await look(office)
    (found,) = await notices(office)
    assert (found["kind"], found["rule_set"], found["topic"]) == (
        "rule_set.drifted", "fleet_leads", "missing/has_budget",
    )  # fmt: skip
    assert (found["attribute"], found["state"], found["version"]) == ("has_budget", "open", 1)
    assert found["before"]["share"] == 0
    assert found["after"]["share"] > 0.5
    assert found["new_names"] == ["budget"]
    assert found["since"][:13] == renamed_at.isoformat()[:13]
    assert "was a form field renamed? new names sent meanwhile: `budget`" in found["summary"]
    hands.at += timedelta(minutes=5)
    await look(office)
    (renewed,) = await notices(office, "?open=true")
    assert (renewed["id"], renewed["since"]) == (found["id"], found["since"])
    assert renewed["last_at"] > found["last_at"]
    await lead_in(office, hands, days=2)
    await look(office)
    (over,) = await notices(office)
    assert (over["id"], over["state"], over["closed_by"]) == (found["id"], "closed", "goodfit")
    assert over["closed_reason"] == "the shares are again as they were"
    await lead_in(office, hands, days=0.5)
    await look(office)
    assert len(await notices(office)) == 1  # the bad hours are not what is usual
    audit = (await office.served.ask("GET", "/v1/audit?limit=50")).json()["data"]
    told = [(entry["action"], entry["actor"]) for entry in audit if entry["subject"] == found["id"]]
    assert told == [("decisions.close_notice", "goodfit"), ("decisions.notice", "goodfit")]


async def test_another_mix_of_verdicts_is_noticed_and_a_release_begins_anew(
    timed: tuple[Office, Hands],
) -> None:
    """Other leads under the same rules are news; other rules are no news at all."""
    office, hands = timed
    await lead_in(office, hands, days=0.75, vehicles=1, seniority="individual", email_clicks=0)
    await look(office)
    (found,) = await notices(office)
    assert (found["topic"], found["attribute"], found["new_names"]) == ("verdicts", None, [])
    mix = {one["name"]: (one["before"], one["after"]) for one in found["mix"]}
    assert mix["qualify"][0] == 1
    assert mix["disqualify"][0] == 0
    assert sum(after for _, after in mix.values()) == pytest.approx(1)
    assert found["moved"] in {"disqualify", "qualify"}
    await release(office.served.app.house, edited("vehicles >= 200", "vehicles >= 250"))
    await lead_in(office, hands, days=0.5, vehicles=1, seniority="individual")
    await look(office)
    (over,) = await notices(office)
    assert (over["state"], over["closed_reason"]) == ("closed", "version 2 is live now")


async def test_what_a_person_closed_stays_closed_while_it_lasts(
    timed: tuple[Office, Hands],
) -> None:
    """Somebody looked; the same is not told again until it was gone for a day."""
    office, hands = timed
    await lead_in(office, hands, days=0.75, has_budget=None)
    await look(office)
    (found,) = await notices(office)
    path = f"/v1/notices/{found['id']}"
    key = await office.served.new_key("rules:write", person="cleo@example.com")
    why = {"reason": "we ask for it later now"}
    closed = await office.served.ask("POST", f"{path}/close", key=key, json=why)
    assert closed.status_code == 200, closed.text
    assert (closed.json()["closed_by"], closed.json()["closed_reason"]) == (
        "cleo@example.com", "we ask for it later now",
    )  # fmt: skip
    again = await office.served.ask("POST", f"{path}/close", key=key, json=why)
    assert (again.status_code, again.json()["code"]) == (409, "notice_closed")
    for _ in range(2):
        hands.at += timedelta(minutes=5)
        await look(office)
    assert [one["id"] for one in await notices(office)] == [found["id"]]
    read = (await office.served.ask("GET", path)).json()
    assert read["last_at"] > closed.json()["last_at"]
    await lead_in(office, hands, days=3)
    await look(office)
    await lead_in(office, hands, days=0.9, has_budget=None)
    await look(office)
    assert [one["state"] for one in await notices(office)] == ["open", "closed"]


async def test_what_lasts_long_becomes_usual(timed: tuple[Office, Hands]) -> None:
    """After as long as the time it is held against, it is closed and not told again."""
    office, hands = timed
    horizon = Horizon(before=timedelta(days=2))
    await lead_in(office, hands, days=0.75, has_budget=None)
    await look(office, horizon)
    for _ in range(4):
        await lead_in(office, hands, days=1, has_budget=None)
        await look(office, horizon)
    (usual,) = await notices(office)
    assert usual["state"] == "closed"
    assert usual["closed_reason"].endswith("it is what is usual now")


async def test_processes_that_look_at_once_make_one_notice(
    timed: tuple[Office, Hands], database_url: str
) -> None:
    """Whoever comes first looks; nobody's look fails."""
    office, hands = timed
    await lead_in(office, hands, days=0.75, has_budget=None)
    engine = open_engine(database_url)
    try:
        other = create_app(Settings(), engine, clock=hands)
        looks = [
            notice_drifts(app.house, app.api.state.live)
            for app in (office.served.app, other, other, office.served.app)
        ]
        await asyncio.gather(*looks)
    finally:
        await engine.dispose()
    assert len(await notices(office)) == 1


@pytest.mark.parametrize("statement", ["INSERT INTO notice", "INSERT INTO audit_entry"])
async def test_a_look_that_is_cut_off_keeps_nothing(
    timed: tuple[Office, Hands], database_url: str, statement: str
) -> None:
    """A notice and its entry in the audit come together or not at all; the next look makes both."""
    office, hands = timed
    await lead_in(office, hands, days=0.75, has_budget=None)
    engine = office.served.app.house.engine.sync_engine

    def cut(connection: Connection, *rest: object) -> None:
        if str(rest[1]).startswith(statement):
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.AsyncConnection)
            with psycopg.connect(libpq_url(database_url), autocommit=True) as ours:
                ours.execute("SELECT pg_terminate_backend(%s, 2000)", [driver.info.backend_pid])

    event.listen(engine, "after_cursor_execute", cut)
    try:
        with pytest.raises(DatabaseUnavailable):
            await look(office)
    finally:
        event.remove(engine, "after_cursor_execute", cut)
    assert await notices(office) == []
    assert "decisions.notice" not in await audited(office)
    await look(office)
    assert len(await notices(office)) == 1
    assert (await audited(office)).count("decisions.notice") == 1


async def audited(office: Office) -> list[str]:
    """Return every action in the audit."""
    answer = await office.served.ask("GET", "/v1/audit?limit=200")
    return [entry["action"] for entry in answer.json()["data"]]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", UNKNOWN, None, 404, "notice_not_found"),
        ("GET", "/v1/notices/dec_01m82amv90f7assrm6pf8d3pr0", None, 422, "invalid_id"),
        ("POST", f"{UNKNOWN}/close", {"reason": "x"}, 404, "notice_not_found"),
        ("POST", f"{UNKNOWN}/close", {}, 422, "validation_failed"),
        ("POST", f"{UNKNOWN}/close", {"reason": ""}, 422, "validation_failed"),
        ("POST", f"{UNKNOWN}/close", {"reason": "x", "by": "me"}, 422, "validation_failed"),
        ("POST", f"{UNKNOWN}/close", [], 422, "validation_failed"),
        ("GET", "/v1/notices?kind=other", None, 422, "validation_failed"),
        ("GET", "/v1/notices?open=perhaps", None, 422, "validation_failed"),
        ("GET", "/v1/notices?cursor=nonsense", None, 422, "invalid_cursor"),
    ],
)
async def test_hostile_requests_are_refused(
    shared_office: Office, *, method: str, path: str, body: object, status: int, code: str
) -> None:
    """Whatever is wrong is said, and nothing is kept."""
    answer = await shared_office.served.ask(method, path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_notices_come_a_page_at_a_time(timed: tuple[Office, Hands]) -> None:
    """Several attributes that vanish are several notices, listed newest first, by cursor."""
    office, hands = timed
    await lead_in(office, hands, days=0.75, seniority=None, country=None, has_budget=None)
    await look(office)
    page = (await office.served.ask("GET", "/v1/notices?rule_set=fleet_leads&limit=2")).json()
    rest = (
        await office.served.ask(
            "GET", f"/v1/notices?rule_set=fleet_leads&limit=2&cursor={page['next_cursor']}"
        )
    ).json()
    topics = [one["topic"] for one in page["data"] + rest["data"]]
    missing = {"missing/seniority", "missing/country", "missing/has_budget"}
    assert missing <= set(topics) <= missing | {"verdicts"}
    assert len(topics) == len(set(topics))
    assert await notices(office, "?rule_set=other") == []


async def test_a_hundred_thousand_decisions_are_looked_at_by_sample(
    timed: tuple[Office, Hands], database_url: str
) -> None:
    """However many there are, only the newest of either side are counted."""
    office, hands = timed
    fill(database_url, hands, number=100_000)
    await look(office)
    (found,) = await notices(office)
    assert found["topic"] == "missing/has_budget"
    assert (found["before"]["of"], found["after"]["of"]) == (20_000, 20_000)
    assert found["after"]["share"] > 0.99


def fill(url: str, hands: Hands, *, number: int) -> None:
    """Copy a stored decision often: over a day without one of its facts, and over weeks with it."""
    copy = """
        INSERT INTO decision (decided_at, id, rule_set, version, digest, meaning, subject, facts,
            final, verdict, outcome, certain, outcome_certain, scores, trace)
        SELECT %(until)s - n * interval '1 second' * %(step)s, gen_random_uuid(), rule_set,
            version, digest, meaning, subject,
            CASE WHEN n * %(step)s < 86400 THEN facts - 'has_budget' ELSE facts END,
            final, verdict, outcome, certain, outcome_certain, scores, trace
        FROM generate_series(1, %(number)s) AS n,
            (SELECT * FROM decision ORDER BY decided_at LIMIT 1) AS one
    """
    with psycopg.connect(libpq_url(url)) as connection:
        given = {"until": hands.at, "number": number // 2}
        connection.execute(copy, given | {"step": 1.7})
        connection.execute(copy, given | {"step": 20})
        connection.execute("ANALYZE decision")
