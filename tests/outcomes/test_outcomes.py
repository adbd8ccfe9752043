"""Outcomes over HTTP: kept once, recognised, joined when read, and withdrawn with a reason."""

import json
import random
from typing import Any

import httpx
import pytest

from tests.decisions.rules import LARGE_FLEET
from tests.web.serving import Served

pytestmark = pytest.mark.anyio
PATH = "/v1/outcomes"
HOSTILE: list[tuple[dict[str, object], str, str]] = [
    ({"at": "1899-12-31T23:59:59Z"}, "too_early", "/at"),
    ({"at": "2199-01-01T00:00:00Z"}, "in_the_future", "/at"),
    ({"at": "2026-11-20"}, "value_error", "/at"),
    ({"opened_at": "1899-12-31T23:59:59Z"}, "too_early", "/opened_at"),
    ({"opened_at": "2026-11-20T12:00:01Z"}, "wrong_order", "/opened_at"),
    ({"amount": "-1"}, "bad_amount", "/amount"),
    ({"amount": "1e3"}, "bad_amount", "/amount"),
    ({"amount": "NaN"}, "bad_amount", "/amount"),
    ({"amount": "12,5"}, "bad_amount", "/amount"),
    ({"amount": "100000000000000"}, "bad_amount", "/amount"),
    ({"amount": "0.0000001"}, "bad_amount", "/amount"),
    ({"amount": True}, "bad_amount", "/amount"),
    ({"amount": {"value": 1}}, "bad_amount", "/amount"),
    ({"currency": "USD"}, "other_currency", "/currency"),
    ({"result": "maybe"}, "literal_error", "/result"),
    ({"owner": " "}, "not_visible", "/owner"),
    ({"account": "a\u0007b"}, "not_visible", "/account"),
    ({"external_id": "x", "decision": "dec_01m82amv90f7assrm6pf8d3pr0"}, "one_lead", ""),
    ({"account": None}, "no_subject", ""),
    ({"discount": 5}, "extra_forbidden", "/discount"),
]


def outcome(number: int = 1, /, **members: object) -> dict[str, Any]:
    """Return a deal that was won, as it is sent."""
    told = {"account": "north", "result": "won", "at": "2026-11-20T12:00:00Z", "amount": "100.00"}
    return told | {"source": "crm", "event_id": f"deal-{number}"} | members


async def tell(served: Served, sent: object, **rest: Any) -> httpx.Response:  # noqa: ANN401 - as `ask`
    """Tell what became of somebody."""
    return await served.ask("POST", PATH, content=json.dumps(sent), **rest)


async def listed(served: Served, query: str = "") -> list[dict[str, Any]]:
    """Return the outcomes of a list."""
    answer = await served.ask("GET", f"{PATH}?{query}")
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


def wrong(answer: httpx.Response) -> tuple[int, str, list[tuple[str, str]]]:
    """Return status and code of a refusal, and code and place of each fault."""
    problem = answer.json()
    faults = [(fault["code"], fault["pointer"]) for fault in problem.get("errors", [])]
    return answer.status_code, problem["code"], faults


async def test_an_outcome_is_kept_as_it_was_told(served: Served) -> None:
    """Every member comes back, the amount exact, and the address shows the same."""
    sent = outcome(
        opened_at="2026-08-03T10:00:00+02:00",
        owner="Ann Ng",
        product="fleet care",
        amount="12345678901234.123456",
        external_id="crm-7",
    )
    answer = await tell(served, sent)
    assert answer.status_code == 201, answer.text
    kept = answer.json()
    told = {name: kept[name] for name in ("account", "external_id", "result", "owner", "product")}
    assert told == {name: sent[name] for name in told}
    assert kept["amount"] == "12345678901234.123456"
    assert kept["at"] == "2026-11-20T12:00:00.000000Z"
    assert kept["opened_at"] == "2026-08-03T08:00:00.000000Z"
    assert (kept["recorded_by"], kept["decision"]) == ("root@example.com", None)
    assert (kept["withdrawn_at"], kept["is_known"]) == (None, False)
    assert (await served.ask("GET", f"{PATH}/{kept['id']}")).json() == kept


async def test_a_repeat_is_recognised_and_a_contradiction_refused(served: Served) -> None:
    """The same in other digits and another zone is the same; anything else is 409."""
    first = await tell(served, outcome())
    again = await tell(served, outcome(amount=100, at="2026-11-20T13:00:00+01:00"))
    assert (again.status_code, again.json()) == (200, first.json())
    for change in ({"amount": "100.01"}, {"result": "lost"}, {"account": "south"}, {"owner": "B"}):
        other = await tell(served, outcome(**change))
        assert wrong(other) == (409, "outcome_conflict", [("outcome_conflict", "/event_id")])
        assert other.json()["outcome"] == first.json()["id"]
    assert await listed(served) == [first.json()]


