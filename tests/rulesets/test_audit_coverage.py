"""Every call that changes something adds its one entry to the audit; no route is forgotten."""

import json
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from service.rules.templates import read_template
from service.storage import libpq_url, parse_id
from service.web.access import ACCESS
from tests.decisions.rules import FLEET_ACCOUNTS
from tests.rulesets.authors import TEXT
from tests.web.serving import serving

pytestmark = pytest.mark.anyio

SET = "/v1/rule-sets/{slug}"
DRAFT = f"{SET}/drafts/{{draft}}"
REVIEW = f"{SET}/reviews/{{id}}"
NOT_AUDITED = {
    "POST /v1/qualify": "a decision is its own record",
    "POST /v1/qualify/batch": "a decision is its own record",
    "POST /v1/decisions/{id}/replay": "stores nothing",
    "POST /v1/accounts/{key}/events": "an entry is its own record, and nobody can change it",
    "POST /v1/events": "an entry is its own record, and nobody can change it",
    "POST /v1/outcomes": "an outcome is its own record; taking one back is an entry",
    "POST /integrations/salesforce/v1/qualify": "a decision is its own record",
    "POST /v1/forms/{publishable_key}": "a decision is its own record",
    "POST /v1/forms/{publishable_key}/questions": "stores nothing",
    "POST /v1/forms/{publishable_key}/visits": "a visit is its own record",
    "POST /v1/intake/{connection}": "a delivery is its own record",
    "POST /v1/intake/{connection}/{token}": "a delivery is its own record",
    "POST /v1/connections/{id}/try": "stores nothing",
    "POST /v1/connections/{id}/set-up": "an entry, once HubSpot has made them: tests/intake",
    "POST /v1/connections/{id}/resync": "an entry, for HubSpot's alone: tests/intake",
    "POST /v1/connections/{id}/deliveries/{delivery}/replay": "as for all that are parked",
    "POST /v1/connections/{id}/deliveries/{delivery}/discard": "an entry: tests/intake",
    "POST /v1/endpoints/{id}/test": "an event is its own record",
    "POST /v1/endpoints/{id}/redeliver": "a delivery is its own record",
    "POST /v1/deliveries/{id}/redeliver": "a delivery is its own record",
    "POST /v1/erasures": "an erasure is its own record, and its end an entry: tests/privacy",
    "PUT /v1/accounts/imports/{id}/file": "the import was asked for in an entry",
    f"POST {SET}/inquiries": "asks, and changes nothing",
    "POST /v1/portfolio/{slug}/scenarios/{id}/cancel": "an entry: tests/portfolio",
    f"POST {DRAFT}/check": "stores nothing",
    f"POST {DRAFT}/try": "stores nothing",
}


@dataclass(frozen=True)
class Call:
    """One call that is accepted where it stands in the story, and the entry it adds.

    `$name` in *id* and *body* stands for what an earlier call *gives*: a member of its
    answer. *subject* is an address, or the prefix of an id.
    """

    route: str
    action: str
    subject: str
    body: Any = None
    tag: str | None = None
    at: dict[str, str] = field(default_factory=dict)
    gives: dict[str, str] = field(default_factory=dict)
    person: str = "ann@example.com"


