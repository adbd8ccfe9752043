"""`GET /v1/decisions/{id}/waterfall/{score}`: any score of any decision, drawn and tabulated."""

import csv
import io
import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import psycopg
import pytest

from service.portfolio.drawing import waterfall_of
from service.rules import load_rule_set
from service.storage import libpq_url, parse_id
from tests.decisions.rules import FLEET_ACCOUNTS, FLEET_LEADS, LARGE_FLEET, release
from tests.portfolio.drawn import described, parsed, texts
from tests.web.serving import Served, serving

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def served(module_database_url: str) -> AsyncIterator[Served]:
    """Return an application that judges leads and accounts."""
    async with serving(module_database_url) as served:
        await release(served.app.house, FLEET_LEADS)
        await release(served.app.house, FLEET_ACCOUNTS)
        yield served


async def decided(served: Served, **asked: object) -> str:
    """Return the id of a decision."""
    question = {"rule_set": "fleet_leads", "lead": LARGE_FLEET} | asked
    answer = await served.ask("POST", "/v1/qualify", json=question)
    assert answer.status_code == 200, answer.text
    decision: str = answer.json()["id"]
    return decision


async def test_a_score_of_a_lead_is_drawn_as_it_was_explained(served: Served) -> None:
    """The picture's numbers and words are those of the decision's own reasons."""
    decision = await decided(served)
    shown = (await served.ask("GET", f"/v1/decisions/{decision}")).json()
    for score, span in shown["scores"].items():
        answer = await served.ask("GET", f"/v1/decisions/{decision}/waterfall/{score}.svg")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("image/svg+xml")
        title, description = described(answer.text)
        assert title.endswith(f": {span['value']:g} of {100 if score != 'intent' else 20}")
        said = [r for r in shown["reasons"] if r["effect"] and r["effect"]["score"] == score]
        assert all(reason["text"] in description for reason in said)
        assert f"+{said[0]['effect']['points']}" in texts(answer.text)


async def test_what_is_not_known_is_drawn_as_a_range(served: Served) -> None:
    """Half a lead has a score that may still become more, and the picture says so."""
    decision = await decided(served, lead={"email": "a@fleet.example", "country": "DE"})
    answer = await served.ask("GET", f"/v1/decisions/{decision}/waterfall/fit.svg")
    assert "While answers are missing it may be 0 to 80" in described(answer.text)[1]


async def test_the_numbers_behind_the_picture_add_up(served: Served) -> None:
    """Each step with its words and points; the running total ends at the score."""
    decision = await decided(served)
    shown = (await served.ask("GET", f"/v1/decisions/{decision}")).json()
    for score, span in shown["scores"].items():
        answer = await served.ask("GET", f"/v1/decisions/{decision}/waterfall/{score}.csv")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/csv")
        head, *steps, last = list(csv.reader(io.StringIO(answer.text)))
        assert head == ["step", "kind", "points", "total"]
        assert steps
        assert math.fsum(float(step[2]) for step in steps) == float(last[3]) == span["value"]
        assert float(steps[-1][3]) == span["value"]
        picture = await served.ask("GET", f"/v1/decisions/{decision}/waterfall/{score}.svg")
        assert all(step[0] in described(picture.text)[1] for step in steps)


async def test_an_account_is_drawn_too(served: Served) -> None:
    """Under its key."""
    facts = {"facts": {"vehicles": 120, "paid": True}}
    await served.ask("PUT", "/v1/accounts/north-haulage", json=facts)
    decision = await decided(
        served, rule_set="fleet_accounts", lead=None, account_key="north-haulage"
    )
    answer = await served.ask("GET", f"/v1/decisions/{decision}/waterfall/value.svg")
    assert answer.status_code == 200, answer.text
    assert any(text.startswith("north-haulage · ") for text in texts(answer.text))


async def test_hostile_facts_stay_text(served: Served) -> None:
    """A browser that opens the picture runs nothing, and is told not to."""
    rules = FLEET_LEADS.split("tests:")[0].replace(
        "{id: large,  when: vehicles >= 200, points: 40}",
        "{id: large,  when: 'email.contains(\"fleet\")', points: 40}",
    )
    await release(served.app.house, rules.replace("rule_set: fleet_leads", "rule_set: odd"))
    email = "<script>alert(1)</script>\u202e\"'&@fleet.example"
    decision = await decided(served, rule_set="odd", lead={"email": email, "vehicles": 1})
    answer = await served.ask("GET", f"/v1/decisions/{decision}/waterfall/fit.svg")
    assert "alert(1)" in answer.text
    assert not [one for one in parsed(answer.text).iter() if one.tag.endswith("script")]
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("dec_01m82amv90f7assrm6pf8d3pr0/waterfall/fit.svg", "decision_not_found"),
        ("nonsense/waterfall/fit.svg", "invalid_id"),
        ("{id}/waterfall/height.svg", "score_not_found"),
        ("{id}/waterfall/%3Cb%3E.svg", "score_not_found"),
        ("{id}/waterfall/" + "x" * 65 + ".svg", "validation_failed"),
        ("{id}/waterfall/fit.png", "not_found"),
        ("{id}/waterfall/height.csv", "score_not_found"),
    ],
)
async def test_what_cannot_be_drawn_is_refused(served: Served, path: str, code: str) -> None:
    """With a clear word, and no picture of nothing."""
    decision = await decided(served)
    answer = await served.ask("GET", f"/v1/decisions/{path.format(id=decision)}")
    assert answer.json()["code"] == code
    assert 400 <= answer.status_code < 500


async def test_it_takes_a_key_that_may_see_decisions(served: Served) -> None:
    """Values of leads stand in the words."""
    decision = await decided(served)
    path = f"/v1/decisions/{decision}/waterfall/fit.svg"
    assert (await served.ask("GET", path, key=None)).status_code == 401
    key = await served.new_key("accounts")
    assert (await served.ask("GET", path, key=key)).status_code == 403


async def test_erased_facts_are_said_to_be_erased(served: Served, module_database_url: str) -> None:
    """There are no words for a decision whose facts are gone."""
    decision = await decided(served)
    with psycopg.connect(libpq_url(module_database_url)) as connection:
        connection.execute(
            "UPDATE decision SET facts = NULL, facts_erased_at = now() WHERE id = %s",
            [parse_id(decision, "dec")],
        )
    answer = await served.ask("GET", f"/v1/decisions/{decision}/waterfall/fit.svg")
    assert (answer.status_code, answer.json()["code"]) == (410, "facts_erased")


def test_steps_come_in_document_order_and_add_up() -> None:
    """A limit comes after what it limits, so that each running total is one that was reached."""
    text = FLEET_LEADS.split("tests:")[0].replace("cap: 40", "cap: 30")
    decision = load_rule_set(text).decide(LARGE_FLEET, at=NOON, final=True)
    drawn = waterfall_of(decision, "fit")
    assert [step.points for step in drawn.steps] == [40, -10, 5, 20]
    assert [step.is_limit for step in drawn.steps] == [False, True, False, False]
    assert math.fsum(step.points for step in drawn.steps) == drawn.value == 55
