"""Backtests over HTTP: asked for, worked off, read, downloaded."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from service.rules import load_rule_set
from service.storage import transaction
from tests.backtests.office import LEADS, PAYING_TEXT, Office
from tests.delivery.described import as_described
from tests.delivery.test_endpoints import made
from tests.web.serving import serving

pytestmark = pytest.mark.anyio

MORE_FOR_MEDIUM = PAYING_TEXT.replace("points: 25", "points: 45").replace("cap: 40", "cap: 60")


async def test_a_backtest_equals_what_the_evaluator_says_under_the_draft(office: Office) -> None:
    """Decision for decision: every flip, every movement, nothing else."""
    decided = await office.decide(*LEADS) + await office.decide(*LEADS[:20], final=True)
    await office.draft(MORE_FOR_MEDIUM)
    found = await office.ended()
    assert found["state"] == "done", found
    assert found["progress"] == {"done": 80, "total": 80}
    draft = load_rule_set(MORE_FOR_MEDIUM)
    expected: dict[str, tuple[str, str]] = {}
    movements: dict[tuple[str, str], int] = {}
    facts = [(lead, False) for lead in LEADS] + [(lead, True) for lead in LEADS[:20]]
    for decision, (lead, final) in zip(decided, facts, strict=True):
        at = datetime.fromisoformat(decision["decided_at"])
        after = draft.decide(lead, at=at, final=final)
        key = (decision["outcome"], after.outcome)
        movements[key] = movements.get(key, 0) + 1
        if (decision["verdict"], decision["outcome"]) != (after.verdict, after.outcome):
            expected[decision["id"]] = (after.verdict, after.outcome)
    flips = await office.flips(found["id"])
    assert {f["decision"]: (f["verdict_after"], f["outcome_after"]) for f in flips} == expected
    assert len(flips) == found["result"]["flips"] == len(expected) > 0
    told = {(m["before"], m["after"]): m["decisions"] for m in found["result"]["outcomes"]}
    assert told == movements
    assert found["result"]["replayed"] == 80


async def test_its_end_is_told(office: Office) -> None:
    """Whoever listens hears once that a backtest is done, and reads it by its id."""
    await made(office.served, "https://93.184.216.34/", events=["backtest.finished"])
    await office.decide(*LEADS[:2])
    await office.draft(MORE_FOR_MEDIUM)
    found = await office.ended()
    async with transaction(office.served.app.house.engine) as connection:
        bodies = (await connection.execute(text("SELECT body FROM event"))).scalars()
        (event,) = [as_described(json.loads(body)) for body in bodies]
    assert (event["data"]["backtest"], event["data"]["state"]) == (found["id"], "done")


async def test_every_flip_names_its_edit_and_the_facts_that_matter(office: Office) -> None:
    """The rule somebody changed is named, with the subject's own value of what it reads."""
    (decision,) = await office.decide(LEADS[22])
    await office.draft(MORE_FOR_MEDIUM)
    found = await office.ended()
    (flip,) = await office.flips(found["id"])
    assert flip["decision"] == decision["id"]
    assert flip["version"] == 1
    assert flip["cause"] == {"kind": "alone", "edits": [{"part": "rule", "id": "medium"}]}
    assert flip["facts"] == {"vehicles": 25}
    assert flip["scores_after"]["fit"] - flip["scores_before"]["fit"] == 20
    assert found["summary"] == "1 of 1 decisions would flip: 1 by rule medium."
    changed = {(e["kind"], e["part"], e["id"]) for e in found["result"]["edits"]}
    assert changed == {("changed", "group", "size"), ("changed", "rule", "medium")}


async def test_the_revenue_of_whoever_flips_is_counted_once_a_subject(office: Office) -> None:
    """Two decisions on one lead touch its revenue once; a lead without any is not known."""
    poor = {name: value for name, value in LEADS[22].items() if name != "revenue"}
    await office.decide(LEADS[22], external_id="crm-1")
    await office.decide(LEADS[22] | {"revenue": 9000}, external_id="crm-1")
    await office.decide(poor)
    await office.draft(MORE_FOR_MEDIUM)
    revenue = (await office.ended())["result"]["revenue"]
    assert revenue["attribute"] == "revenue"
    assert revenue["unit"] == "EUR"
    assert (revenue["subjects"], revenue["known"], revenue["amount"]) == (2, 1, 9000)
    assert sum(each["amount"] for each in revenue["movements"]) == 9000


