"""After an erasure nothing that was told of its subject is anywhere, and what stays still works."""

from io import StringIO
from typing import Any

import pytest

from service.privacy import erase_next
from service.privacy.working import look_once
from tests.decisions.shadows import Shadowed
from tests.privacy.lives import COMPANY, LEAD, MARK, erased, eraser_of, live, traces, tried
from tests.web.serving import Served

pytestmark = pytest.mark.anyio

LEFT_IN = {
    "account.facts",
    "account.key",
    "account.own_facts",
    "account.own_provenance",
    "account.provenance",
    "account_event.quantities",
    "account_event.reason",
    "account_identity.external_id",
    "account_merge.reason",
    "decision.external_id",
    "decision.facts",
    "decision.tabled",
    "idempotency.answer",
    "idempotency.scope",
    "outcome_event.account_key",
    "outcome_event.external_id",
    "outcome_event.source_event_id",
    "outcome_event.withdrawn_reason",
    "parked_event.content",
    "position.costs",
    "position.key",
    "position.name",
    "position.slices",
    "shadow_disagreement.facts",
    "shadow_disagreement.tabled",
    "verdict_override.message",
    "verdict_override.reason",
    "verdict_override.withdrawn_reason",
}
"""Where a life leaves traces: without them, to find none would prove nothing."""

SKELETON = ("id", "verdict", "outcome", "certain", "scores", "decided_at", "rule_set")
NOBODY: tuple[dict[str, Any], ...] = (
    {},
    {"dry_run": True},
    {"email": "a@b"},
    {"email": "ann"},
    {"email": "ann zz@b.example"},
    {"email": "@b.example"},
    {"email": '"@b.example'},
    {"external_id": ""},
    {"account": ""},
    {"identity": {"system": "hubspot"}},
    {"name": "Ann"},
)


def cleared(erasure: dict[str, Any]) -> dict[str, int]:
    """Return what an erasure has cleared, by table."""
    return {one["table"]: one["rows"] for one in erasure["cleared"]}


async def decision_of(served: Served, decision: str) -> dict[str, Any]:
    """Return a decision as it is shown now."""
    shown: dict[str, Any] = (await served.ask("GET", f"/v1/decisions/{decision}")).json()
    return shown


async def read_everything(served: Served, decisions: list[str], backtest: str) -> str:
    """Return every answer that shows what is kept, in one text."""
    paths = [
        *("/v1/decisions?limit=200", "/v1/accounts", "/v1/events", "/v1/parked-events"),
        *("/v1/outcomes", "/v1/overrides", "/v1/account-merges", "/v1/audit?limit=200"),
        *("/v1/erasures", "/metrics", "/v1/notices", "/v1/backtests"),
        *("/v1/portfolio/fleet_accounts/matrix", "/v1/portfolio/fleet_accounts/matrix.csv"),
        "/v1/rule-sets/fleet_leads/shadows/2/disagreements",
        f"/v1/backtests/{backtest}/flips",
        f"/v1/accounts/{COMPANY['account']}",
        *(f"/v1/decisions/{one}{part}" for one in decisions for part in ("", "/explanation")),
        *(
            f"/v1/rule-sets/fleet_leads/shadows/2/disagreements/{decision}"
            for decision in decisions
        ),
    ]
    answers = [await served.ask("GET", path) for path in paths]
    assert [a.status_code for a in answers if a.status_code >= 500] == []
    return "".join(f"{a.text}{a.headers}" for a in answers)


async def test_no_trace_is_left_in_a_dump_a_log_or_an_answer(
    stage: Shadowed, database_url: str, written: StringIO
) -> None:
    """A lead by address and id, and a company by key: told everywhere before, nowhere after.

    Verdict, outcome, scores, version and times of each decision are as they were.
    """
    served, life = stage.served, await live(stage)
    backtest = await tried(served)
    before = {one: await decision_of(served, one) for one in life.decisions}
    assert set(traces(database_url)) == LEFT_IN
    await erased(served, LEAD)
    await erased(served, COMPANY)
    assert traces(database_url) == {}
    shown = (await read_everything(served, life.decisions, backtest)).lower()
    assert MARK not in shown
    assert MARK not in written.getvalue().lower()
    assert '"route"' in written.getvalue()
    for decision, was in before.items():
        now = await decision_of(served, decision)
        assert {name: now[name] for name in SKELETON} == {name: was[name] for name in SKELETON}
        for method, path in (("POST", "replay"), ("GET", "explanation")):
            answer = await served.ask(method, f"/v1/decisions/{decision}/{path}")
            assert (answer.status_code, answer.json()["code"]) == (410, "facts_erased"), path
            assert answer.json()["decision"]["verdict"] == now["verdict"]
    again = await served.client.send(life.said[1].request)
    assert (again.status_code, again.json()["code"]) == (410, "facts_erased")