async def test_without_an_id_an_idempotency_key_makes_a_retry_safe(served: Served) -> None:
    """Each call is a new outcome, unless it comes under the same key."""
    sent = outcome()
    del sent["event_id"]
    headers = {"Idempotency-Key": "once"}
    first = await tell(served, sent, headers=headers)
    again = await tell(served, sent, headers=headers)
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    await tell(served, sent)
    assert len(await listed(served)) == 2


async def test_an_outcome_may_come_before_what_it_is_about(served: Served) -> None:
    """A lead and an account that become known later are joined then; nothing is sent again."""
    await tell(served, outcome(1))
    lead = outcome(2, account=None, external_id="crm-7")
    await tell(served, lead)
    assert [one["is_known"] for one in await listed(served)] == [False, False]
    await served.ask("PUT", "/v1/accounts/north", json={"facts": {}})
    asked = {"rule_set": "fleet_leads", "lead": LARGE_FLEET, "external_id": "crm-7"}
    decided = await served.ask("POST", "/v1/qualify", json=asked)
    assert [one["is_known"] for one in await listed(served)] == [True, True]
    by_decision = outcome(3, account=None, decision=decided.json()["id"])
    assert (await tell(served, by_decision)).json()["is_known"] is True


async def test_a_decision_that_there_is_not_is_refused(served: Served) -> None:
    """Decisions are ours, so an unknown one is a mistake, however it is spelled."""
    unknown = outcome(account=None, decision="dec_01m82amv90f7assrm6pf8d3pr0")
    place = [("unknown_decision", "/decision")]
    assert wrong(await tell(served, unknown)) == (422, "validation_failed", place)
    late = outcome(account=None, decision="dec_7zzzzzzzzzzzzzzzzzzzzzzzzz")
    assert wrong(await tell(served, late)) == (422, "validation_failed", place)
    other = outcome(account=None, decision="acc_01m82amv90f7assrm6pf8d3pr0")
    assert wrong(await tell(served, other))[2] == [("invalid_id", "/decision")]
    assert await listed(served) == []


async def test_what_cannot_be_right_is_refused_with_its_place(served: Served) -> None:
    """One alone is a 422, one of many a result of its own; neither leaves anything behind."""
    for members, code, pointer in HOSTILE:
        sent = outcome(**members)
        assert wrong(await tell(served, sent)) == (422, "validation_failed", [(code, pointer)])
        results = (await tell(served, [outcome(2), sent])).json()["data"]
        assert results[0]["state"] in {"entered", "repeated"}
        assert results[1]["problem"]["errors"][0]["pointer"] == f"/1{pointer}"
    assert [one["event_id"] for one in await listed(served)] == ["deal-2"]


async def test_each_of_many_has_its_own_ending(served: Served) -> None:
    """Entered, repeated, contradicted, refused and unreadable beside each other."""
    await tell(served, outcome(9))
    nameless = outcome(4)
    del nameless["event_id"]
    sent = [
        outcome(1),
        outcome(1),
        outcome(1, result="lost"),
        outcome(9),
        outcome(2, decision="dec_01m82amv90f7assrm6pf8d3pr0"),
        outcome(2),
        nameless,
        7,
        outcome(3),
    ]
    results = (await tell(served, sent)).json()["data"]
    states = [one.get("state") or one["problem"]["code"] for one in results]
    assert states == [
        "entered",
        "repeated",
        "outcome_conflict",
        "repeated",
        "validation_failed",
        "entered",
        "validation_failed",
        "validation_failed",
        "entered",
    ]
    assert [one["line"] for one in results] == list(range(1, 10))
    assert results[2]["problem"]["errors"][0]["pointer"] == "/2/event_id"
    assert results[2]["problem"]["outcome"] == results[0]["outcome"]


async def test_lines_are_answered_line_by_line(served: Served) -> None:
    """A broken line is told by its number and the rest is kept; sent again, nothing changes."""
    lines = [json.dumps(outcome(1)), "{broken", "", json.dumps(outcome(2))]
    headers = {"Content-Type": "application/x-ndjson"}

    async def stream(**more: str) -> httpx.Response:
        sent = "\n".join(lines)
        return await served.ask("POST", PATH, content=sent, headers=headers | more)

    results = [json.loads(line) for line in (await stream()).text.splitlines()]
    assert [one["line"] for one in results] == [1, 2, 4]
    assert [one.get("state") for one in results] == ["entered", None, "entered"]
    again = [json.loads(line) for line in (await stream()).text.splitlines()]
    assert [one.get("state") for one in again] == ["repeated", None, "repeated"]
    refused = await stream(**{"Idempotency-Key": "k"})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_idempotency_key")