MAIN, OTHER, ACCOUNTS = {"draft": "main"}, {"draft": "mine"}, {"slug": "fleet_accounts"}
RESCORINGS = f"{SET}/rescorings"
WORTH, STATEMENTS = {"slug": "account_portfolio"}, "/v1/portfolio/{slug}/statements"
POLICY = "/v1/portfolio/{slug}/systemic-policy"
SOURCE, EDITED = {"source": TEXT}, {"source": TEXT.replace("points: 30", "points: 35")}
BACKTEST = {"rule_set": "small_leads", "draft": "main"}
WORD = {"verdict": "qualify", "reason": "we know them"}
ASKS = {"id": "review", "digest": "digest"}
BOB = "bob@example.com"
BY_DIGEST = {"digest": "$digest"}
IDENTITY = "/v1/accounts/{key}/identities/{system}/{id}"
HUBSPOT = {"system": "hubspot", "id": "7"}
TWIN = {"into": "north", "reason": "one company"}
VISIT = {
    "kind": "site_visit",
    "at": "2026-01-31T09:30:00Z",
    "source": "crm",
    "event_id": "7",
    "account": "north",
}
FILE = {"what": "accounts", "format": "csv"}
EARS = {"url": "https://hooks.example.com/goodfit", "events": ["rule_set.released"]}
FORM = {"name": "form", "preset": "typeform", "secrets": {"signing": ["a shared secret"]}}
DECLARED = {"connections": {"tally": {"preset": "tally", "secrets": {"signing": ["shared"]}}}}
STORY = (
    Call("POST /v1/rule-sets", "rulesets.create", "small_leads", {"rule_set": "small_leads"}),
    Call(f"PUT {DRAFT}", "rulesets.draft", "small_leads/main", SOURCE, at=MAIN),
    Call(f"PUT {DRAFT}", "rulesets.draft", "small_leads/mine", SOURCE, at=OTHER),
    Call(f"POST {DRAFT}/commit", "rulesets.commit", "small_leads/1", {}, at=MAIN),
    Call(f"POST {SET}/freeze", "rulesets.freeze", "small_leads", {"reason": "fair"}),
    Call(f"POST {SET}/unfreeze", "rulesets.unfreeze", "small_leads", {"reason": "over"}),
    Call(f"POST {SET}/releases", "rulesets.release", "small_leads", {"version": 1, "reason": "go"}),
    Call(f"PATCH {DRAFT}", "rulesets.edit", "small_leads/main", {"note": "why"}, '"1"', MAIN),
    Call(f"PUT {DRAFT}", "rulesets.edit", "small_leads/main", EDITED, '"2"', MAIN),
    Call(f"POST {DRAFT}/rebase", "rulesets.rebase", "small_leads/mine", {}, '"1"', OTHER),
    Call(f"POST {SET}/reviews", "reviews.ask", "rev", MAIN, gives=ASKS),
    Call(f"POST {REVIEW}/reject", "reviews.reject", "rev", {"comment": "no"}, person=BOB),
    Call(f"POST {SET}/reviews", "reviews.ask", "rev", MAIN, gives=ASKS),
    Call(f"POST {REVIEW}/withdraw", "reviews.withdraw", "rev", {}),
    Call(f"POST {SET}/reviews", "reviews.ask", "rev", MAIN, gives=ASKS),
    Call(f"POST {REVIEW}/approve", "reviews.approve", "rev", BY_DIGEST, person=BOB),
    Call(f"PUT {SET}/release-policy", "rulesets.policy", "small_leads", {"review_required": True}),
    Call("POST /v1/backtests", "backtests.ask", "bt", BACKTEST, gives={"id": "backtest"}),
    Call("POST /v1/backtests/{id}/cancel", "backtests.cancel", "bt"),
    Call("POST /v1/backtests/{id}/resume", "backtests.resume", "bt"),
    Call("PUT /v1/accounts/{key}", "accounts.create", "acc", {"facts": {"vehicles": 5}}),
    Call("PATCH /v1/accounts/{key}", "accounts.change", "acc", {"facts": {"vehicles": 6}}),
    Call("POST /v1/accounts", "accounts.keep_many", "accounts", [{"account": "east", "facts": {}}]),
    Call(f"PUT {IDENTITY}", "accounts.identify", "acc", at=HUBSPOT),
    Call(f"DELETE {IDENTITY}", "accounts.forget_identity", "acc", at=HUBSPOT),
    Call("POST /v1/accounts/{key}/merge", "accounts.merge", "mrg", TWIN, at={"key": "twin"}),
    Call("POST /v1/account-merges/{id}/undo", "accounts.part", "mrg", {"reason": "two"}),
    Call("POST /v1/events/{id}/reversal", "accounts.reverse_event", "evt", {"reason": "wrong"}),
    Call("POST /v1/parked-events/{id}/replay", "accounts.replay_event", "prk"),
    Call("POST /v1/parked-events/replay", "accounts.replay_events", "parked-events", {}),
    Call("PUT /v1/parked-events/{id}", "accounts.mend_event", "prk", {"event": VISIT}),
    Call(
        "PUT /v1/event-kinds/{kind}",
        "accounts.declare_kind",
        "site_visit",
        {"title": "A visit"},
        at={"kind": "site_visit"},
    ),
    Call("DELETE /v1/parked-events/{id}", "accounts.drop_event", "prk"),
    Call("PUT /v1/sources/{name}", "accounts.declare_source", "crm", {}, at={"name": "crm"}),
    Call(
        "POST /v1/decisions/{id}/override", "decisions.override", "ovr", WORD, gives={"id": "ovr"}
    ),
    Call("POST /v1/overrides/{id}/withdraw", "decisions.withdraw", "ovr", {"reason": "no"}),
    Call(
        "POST /v1/accounts/{key}/overrides",
        "decisions.override",
        "ovr",
        {**WORD, "rule_set": "fleet_accounts"},
    ),
    Call("POST /v1/outcomes/{id}/withdraw", "outcomes.withdraw", "out", {"reason": "wrong"}),
    Call(f"POST {RESCORINGS}", "rescorings.ask", "rsc", {}, at=ACCOUNTS, gives={"id": "rescoring"}),
    Call(f"POST {RESCORINGS}/{{id}}/cancel", "rescorings.cancel", "rsc", at=ACCOUNTS),
    Call(f"POST {STATEMENTS}", "portfolio.take", "st", {}, at=WORTH, gives={"id": "statement"}),
    Call(f"POST {STATEMENTS}/{{id}}/cancel", "portfolio.cancel", "st", at=WORTH),
    Call(f"PUT {POLICY}", "portfolio.systemic_policy", "account_portfolio", {}, at=WORTH),
    Call("POST /v1/suspensions/{id}/end", "decisions.end_suspension", "sus", {"reason": "over"}),
    Call("POST /v1/notices/{id}/close", "decisions.close_notice", "ntc", {"reason": "seen"}),
    Call(
        "POST /v1/keys",
        "keys.create",
        "key",
        {"name": "k", "person": "bo@example.com", "scopes": ["decide"]},
        gives={"id": "key"},
    ),
    Call("DELETE /v1/keys/{id}", "keys.revoke", "key"),
    Call("POST /v1/accounts/import", "imports.ask", "imp", FILE, gives={"id": "import"}),
    Call("POST /v1/accounts/imports/{id}/cancel", "imports.cancel", "imp"),
    Call("POST /v1/endpoints", "delivery.create", "whe", EARS, gives={"id": "endpoint"}),
    Call("PATCH /v1/endpoints/{id}", "delivery.change", "whe", {"description": "ours"}),
    Call("POST /v1/endpoints/{id}/rotate-secret", "delivery.rotate_secret", "whe", {}),
    Call("DELETE /v1/endpoints/{id}", "delivery.remove", "whe"),
    Call("POST /v1/connections", "connections.create", "con", FORM, gives={"id": "connection"}),
    Call("PATCH /v1/connections/{id}", "connections.change", "con", {"new_path_token": True}),
    Call("POST /v1/connections/apply", "connections.create", "con", DECLARED),
    Call("POST /v1/connections/{id}/deliveries/replay", "connections.replay", "con", {}),
    Call("POST /v1/connections/{id}/writes/retry", "connections.retry_writes", "con"),
    Call("DELETE /v1/connections/{id}", "connections.remove", "con"),
    Call(f"POST {DRAFT}/boundary-tests", "rulesets.edit", "small_leads/mine", tag='"2"', at=OTHER),
    Call(f"DELETE {DRAFT}", "rulesets.drop", "small_leads/mine", tag='"3"', at=OTHER),
)
RESTORE = f"POST {DRAFT}/restore"
WITH_DIGEST = {"rulesets.commit", "rulesets.release", "backtests.ask", "portfolio.take"}


