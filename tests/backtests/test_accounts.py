"""Drafts tried on accounts: as they are known now, whatever was decided of them before."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from service.rules import load_rule_set
from service.storage import transaction
from tests.backtests.office import Office
from tests.decisions.rules import FLEET_ACCOUNTS, release

pytestmark = pytest.mark.anyio

PAID = "- {id: pays,  when: paid, points: 30}"
UNPAID = FLEET_ACCOUNTS.replace(PAID, PAID.replace("30", "0")).replace("value >= 60", "value >= 70")
ACCOUNTS: dict[str, dict[str, Any]] = {
    "north": {"vehicles": 150, "paid": True},
    "south": {"vehicles": 50, "paid": True},
    "east": {"vehicles": 150, "paid": False},
    "ours": {"vehicles": 5, "site": "www.goodfit.example"},
    "silent": {},
}


@pytest.fixture
async def ledger(office: Office) -> Office:
    """Return an office with rules for accounts live, five accounts, and a draft."""
    await release(office.served.app.house, FLEET_ACCOUNTS)
    for key, facts in ACCOUNTS.items():
        await put(office, key, facts)
    path = "/v1/rule-sets/fleet_accounts/drafts/main"
    headers = {"Content-Type": "application/yaml"}
    made = await office.served.ask("PUT", path, headers=headers, content=UNPAID)
    assert made.status_code == 201, made.text
    return office


async def put(office: Office, key: str, facts: dict[str, Any]) -> None:
    """Say what is known of an account."""
    current = await office.served.ask("GET", f"/v1/accounts/{key}")
    headers = {} if current.is_error else {"If-Match": current.headers["etag"]}
    path = f"/v1/accounts/{key}"
    answer = await office.served.ask("PUT", path, headers=headers, json={"facts": facts})
    assert answer.status_code in {200, 201}, answer.text


async def tried(ledger: Office, **rest: object) -> dict[str, Any]:
    """Try the draft on accounts."""
    asked = {"rule_set": "fleet_accounts", "draft": "main", "against": "accounts"}
    return await ledger.ended(**asked | rest)


async def test_accounts_are_judged_by_what_is_known_now(ledger: Office) -> None:
    """Each account, decided before or never, goes from the base to the draft on its facts."""
    await ledger.served.ask(
        "POST", "/v1/qualify", json={"rule_set": "fleet_accounts", "account_key": "south"}
    )
    await put(ledger, "south", {"vehicles": 200, "paid": True})
    found = await tried(ledger)
    assert found["progress"] == {"done": 5, "total": 5}
    now = ACCOUNTS | {"south": {"vehicles": 200, "paid": True}}
    base, draft = load_rule_set(FLEET_ACCOUNTS), load_rule_set(UNPAID)
    at = datetime.now(UTC)
    expected = {}
    for key, facts in now.items():
        before, after = base.decide(facts, at=at), draft.decide(facts, at=at)
        if (before.verdict, before.outcome) != (after.verdict, after.outcome):
            expected[key] = (before, after)
    assert set(expected) == {"north", "south", "east"}
    flips = {flip["account"]: flip for flip in await ledger.flips(found["id"])}
    assert set(flips) == set(expected)
    for key, (before, after) in expected.items():
        flip = flips[key]
        assert (flip["verdict_before"], flip["verdict_after"]) == (before.verdict, after.verdict)
        assert (flip["outcome_before"], flip["outcome_after"]) == (before.outcome, after.outcome)
        assert flip["scores_before"] == {"value": before.scores["value"].value}
        assert flip["scores_after"] == {"value": after.scores["value"].value}
        assert (flip["decision"], flip["version"], flip["external_id"]) == (None, 1, None)
        assert flip["facts"] == {name: now[key].get(name) for name in flip["facts"]}
        assert "paid" in flip["facts"] or key == "east"
    assert found["result"]["not_replayable"]["decisions"] == 0
    assert flips["east"]["cause"] == {
        "kind": "alone",
        "edits": [{"part": "outcome", "id": "steady"}],
    }


async def test_a_window_holds_accounts_that_changed_in_it(ledger: Office) -> None:
    """From and to ask when an account last changed."""
    changed = {}
    for key in ("north", "east"):
        await put(ledger, key, ACCOUNTS[key] | {"vehicles": 160})
        answer = await ledger.served.ask("GET", f"/v1/accounts/{key}")
        changed[key] = answer.json()["updated_at"]
    late = await tried(ledger, window={"from": changed["north"]})
    assert late["progress"]["total"] == 2
    one = await tried(ledger, window={"from": changed["north"], "to": changed["east"]})
    assert [flip["account"] for flip in await ledger.flips(one["id"])] == ["north"]


async def test_an_account_without_facts_any_more_is_told(ledger: Office) -> None:
    """Erased facts are counted, and not taken for facts that nobody knows."""
    async with transaction(ledger.served.app.house.engine) as connection:
        erase = "UPDATE account SET facts = '{}', facts_erased_at = now() WHERE key = 'north'"
        await connection.execute(text(erase))
    result = (await tried(ledger))["result"]
    assert (result["replayed"], result["not_replayable"]["erased"]) == (4, 1)


async def test_rules_for_leads_are_not_tried_on_accounts(office: Office) -> None:
    """Accounts are judged by rules for accounts; the refusal says what to ask for instead."""
    asked = {"rule_set": "fleet_leads", "version": 1, "against": "accounts"}
    refused = await office.ask("POST", json=asked)
    assert refused.status_code == 422
    assert refused.json()["code"] == "wrong_subject"
    assert refused.json()["errors"][0]["pointer"] == "/against"


async def test_a_flip_of_an_accounts_decision_names_its_key(ledger: Office) -> None:
    """Against decisions too, whoever is a stored account is told by key."""
    asked = {"rule_set": "fleet_accounts", "account_key": "north"}
    await ledger.served.ask("POST", "/v1/qualify", json=asked)
    anybody = {"rule_set": "fleet_accounts", "account": ACCOUNTS["north"]}
    await ledger.served.ask("POST", "/v1/qualify", json=anybody)
    found = await ledger.ended(rule_set="fleet_accounts", draft="main")
    flips = await ledger.flips(found["id"])
    assert [flip["account"] for flip in flips] == ["north", None]
    assert all(flip["decision"].startswith("dec_") for flip in flips)


async def test_accounts_fit_into_files(ledger: Office) -> None:
    """CSV and NDJSON name the account."""
    found = await tried(ledger)
    path = f"/{found['id']}/flips"
    csv_file = (await ledger.ask("GET", f"{path}?format=csv")).text.splitlines()
    assert csv_file[0].startswith("decision,account,decided_at")
    assert {line.split(",")[1] for line in csv_file[1:]} == {"north", "east"}
    ndjson = (await ledger.ask("GET", f"{path}?format=ndjson")).text.splitlines()
    assert len(ndjson) == 2