async def test_what_was_never_stored_is_named_with_how_many_wait_for_it(office: Office) -> None:
    """A draft that asks for something new cannot be tried where it would matter."""
    await office.decide(*LEADS[:10])
    asking = PAYING_TEXT.replace("lists:", "  trailers: {type: number, min: 0}\nlists:", 1).replace(
        "id: small,", "id: pulls, when: trailers > 2, points: 35}\n          - {id: small,"
    )
    await office.draft(asking)
    found = await office.ended()
    missed = found["result"]["not_replayable"]
    assert missed["decisions"] > 0
    assert found["result"]["replayed"] == 10 - missed["decisions"]
    (trailers,) = missed["attributes"]
    assert trailers == {
        "attribute": "trailers",
        "decisions": missed["decisions"],
        "stored_since": None,
    }
    assert "for want of trailers" in found["summary"]


async def test_a_window_holds_what_was_decided_in_it(office: Office) -> None:
    """From is part of the window, to is not."""
    decided = [(await office.decide(lead))[0] for lead in LEADS[:3]]
    await office.draft(MORE_FOR_MEDIUM)
    window = {"from": decided[1]["decided_at"], "to": decided[2]["decided_at"]}
    assert (await office.ended(window=window))["result"]["replayed"] == 1


async def test_what_is_decided_as_one_asks_is_judged(database_url: str) -> None:
    """Everything until now holds what was decided in the very microsecond of the request."""
    stopped: list[datetime] = []
    async with serving(
        database_url, clock=lambda: stopped[0] if stopped else datetime.now(UTC)
    ) as served:
        office = await Office.opened(served)
        stopped.append(datetime.now(UTC) + timedelta(seconds=1))
        await office.decide(*LEADS[:2])
        await office.draft(MORE_FOR_MEDIUM)
        found = await office.ended()
        assert found["result"]["replayed"] == 2


async def test_the_draft_is_tried_as_it_was_when_asked(office: Office) -> None:
    """Somebody edits on; the backtest under way does not waver, and its digest says so."""
    await office.decide(*LEADS[:5])
    await office.draft(MORE_FOR_MEDIUM)
    begun = await office.backtest()
    path = "/v1/rule-sets/fleet_leads/drafts/main"
    etag = (await office.served.ask("GET", path)).headers["etag"]
    headers = {"Content-Type": "application/yaml", "If-Match": etag}
    await office.served.ask("PUT", path, headers=headers, content=PAYING_TEXT)
    assert begun["digest"] == load_rule_set(MORE_FOR_MEDIUM).digest
    assert (await office.read(begun["id"]))["digest"] == begun["digest"]


async def test_a_version_is_tried_like_a_draft(office: Office) -> None:
    """The live version on its own past moves nothing."""
    await office.decide(*LEADS)
    found = await office.ended(version=1)
    assert found["result"]["flips"] == 0
    assert found["result"]["edits"] == []
    assert found["base_version"] == 1
    assert found["summary"] == "0 of 60 decisions would flip."


async def test_flips_download_as_csv_that_no_spreadsheet_runs(office: Office) -> None:
    """A lead that calls itself a formula stays a text; NDJSON holds the same flips."""
    await office.decide(*LEADS, external_id="=cmd|' /C calc'!A0")
    await office.draft(MORE_FOR_MEDIUM)
    backtest = (await office.ended())["id"]
    flips = await office.flips(backtest)
    sheet = await office.ask("GET", f"/{backtest}/flips?format=csv")
    assert sheet.headers["content-type"] == "text/csv; charset=utf-8"
    assert f"{backtest}-flips.csv" in sheet.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(sheet.text)))
    assert [row["decision"] for row in rows] == [flip["decision"] for flip in flips]
    assert {row["external_id"] for row in rows} == {"'=cmd|' /C calc'!A0"}
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "@"))]
    lines = await office.ask("GET", f"/{backtest}/flips?format=ndjson")
    assert [json.loads(line) for line in lines.text.splitlines()] == flips