@pytest.mark.parametrize("sent", [outcome(), [outcome()]], ids=["one", "many"])
async def test_only_tried_nothing_is_kept(served: Served, sent: object) -> None:
    """A dry run answers as the real one would and leaves nothing, nor a used key."""
    headers = {"Idempotency-Key": "k"}
    content = json.dumps(sent)
    tried = await served.ask("POST", f"{PATH}?dry_run=true", content=content, headers=headers)
    assert tried.status_code < 300, tried.text
    assert await listed(served) == []
    real = await tell(served, sent, headers=headers)
    assert real.status_code == tried.status_code
    assert "idempotency-replayed" not in real.headers


async def test_the_order_of_telling_does_not_matter(served: Served) -> None:
    """Late, shuffled and repeated, the list is the one of the order in which it happened."""
    told = [outcome(n, at=f"2026-{n:02}-01T00:00:00Z") for n in range(1, 11)]
    shuffled = random.Random(5).sample(told * 3, 30)
    for begin in range(0, 30, 7):
        assert (await tell(served, shuffled[begin : begin + 7])).status_code == 200
    assert [one["event_id"] for one in await listed(served)] == [
        f"deal-{n}" for n in range(10, 0, -1)
    ]


async def test_a_withdrawn_outcome_stays_to_be_seen(served: Served) -> None:
    """With its reason, once; told the same again it is still withdrawn."""
    kept = (await tell(served, outcome())).json()
    path = f"{PATH}/{kept['id']}/withdraw"
    assert (await served.ask("POST", path, json={"reason": " "})).status_code == 422
    done = (await served.ask("POST", path, json={"reason": "they never signed"})).json()
    assert (done["reason"], done["withdrawn_by"]) == ("they never signed", "root@example.com")
    assert wrong(await served.ask("POST", path, json={"reason": "x"}))[:2] == (
        409,
        "outcome_withdrawn",
    )
    assert (await tell(served, outcome())).json() == done
    (result,) = (await tell(served, [outcome()])).json()["data"]
    assert (result["state"], result["outcome"]) == ("withdrawn", kept["id"])
    assert await listed(served, "withdrawn=false") == []
    assert await listed(served, "withdrawn=true") == [done]
    missing = f"{PATH}/out_01m82amv90f7assrm6pf8d3pr0"
    for method, where in (("GET", missing), ("POST", f"{missing}/withdraw")):
        answer = await served.ask(method, where, json={"reason": "x"})
        assert wrong(answer)[:2] == (404, "outcome_not_found")


async def test_the_list_is_narrowed_and_paged(served: Served) -> None:
    """By result, subject, owner, source and time; of a merged account with its twin's."""
    for key in ("north", "twin"):
        await served.ask("PUT", f"/v1/accounts/{key}", json={"facts": {}})
    await tell(
        served,
        [
            outcome(1, at="2026-01-01T00:00:00Z", owner="ann"),
            outcome(2, at="2026-02-01T00:00:00Z", account="twin", result="lost"),
            outcome(3, at="2026-03-01T00:00:00Z", account="south", source="desk"),
            outcome(4, at="2026-03-02T00:00:00Z", account=None, external_id="crm-7"),
        ],
    )

    async def ids(query: str) -> list[str]:
        return [one["event_id"][5:] for one in await listed(served, query)]

    assert await ids("result=lost") == ["2"]
    assert await ids("owner=ann") == ["1"]
    assert await ids("source=desk") == ["3"]
    assert await ids("external_id=crm-7") == ["4"]
    assert await ids("from=2026-02-01T00:00:00Z&to=2026-03-01T00:00:00Z") == ["2"]
    assert await ids("account=north") == ["1"]
    merge = {"into": "north", "reason": "one company"}
    await served.ask("POST", "/v1/accounts/twin/merge", json=merge)
    assert await ids("account=north") == ["2", "1"]
    page = (await served.ask("GET", f"{PATH}?limit=3")).json()
    rest = await ids(f"limit=3&cursor={page['next_cursor']}")
    assert [one["event_id"][5:] for one in page["data"]] + rest == ["4", "3", "2", "1"]
    assert (await served.ask("GET", f"{PATH}?limit=3&cursor=nonsense")).status_code == 422
    assert (await served.ask("GET", f"{PATH}?result=maybe")).status_code == 422