async def test_a_backtest_counts_what_was_erased(stage: Shadowed) -> None:
    """It is left out in so many words, and what is still there is replayed."""
    served = stage.served
    known = await stage.decide({"email": LEAD["email"], "vehicles": 25, "country": "DE"})
    await stage.decide({"email": "bo@else.example", "vehicles": 25, "country": "DE"})
    await erased(served, {"email": LEAD["email"]})
    found = (await served.ask("GET", f"/v1/backtests/{await tried(served)}")).json()
    assert (found["state"], found["progress"]["done"]) == ("done", 2)
    assert found["result"]["not_replayable"]["erased"] == len(known)


async def test_others_keep_what_is_theirs(stage: Shadowed, database_url: str) -> None:
    """An address within a longer one is somebody else's, and so is a shared external id."""
    served = stage.served
    for number, email in enumerate(
        (
            "joann.zzcanary@zzcanary.example",
            "ann.zzcanary@zzcanary.example.org",
            "x-ann.zzcanary@zzcanary.example",
        )
    ):
        question = {"lead": {"email": email, "vehicles": 25}, "external_id": f"o{number}"}
        assert (await stage.ask_for(question)).status_code == 200
    shared = {"lead": {"email": LEAD["email"], "vehicles": 3}, "external_id": "n/a"}
    others = {"lead": {"email": "cy@else.example", "vehicles": 3}, "external_id": "n/a"}
    for question in (shared, others):
        assert (await stage.ask_for(question)).status_code == 200
    await erased(served, {"email": LEAD["email"].lower()})
    left = (await served.ask("GET", "/v1/decisions?limit=200")).json()["data"]
    names = sorted(one["subject"]["external_id"] for one in left if one["subject"]["external_id"])
    assert names == ["n/a", "o0", "o1", "o2"]
    assert traces(database_url, "ann.zzcanary@zzcanary.example")["decision.facts"] == 3


async def test_a_dry_run_counts_what_the_erasure_then_clears(
    stage: Shadowed, database_url: str
) -> None:
    """It clears nothing, and its numbers are those of the real thing; a repeat finds nothing."""
    served = stage.served
    await live(stage)
    for subject in (LEAD, COMPANY):
        before = traces(database_url)
        only_tried = await erased(served, subject | {"dry_run": True})
        assert traces(database_url) == before
        assert cleared(only_tried) == cleared(await erased(served, subject))
        assert cleared(only_tried)["decision"] > 0
        assert cleared(await erased(served, subject)) == {}


async def test_whoever_comes_again_is_recognised(stage: Shadowed) -> None:
    """By an HMAC of the name, in whatever case, once a day; others are not."""
    served, house = stage.served, stage.served.app.house
    await stage.ask_for({"lead": {"email": LEAD["email"], "vehicles": 25}})
    gone = await erased(served, {"email": LEAD["email"]})
    assert gone["seen_again"] == 0
    for email in (LEAD["email"].upper(), "bo@else.example"):
        await stage.ask_for({"lead": {"email": email, "vehicles": 25}})
    assert await look_once(house)
    assert await erase_next(eraser_of(served))
    shown = (await served.ask("GET", f"/v1/erasures/{gone['id']}")).json()
    assert shown["seen_again"] == 1


async def test_a_company_keeps_what_is_not_the_persons(stage: Shadowed) -> None:
    """By an address, only what holds it goes; the account is assessed by what is left."""
    served = stage.served
    facts = {"vehicles": 150, "paid": True, "contact": LEAD["email"]}
    path = "/v1/accounts/north"
    assert (
        await served.ask("PUT", path, json={"facts": facts, "source": "crm"})
    ).status_code == 201
    ledger = {"kind": "support_case", "at": "2026-11-20T12:00:00Z", "source": "desk"}
    case = {"hours": 2.5, "severity": "high", "cause": f"{LEAD['email']} called"}
    sent = ledger | {"event_id": "1", "quantities": case}
    entered = await served.ask("POST", f"{path}/events", json=sent)
    assert entered.status_code == 201
    await erased(served, {"email": LEAD["email"]})
    left = (await served.ask("GET", path)).json()
    assert left["facts"] == {"vehicles": 150, "paid": True}
    assert set(left["provenance"]) == {"vehicles", "paid"}
    entry = (await served.ask("GET", f"/v1/events/{entered.json()['id']}")).json()
    assert entry["quantities"] == {"hours": 2.5, "severity": "high", "cause": "erased"}


async def test_nobody_and_half_names_are_refused(stage: Shadowed) -> None:
    """What names nobody, or could be found everywhere, never starts; and only admins ask."""
    for asked in NOBODY:
        answer = await stage.served.ask("POST", "/v1/erasures", json=asked)
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed"), asked
    assert (await stage.served.ask("GET", "/v1/erasures")).json()["data"] == []
    key = await stage.served.new_key("decide", "accounts", "rules:read", "rules:publish")
    for method, sent in (("POST", LEAD), ("GET", None)):
        answer = await stage.served.ask(method, "/v1/erasures", json=sent, key=key)
        assert answer.status_code == 403
