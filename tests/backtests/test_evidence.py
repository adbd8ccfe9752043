"""What a finished backtest proves: to the review of the same text, and to the flip budget."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service.storage import transaction
from service.storage.tables import FlipEvidence
from tests.backtests.office import LEADS, PAYING_TEXT, Office

pytestmark = pytest.mark.anyio
MORE_FOR_MEDIUM = PAYING_TEXT.replace("points: 25", "points: 45").replace("cap: 40", "cap: 60")
ASKING = PAYING_TEXT.replace("lists:", "  trailers: {type: number, min: 0}\nlists:", 1).replace(
    "id: small,", "id: pulls, when: trailers > 2, points: 35}\n          - {id: small,"
)
SET = "/v1/rule-sets/fleet_leads"
Json = dict[str, Any]


async def evidence_in(office: Office) -> list[Any]:
    """Return all evidence there is, the oldest first."""
    async with transaction(office.served.app.house.engine) as connection:
        statement = select(FlipEvidence.__table__).order_by(FlipEvidence.created_at)
        return list((await connection.execute(statement)).all())


async def call(office: Office, path: str, sent: Json, *, key: str = "") -> Json:
    """Post below the rule set's address; return the answer with its status."""
    answer = await office.served.ask("POST", f"{SET}{path}", key=key, json=sent)
    return {"status": answer.status_code, **answer.json()}


async def test_a_backtest_and_its_review_point_at_each_other(office: Office) -> None:
    """The review shows what the backtest counted, the backtest which review it was shown in."""
    await office.decide(*LEADS)
    await office.draft(MORE_FOR_MEDIUM)
    found = await office.ended()
    assert found["reviews"] == []
    review = await call(office, "/reviews", {"draft": "main"})
    assert review["digest"] == found["digest"]
    reads = f"{SET}/reviews/{review['id']}"
    shown = (await office.served.ask("GET", reads)).json()["evidence"]
    result = found["result"]
    assert shown["backtest"] == found["id"]
    assert (shown["total"], shown["replayed"], shown["not_replayable"]) == (60, 60, 0)
    assert shown["flips"] == result["flips"] > 0
    assert math.isclose(shown["share"], result["flips"] / 60)
    assert (shown["revenue"], shown["revenue_unknown"]) == (result["revenue"]["amount"], 0)
    assert (shown["attribute"], shown["unit"]) == ("revenue", "EUR")
    assert (shown["since"], shown["base_version"]) == (None, 1)
    told = (await office.read(found["id"]))["reviews"]
    assert told == [{"id": review["id"], "state": "open", "is_shown": False}]
    bob = await office.served.new_key("rules:publish", person="bob@example.com")
    path = f"/reviews/{review['id']}/approve"
    await call(office, path, {"digest": review["digest"]}, key=bob)
    again = await office.ended()
    told = (await office.read(found["id"]))["reviews"]
    assert told == [{"id": review["id"], "state": "approved", "is_shown": True}]
    assert again["reviews"] == [{"id": review["id"], "state": "approved", "is_shown": False}]
    assert (await office.served.ask("GET", reads)).json()["evidence"] == shown


async def test_the_call_a_budget_names_is_the_one_that_opens_it(office: Office) -> None:
    """Refused, backtested as told, refused with the numbers, approved, live."""
    await office.decide(*LEADS)
    budget = {"share": 0.01, "revenue": 5}
    await office.served.ask("PUT", f"{SET}/release-policy", json={"flip_budget": budget})
    await office.draft(MORE_FOR_MEDIUM)
    await call(office, "/drafts/main/commit", {})
    release = {"version": 2, "reason": "because"}
    refused = await call(office, "/releases", release)
    assert refused["code"] == "backtest_required"
    found = await office.ended(**refused["backtest"])
    refused = await call(office, "/releases", release)
    assert refused["code"] == "review_required"
    flips = found["result"]["flips"]
    assert f"{flips} of 60 decisions ({flips / 60 * 100:.3g} %) would flip" in refused["detail"]
    review = await call(office, "/reviews", {"version": 2})
    bob = await office.served.new_key("rules:publish", person="bob@example.com")
    path = f"/reviews/{review['id']}/approve"
    approved = await call(office, path, {"digest": review["digest"]}, key=bob)
    assert approved["status"] == 200
    released = await call(office, "/releases", release)
    assert (released["status"], released["approved_by"]) == (201, "bob@example.com")


async def test_what_was_never_stored_is_not_within_a_budget(office: Office) -> None:
    """Decisions that turn on a new attribute may flip; none of them counts as unchanged."""
    await office.decide(*LEADS)
    budget = {"flip_budget": {"share": 0.1}}
    await office.served.ask("PUT", f"{SET}/release-policy", json=budget)
    await office.draft(ASKING)
    found = await office.ended()
    missed = found["result"]["not_replayable"]["decisions"]
    assert missed > 6
    assert found["result"]["flips"] == 0
    await call(office, "/drafts/main/commit", {})
    refused = await call(office, "/releases", {"version": 2, "reason": "because"})
    assert refused["code"] == "review_required"
    assert f"{missed} could not be made again" in refused["detail"]


async def test_a_window_begins_where_it_leaves_something_out(office: Office) -> None:
    """Past the first decision it is of all there is; of the future it proves nothing."""
    before = datetime.now(UTC) - timedelta(minutes=1)
    decided = await office.decide(*LEADS[:3])
    await office.draft(MORE_FOR_MEDIUM)
    await office.ended(window={"from": before.isoformat()})
    later = datetime.fromisoformat(decided[-1]["decided_at"]) + timedelta(microseconds=1)
    await office.ended(window={"from": later.isoformat()})
    begun = await office.ended(window={"to": "2999-01-01T00:00:00Z"})
    whole, part, future = await evidence_in(office)
    assert (whole.since, whole.total) == (None, 3)
    assert (part.since, part.total) == (later, 0)
    assert future.until == datetime.fromisoformat(begun["created_at"])


async def test_only_what_is_done_is_evidence(office: Office) -> None:
    """A backtest that was cancelled proves nothing; taken up again it does, once."""
    await office.decide(*LEADS)
    await office.draft(MORE_FOR_MEDIUM)
    begun = await office.backtest()
    stopped = await office.ask("POST", f"/{begun['id']}/cancel")
    kept = await evidence_in(office)
    if stopped.status_code == 200:
        assert kept == []
        resumed = await office.ask("POST", f"/{begun['id']}/resume")
        assert resumed.json()["reviews"] == []
    await office.ended(version=1, base=1)
    proofs = [row for row in await evidence_in(office) if row.digest == begun["digest"]]
    assert len(proofs) == 1


async def test_revenue_past_every_number_is_not_known(office: Office) -> None:
    """A lead that claims too much to be counted is one whose revenue nobody knows."""
    claimed = LEADS[22] | {"revenue": 1.7e308}
    await office.decide(claimed, LEADS[22], claimed)
    await office.draft(MORE_FOR_MEDIUM)
    found = await office.ended()
    assert (found["state"], found["result"]["flips"]) == ("done", 3)
    (proof,) = await evidence_in(office)
    assert (proof.revenue, proof.revenue_unknown) == (LEADS[22]["revenue"], 2)
