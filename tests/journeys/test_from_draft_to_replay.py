"""A user's whole path over a socket: write rules, release them, judge, look back."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.journeys.listening import listening
from tests.web.serving import serving

pytestmark = pytest.mark.anyio

FLEET_LEADS = (Path(__file__).parents[1] / "cases/fleet_leads.yaml").read_text("utf-8")
PAGE = "https://www.fleets.example"
ACCOUNTS = """
rule_set: fleet_accounts
subject: account
attributes:
  vehicles: {type: number, min: 0, label: Fleet size}
scores:
  value:
    floor: 0
    ceiling: 100
    groups:
      - {id: size, mode: sum, rules: [{id: large, when: vehicles >= 100, points: 60}]}
outcomes:
  - {id: steady, verdict: qualify, when: value >= 60, action: keep}
  - {id: watch,  verdict: review, action: look, assign: account_team}
"""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a key, who speaks HTTP."""

    client: httpx.AsyncClient
    key: str

    async def ask(
        self,
        method: str,
        path: str,
        status: int = 200,
        **rest: Any,  # noqa: ANN401 - httpx's
    ) -> Any:  # noqa: ANN401 - JSON
        """Send one request, expect *status*, and return the JSON of the answer."""
        headers = {"Authorization": f"Bearer {self.key}"} | rest.pop("headers", {})
        answer = await self.client.request(method, f"/v1{path}", headers=headers, **rest)
        assert answer.status_code == status, (method, path, answer.text)
        return answer.json()

    async def make_key(self, **asked: Any) -> "Person":  # noqa: ANN401 - JSON
        """Have a key made, and hand it to somebody else."""
        made = await self.ask("POST", "/keys", 201, json={"name": "a key"} | asked)
        return Person(self.client, made["key"])


@pytest.fixture
async def admin(database_url: str) -> AsyncIterator[Person]:
    """Return whoever installed the service: an admin key, and the address."""
    async with (
        serving(database_url) as served,
        listening(served.app) as (host, port),
        httpx.AsyncClient(base_url=f"http://{host}:{port}", trust_env=False) as client,
    ):
        yield Person(client, served.admin_key)


async def publish(author: Person, publisher: Person, slug: str, text: str, subject: str) -> str:
    """Take a rule set from nothing to live; return its digest."""
    where = f"/rule-sets/{slug}"
    await author.ask("POST", "/rule-sets", 201, json={"rule_set": slug, "subject": subject})
    await author.ask(
        "PUT",
        f"{where}/drafts/main",
        201,
        content=text,
        headers={"Content-Type": "application/yaml"},
    )
    checked = await author.ask("POST", f"{where}/drafts/main/check")
    assert checked["ok"], checked["problems"]
    version = await author.ask("POST", f"{where}/drafts/main/commit", 201, json={"note": "first"})
    released = await publisher.ask(
        "POST", f"{where}/releases", 201, json={"version": version["version"], "reason": "go"}
    )
    assert released["version"] == 1
    digest: str = version["digest"]
    return digest


async def test_a_form_asks_what_it_must_and_everything_can_be_explained(admin: Person) -> None:
    """Rules go live, a form's lead is asked two questions and decided, and ops see why."""
    author = await admin.make_key(person="ann", scopes=["rules:read", "rules:write"])
    publisher = await admin.make_key(person="bo", scopes=["rules:publish"])
    ops = await admin.make_key(person="cy", scopes=["decide"])
    digest = await publish(author, publisher, "fleet_leads", FLEET_LEADS, "lead")
    form = await admin.make_key(
        kind="publishable", person="dee", rule_set="fleet_leads", origins=[PAGE]
    )

    lead: dict[str, Any] = {"email": "ann@haulage.example", "country": "DE", "email_clicks": 2}
    answers = {"vehicles": 300, "seniority": "vp", "has_budget": False}
    asked: list[str] = []
    for _ in range(len(answers) + 1):
        told = await form.ask(
            "POST",
            "/qualify",
            json={"lead": lead, "external_id": "visitor-7", "source": "pricing"},
            headers={"Origin": PAGE},
        )
        assert set(told) == {"id", "verdict", "next", "missing"}
        if told["verdict"] != "undecided":
            break
        question = told["missing"][0]
        assert told["next"]["message"] == question["ask"]
        asked.append(question["attribute"])
        lead[question["attribute"]] = answers[question["attribute"]]
    assert told["verdict"] == "qualify"
    assert told["next"] == {"action": "book_meeting", "url": "/book", "message": "Pick a time"}
    assert asked[0] == "vehicles"

    found = await ops.ask("GET", "/decisions?external_id=visitor-7")
    assert len(found["data"]) == len(asked) + 1
    assert found["data"][0]["id"] == told["id"]
    decision = await ops.ask("GET", f"/decisions/{told['id']}")
    assert decision["rule_set"] == {"id": "fleet_leads", "version": 1, "digest": digest}
    assert (decision["outcome"], decision["certain"]) == ("tier_a", True)
    explained = await ops.ask("GET", f"/decisions/{told['id']}/explanation")
    assert explained["facts"] == lead
    assert {"large", "decider"} <= {r["rule"] for r in explained["reasons"]}
    replayed = await ops.ask("POST", f"/decisions/{told['id']}/replay")
    assert replayed == {"identical": True, "differences": [], "decision": decision}