def test_every_route_that_changes_something_is_in_the_story() -> None:
    """A new route fails here until its call, or the reason for none, is in a table above."""
    routes = {f"{one.method} {one.template}" for one in ACCESS if one.method != "GET"}
    told = {call.route for call in STORY} | NOT_AUDITED.keys() | {RESTORE}
    assert routes - told == set(), "add a Call with its entry, or argue why it needs none"
    assert told - routes == set(), "take out what is not served any more"


async def test_an_accepted_call_adds_exactly_its_entry(database_url: str) -> None:
    """Who, what and on what, once; what is about one text with its digest."""
    async with serving(database_url, is_attended=False) as served:
        keys = {who: await served.new_key("admin", person=who) for who in ("ann@example.com", BOB)}

        async def ask(person: str, method: str, path: str, **rest: Any) -> Any:  # noqa: ANN401 - JSON
            answer = await served.ask(method, path, key=keys[person], **rest)
            assert answer.is_success, (method, path, answer.text)
            return answer.json() if answer.content else {}

        async def entries() -> list[dict[str, Any]]:
            data: list[dict[str, Any]] = (await ask(BOB, "GET", "/v1/audit?limit=200"))["data"]
            return data

        known: dict[str, str] = {"slug": "small_leads", "key": "north"}
        for call in STORY:
            method, template = call.route.split(" ")
            await _prepare(call, known, ask, database_url)
            before = len(await entries())
            about = {"id": known.get(_named(call), "")} | known | call.at
            sent = json.loads(json.dumps(call.body).replace("$digest", known.get("digest", "")))
            headers = {} if call.tag is None else {"If-Match": call.tag}
            path = template.format(**about) + ("?reason=x" if "parked" in template else "")
            answer = await ask(call.person, method, path, json=sent, headers=headers)
            known |= {name: answer[member] for member, name in call.gives.items()}
            if call.action == "accounts.merge":
                known["merge"] = answer["merge"]["id"]
            after = await entries()
            assert len(after) == before + 1, call
            assert (after[0]["actor"], after[0]["action"]) == (call.person, call.action)
            subject = after[0]["subject"]
            if subject != call.subject:
                parse_id(subject, call.subject)  # type: ignore[arg-type]  # refuses what is none
            if call.action in WITH_DIGEST:
                assert after[0]["digest"] is not None, call
        edit = (await ask(BOB, "GET", "/v1/rule-sets/small_leads/drafts/main/history"))["data"][-1]
        before = len(await entries())
        path = "/v1/rule-sets/small_leads/drafts/main/restore"
        draft = await ask(BOB, "GET", "/v1/rule-sets/small_leads/drafts/main")
        headers = {"If-Match": draft["etag"]}
        await ask(BOB, "POST", path, json={"edit": edit["id"]}, headers=headers)
        told = (await entries())[: -before or None]
        assert {one["action"] for one in told} == {"rulesets.restore", "reviews.lapse"}


