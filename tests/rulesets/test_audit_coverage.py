"""Every call that changes rules or keys adds its one entry to the audit; no route is forgotten."""

from typing import Any, NamedTuple

import pytest

from service.web.access import ACCESS
from tests.rulesets.authors import TEXT, Author
from tests.web.serving import Served

pytestmark = pytest.mark.anyio

SET = "/v1/rule-sets/{slug}"
DRAFT = f"{SET}/drafts/{{draft}}"

NOT_AUDITED = {
    "POST /v1/qualify": "a decision is its own record",
    "POST /v1/qualify/batch": "as above",
    "POST /v1/decisions/{id}/replay": "stores nothing",
    "PUT /v1/accounts/{key}": "facts keep who said so and when; personal data stays out",
    "PATCH /v1/accounts/{key}": "as above",
    f"POST {DRAFT}/check": "stores nothing",
    f"POST {DRAFT}/try": "stores nothing",
    "POST /v1/backtests": "changes no rule; the backtest says who asked",
    "POST /v1/backtests/{id}/cancel": "as above",
    "POST /v1/backtests/{id}/resume": "as above",
}
CALLED_ELSEWHERE = {
    "POST /v1/decisions/{id}/override": "tests/decisions/test_overrides.py",
    "POST /v1/accounts/{key}/overrides": "tests/decisions/test_overrides.py",
    "POST /v1/overrides/{id}/withdraw": "tests/decisions/test_overrides.py",
    "POST /v1/notices/{id}/close": "tests/decisions/test_notices.py",
    f"PUT {SET}/release-policy": "tests/rulesets/test_release_policy.py",
    f"POST {SET}/reviews": "tests/rulesets/test_reviews.py",
    f"POST {SET}/reviews/{{id}}/approve": "tests/rulesets/test_reviews.py",
    f"POST {SET}/reviews/{{id}}/reject": "tests/rulesets/test_reviews.py",
    f"POST {SET}/reviews/{{id}}/withdraw": "tests/rulesets/test_reviews.py",
}


class Call(NamedTuple):
    """One call that is accepted where it stands in the list, and its entry."""

    route: str
    action: str
    subject: str
    json: Any = None
    tag: str | None = None
    draft: str = "main"


MAIN = "small_leads/main"
SOURCE = {"source": TEXT}
CALLS = [
    Call("POST /v1/rule-sets", "rulesets.create", "small_leads", {"rule_set": "small_leads"}),
    Call(f"PUT {DRAFT}", "rulesets.draft", MAIN, SOURCE),
    Call(f"PUT {DRAFT}", "rulesets.draft", "small_leads/mine", SOURCE, draft="mine"),
    Call(f"POST {DRAFT}/commit", "rulesets.commit", "small_leads/1", {}),
    Call(f"PATCH {DRAFT}", "rulesets.edit", MAIN, {"note": "why"}, '"1"'),
    Call(f"PUT {DRAFT}", "rulesets.edit", MAIN, SOURCE, '"2"'),
    Call(f"POST {DRAFT}/rebase", "rulesets.rebase", "small_leads/mine", {}, '"1"', "mine"),
    Call(f"POST {DRAFT}/restore", "rulesets.restore", MAIN, {"edit": "{edit}"}, '"3"'),
    Call(f"DELETE {DRAFT}", "rulesets.drop", MAIN, tag='"4"'),
    Call(f"POST {SET}/freeze", "rulesets.freeze", "small_leads", {"reason": "fair"}),
    Call(f"POST {SET}/unfreeze", "rulesets.unfreeze", "small_leads", {"reason": "over"}),
    Call(f"POST {SET}/releases", "rulesets.release", "small_leads", {"version": 1, "reason": "go"}),
]
KEYS = {"POST /v1/keys", "DELETE /v1/keys/{id}"}


def test_every_route_that_changes_something_says_how_it_is_audited() -> None:
    """A new route fails here until its call, or the reason for none, is in a table above."""
    routes = {f"{one.method} {one.template}" for one in ACCESS if one.method != "GET"}
    told = {call.route for call in CALLS} | KEYS | NOT_AUDITED.keys() | CALLED_ELSEWHERE.keys()
    assert routes - told == set(), "add a Call with its entry, or argue why it needs none"
    assert told - routes == set(), "take out what is not served any more"


async def entries(served: Served) -> list[dict[str, Any]]:
    """Return the audit, the newest first."""
    data: list[dict[str, Any]] = (await served.ask("GET", "/v1/audit?limit=200")).json()["data"]
    return data


async def test_an_accepted_call_adds_exactly_its_entry(served: Served, ann: Author) -> None:
    """Who, what and on what, once; a version's and a release's with its digest."""
    for call in CALLS:
        before = len(await entries(served))
        method, template = call.route.split(" ")
        json = call.json
        if json == {"edit": "{edit}"}:
            page = (await ann.ask("GET", "/drafts/main/history")).json()
            json = {"edit": page["data"][-1]["id"]}
        address = template.format(slug="small_leads", draft=call.draft)
        headers = {} if call.tag is None else {"If-Match": call.tag}
        answer = await served.ask(method, address, key=ann.key, headers=headers, json=json)
        assert answer.is_success, (call, answer.text)
        after = await entries(served)
        assert len(after) == before + 1, call
        told = (after[0]["actor"], after[0]["action"], after[0]["subject"])
        assert told == ("ann@example.com", call.action, call.subject)
        has_digest = call.action in {"rulesets.commit", "rulesets.release"}
        assert (after[0]["digest"] is not None) == has_digest, call


async def test_keys_given_and_taken_back_are_audited(served: Served) -> None:
    """One entry each, by whoever did it."""
    asked = {"name": "k", "person": "bo@example.com", "scopes": ["decide"]}
    made = await served.ask("POST", "/v1/keys", json=asked)
    assert made.is_success, made.text
    before = await entries(served)
    assert (before[0]["action"], before[0]["actor"]) == ("keys.create", "root@example.com")
    gone = await served.ask("DELETE", f"/v1/keys/{made.json()['id']}")
    assert gone.is_success, gone.text
    after = await entries(served)
    assert (len(after), after[0]["action"]) == (len(before) + 1, "keys.revoke")