async def test_an_account_is_judged_and_remembers_how_it_stood(admin: Person) -> None:
    """A stored account is judged by its key; its assessment is there, and the one before."""
    author = await admin.make_key(person="ann", scopes=["rules:read", "rules:write"])
    await publish(author, admin, "fleet_accounts", ACCOUNTS, "account")
    crm = await admin.make_key(person="crm", scopes=["accounts", "decide"])
    question = {"rule_set": "fleet_accounts", "account_key": "north"}

    await crm.ask("PUT", "/accounts/north", 201, json={"facts": {"vehicles": 20}})
    before = await crm.ask("POST", "/qualify", json=question)
    assert before["verdict"] == "review"
    await crm.ask("PATCH", "/accounts/north", json={"facts": {"vehicles": 150}})
    now = await crm.ask("POST", "/qualify", json=question)
    assert now["verdict"] == "qualify"

    (stands,) = (await crm.ask("GET", "/accounts/north/assessment"))["data"]
    assert stands["rule_set"] == "fleet_accounts"
    assert (stands["current"]["decision"], stands["current"]["verdict"]) == (now["id"], "qualify")
    assert stands["previous"]["decision"] == before["id"]
    assert stands["previous"]["verdict"] == "review"


async def test_rolling_back_is_a_release_and_old_decisions_keep_their_rules(
    admin: Person,
) -> None:
    """A stricter version goes live and back again; each decision names what judged it."""
    await publish(admin, admin, "fleet_leads", FLEET_LEADS, "lead")
    lead = {"email": "a@b.example", "vehicles": 120, "country": "DE", "seniority": "vp"}
    question = {"rule_set": "fleet_leads", "lead": lead, "final": True}
    first = await admin.ask("POST", "/qualify", json=question)
    assert (first["verdict"], first["scores"]["fit"]["value"]) == ("review", 50)

    where = "/rule-sets/fleet_leads"
    draft = await admin.ask("GET", f"{where}/drafts/main")
    rules, _ = draft["source"].split("tests:")
    stricter = rules.replace("vehicles >= 20,  points: 25", "vehicles >= 150,  points: 25")
    await admin.ask(
        "PUT",
        f"{where}/drafts/main",
        json={"source": stricter},
        headers={"If-Match": draft["etag"]},
    )
    tried = await admin.ask("POST", f"{where}/drafts/main/try", json={"facts": lead, "final": True})
    assert tried["decision"]["verdict"] == "disqualify"
    version = await admin.ask("POST", f"{where}/drafts/main/commit", 201)
    assert version["version"] == 2
    other = await admin.ask("POST", "/qualify", json=question | {"at_version": 2})
    assert other["verdict"] == "disqualify"
    for number in (2, 1):
        await admin.ask(
            "POST", f"{where}/releases", 201, json={"version": number, "reason": "a try"}
        )
    history = await admin.ask("GET", f"{where}/releases")
    assert [release["version"] for release in history["data"]] == [1, 2, 1]
    again = await admin.ask("GET", f"/decisions/{other['id']}")
    assert again == other