async def test_erased_facts_are_gone_from_flips_too(office: Office) -> None:
    """A backtest keeps names and no values: erasing a decision's facts reaches its flips."""
    from sqlalchemy import text  # noqa: PLC0415 - the one test that erases

    from service.storage import transaction  # noqa: PLC0415 - as above

    await office.decide(LEADS[22], external_id="crm-1")
    await office.draft(MORE_FOR_MEDIUM)
    backtest = (await office.ended())["id"]
    async with transaction(office.served.app.house.engine) as connection:
        await connection.execute(
            text("UPDATE decision SET facts = NULL, tabled = NULL, external_id = NULL")
        )
    (flip,) = await office.flips(backtest)
    assert (flip["facts"], flip["external_id"]) == ({"vehicles": None}, None)
    again = (await office.ended())["result"]
    assert (again["replayed"], again["not_replayable"]["erased"]) == (0, 1)


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"draft": "nobody"}, 404, "draft_not_found"),
        ({"version": 9}, 404, "version_not_found"),
        ({"version": 1, "base": 9}, 404, "version_not_found"),
        ({"version": 1, "revenue": "email"}, 422, "revenue_unknown"),
        ({"version": 1, "rule_set": "nothing"}, 404, "rule_set_not_found"),
        ({"version": 1, "draft": "main"}, 422, "validation_failed"),
        ({}, 422, "validation_failed"),
        ({"version": 1, "against": "dreams"}, 422, "validation_failed"),
        ({"version": 1, "window": {"to": "0001-01-01T00:00:00+23:59"}}, 422, "validation_failed"),
        ({"version": 1, "window": {"to": "9999-12-31T23:59:59-23:59"}}, 422, "validation_failed"),
        (
            {"version": 1, "window": {"from": "2026-02-01T00:00Z", "to": "2026-01-01T00:00Z"}},
            422,
            "validation_failed",
        ),
    ],
)
async def test_what_cannot_be_tried_is_refused(
    office: Office, asked: dict[str, object], status: int, code: str
) -> None:
    """Each with the code that says why."""
    answer = await office.ask("POST", json={"rule_set": "fleet_leads", **asked})
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_a_draft_with_errors_is_refused_with_all_of_them(office: Office) -> None:
    """Nothing is begun that cannot be judged."""
    await office.draft(PAYING_TEXT.replace("vehicles >= 200", "vehicels >= 200"))
    answer = await office.ask("POST", json={"rule_set": "fleet_leads", "draft": "main"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_rule_set")
    assert (await office.ask("GET")).json()["data"] == []


async def test_who_may_not_read_decisions_may_not_read_flips(office: Office) -> None:
    """Flips show what people told of themselves; counts do not."""
    found = await office.ended(version=1)
    reader = await office.served.new_key("rules:read")
    path = f"/v1/backtests/{found['id']}"
    assert (await office.served.ask("GET", path, key=reader)).status_code == 200
    assert (await office.served.ask("GET", f"{path}/flips", key=reader)).status_code == 403
    assert (await office.served.ask("POST", f"{path}/cancel", key=reader)).status_code == 403
    asked = {"rule_set": "fleet_leads", "version": 1}
    refused = await office.served.ask("POST", "/v1/backtests", key=reader, json=asked)
    assert refused.status_code == 403


async def test_a_repeated_question_is_one_backtest(office: Office) -> None:
    """An Idempotency-Key makes a retry safe."""
    headers = {"Idempotency-Key": "once"}
    asked = {"rule_set": "fleet_leads", "version": 1}
    answers = [
        await office.served.ask("POST", "/v1/backtests", headers=headers, json=asked)
        for _ in range(2)
    ]
    assert answers[0].content == answers[1].content
    assert answers[0].headers["location"] == f"/v1/backtests/{answers[0].json()['id']}"
    assert len((await office.ask("GET", "?rule_set=fleet_leads")).json()["data"]) == 1


async def test_backtests_are_listed_the_newest_first(office: Office) -> None:
    """A page at a time, by rule set."""
    ids = [(await office.backtest(version=1))["id"] for _ in range(3)]
    first = (await office.ask("GET", "?limit=2&rule_set=fleet_leads")).json()
    rest = (
        await office.ask("GET", f"?limit=2&rule_set=fleet_leads&cursor={first['next_cursor']}")
    ).json()
    assert [each["id"] for each in first["data"] + rest["data"]] == ids[::-1]
    assert (await office.ask("GET", "?rule_set=others")).json()["data"] == []
    unknown = await office.ask("GET", "/bt_01m82amv90f7assrm6pf8d3pr0")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "backtest_not_found")