def _named(call: Call) -> str:
    """Return under which name the id in the route was kept."""
    kinds = {"reviews": "review", "backtests": "backtest", "decisions": "decision"}
    kinds |= {"account-merges": "merge", "rescorings": "rescoring"}
    kinds |= {"events": "event", "parked-events": "parked", "outcomes": "outcome"}
    kinds |= {"imports": "import", "endpoints": "endpoint", "connections": "connection"}
    kinds |= {"statements": "statement"}
    kinds |= {"overrides": "ovr", "notices": "notice", "keys": "key", "suspensions": "suspension"}
    return next((name for part, name in kinds.items() if f"/{part}/{{id}}" in call.route), "")


async def _prepare(call: Call, known: dict[str, str], ask: Any, url: str) -> None:  # noqa: ANN401 - a local function
    """Do what the story needs and the audit does not tell."""
    lead = {"rule_set": "small_leads", "lead": {"vehicles": 1, "country": "DE"}}
    match call.route:
        case "POST /v1/accounts/{key}/merge":
            await ask(BOB, "PUT", "/v1/accounts/twin", json={"facts": {}})
        case "POST /v1/events/{id}/reversal":
            cost = {"kind": "cost", "at": "2026-01-31T09:30:00Z", "quantities": {"amount": 1}}
            known["event"] = (await ask(BOB, "POST", "/v1/accounts/north/events", json=cost))["id"]
            (waits,) = (await ask(BOB, "POST", "/v1/events", json=[VISIT]))["data"]
            known["parked"] = waits["parked"]
        case "POST /v1/outcomes/{id}/withdraw":
            won = {"account": "north", "result": "won", "at": "2026-01-31T09:30:00Z", "source": "a"}
            known["outcome"] = (await ask(BOB, "POST", "/v1/outcomes", json=won))["id"]
        case "POST /v1/decisions/{id}/override":
            known["decision"] = (await ask(BOB, "POST", "/v1/qualify", json=lead))["id"]
        case "POST /v1/accounts/{key}/overrides":
            await _go_live("fleet_accounts", FLEET_ACCOUNTS, ask)
            north = {"rule_set": "fleet_accounts", "account_key": "north"}
            await ask(BOB, "POST", "/v1/qualify", json=north)
        case "POST /v1/portfolio/{slug}/statements":
            await _go_live(WORTH["slug"], read_template(WORTH["slug"]), ask)
        case "POST /v1/suspensions/{id}/end":
            known["suspension"] = "sus_01m82amv90f7assrm6pf8d3pr0"
            with psycopg.connect(libpq_url(url)) as connection:
                connection.execute(
                    "INSERT INTO suspension (id, rule_set, part, slice, value, cause, made_by,"
                    " since) VALUES"
                    " (%s, 'account_portfolio', 'pays_late', '', '', 'x', 'y', now())",
                    [parse_id(known["suspension"], "sus")],
                )
        case "POST /v1/notices/{id}/close":
            known["notice"] = "ntc_01m82amv90f7assrm6pf8d3pr0"
            with psycopg.connect(libpq_url(url)) as connection:
                connection.execute(
                    "INSERT INTO notice (id, kind, rule_set, topic, payload, first_at, last_at)"
                    " VALUES (%s, 'rule_set.drifted', 'small_leads', 'verdicts', %s, now(), now())",
                    [parse_id(known["notice"], "ntc"), "{}"],
                )


async def _go_live(slug: str, source: str, ask: Any) -> None:  # noqa: ANN401 - a local function
    """Make rules for accounts live."""
    draft = f"/v1/rule-sets/{slug}/drafts/main"
    await ask(BOB, "POST", "/v1/rule-sets", json={"rule_set": slug, "subject": "account"})
    await ask(BOB, "PUT", draft, json={"source": source})
    await ask(BOB, "POST", f"{draft}/commit", json={})
    releases = f"/v1/rule-sets/{slug}/releases"
    await ask(BOB, "POST", releases, json={"version": 1, "reason": "go"})
