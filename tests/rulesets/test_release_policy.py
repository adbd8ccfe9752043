"""What a rule set asks of every release, and what stands in for it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.rulesets import LEAD
from tests.rulesets.authors import Author
from tests.rulesets.four_eyes import NEXT, THIRD, FourEyes, author

pytestmark = pytest.mark.anyio
POLICY = "/v1/rule-sets/small_leads/release-policy"
MALFORMED = (
    ('{"flip_budget": {"share": -0.1}}', "/flip_budget/share"),
    ('{"flip_budget": {"share": 1.01}}', "/flip_budget/share"),
    ('{"flip_budget": {"share": "0.1"}}', "/flip_budget/share"),
    ('{"flip_budget": {"share": true}}', "/flip_budget/share"),
    ('{"flip_budget": {"revenue": -1}}', "/flip_budget/revenue"),
    ('{"flip_budget": {"revenue": 1e300}}', "/flip_budget/revenue"),
    ('{"flip_budget": {"share": 0.1, "window_days": 0}}', "/flip_budget/window_days"),
    ('{"flip_budget": {"share": 0.1, "window_days": 401}}', "/flip_budget/window_days"),
    ('{"flip_budget": {"share": 0.1, "window_days": 1.5}}', "/flip_budget/window_days"),
    ('{"flip_budget": {}}', "/flip_budget"),
    ('{"flip_budget": {"window_days": 30}}', "/flip_budget"),
    ('{"flip_budget": {"share": 0.1, "attribute": "revenue"}}', "/flip_budget"),
    ('{"flip_budget": {"revenue": 1, "attribute": "Revenue!"}}', "/flip_budget/attribute"),
    ('{"flip_budget": {"share": 0.1, "more": 1}}', "/flip_budget/more"),
    ('{"flip_budget": 0.1}', "/flip_budget"),
    ('{"review_required": "yes"}', "/review_required"),
    ('{"review_required": null}', "/review_required"),
    ('{"flip_budget": {"share": NaN}}', None),
    ('{"flip_budget": {"share": Infinity}}', None),
    ('{"flip_budget": {"revenue": 1e999}}', None),
    ("[]", ""),
)


async def test_nothing_is_asked_until_somebody_says_so(team: FourEyes) -> None:
    """A new rule set has no policy; what is set is shown, and the audit holds both states."""
    nothing = {"rule_set": "small_leads", "review_required": False, "flip_budget": None}
    assert (await team.ann.ask("GET", "/release-policy")).json() == nothing
    kept = await team.policy(review_required=True, flip_budget={"share": 0.02})
    assert kept.status_code == 200, kept.text
    budget = {"share": 0.02, "revenue": None, "attribute": None, "window_days": 30}
    assert kept.json() == nothing | {"review_required": True, "flip_budget": budget}
    assert (await team.ann.ask("GET", "/release-policy")).json() == kept.json()
    assert (await team.ann.ask("GET")).json()["review_required"] is True
    entry = (await team.served.ask("GET", "/v1/audit")).json()["data"][0]
    assert (entry["action"], entry["actor"]) == ("rulesets.policy", "root@example.com")
    assert entry["payload"]["before"] == {"review_required": False, "flip_budget": None}
    assert entry["payload"]["after"] == {"review_required": True, "flip_budget": budget}
    assert (await team.policy()).json() == nothing


async def test_a_policy_of_another_form_changes_nothing(team: FourEyes) -> None:
    """Shares outside 0 to 1, negative revenue, no numbers: refused with the place."""
    await team.policy(review_required=True)
    headers = {"Content-Type": "application/json"}
    for sent, pointer in MALFORMED:
        refused = await team.served.ask("PUT", POLICY, headers=headers, content=sent)
        assert refused.status_code == 422, sent
        if pointer is not None:
            assert pointer in {error["pointer"] for error in refused.json()["errors"]}, sent
    assert (await team.ann.ask("GET", "/release-policy")).json()["review_required"] is True


async def test_only_an_admin_sets_a_policy(team: FourEyes) -> None:
    """Else whoever needs a review could spare themselves the need."""
    assert (await team.ann.ask("PUT", "/release-policy", json={})).status_code == 403
    page = await team.served.new_key(
        kind="publishable", rule_set="small_leads", origins=["https://example.com"]
    )
    for method in ("GET", "PUT"):
        answer = await Author(team.served, page).ask(method, "/release-policy", json={})
        assert answer.status_code == 403
    gone = await team.served.ask("PUT", "/v1/rule-sets/nowhere/release-policy", json={})
    assert (gone.status_code, gone.json()["code"]) == (404, "rule_set_not_found")


async def test_a_rollback_needs_nobody(team: FourEyes) -> None:
    """What has been live goes live again in one call, with a reason, whatever is asked else."""
    number = await team.second()
    begun = (await team.ann.release(number)).json()["effective_at"]
    await team.policy(review_required=True, flip_budget={"share": 0})
    back = await team.ann.release(1, reason="tier b was too wide")
    assert back.status_code == 201, back.text
    assert back.json()["approved_by"] is None
    again = await team.ann.release(number)
    assert again.json()["code"] == "review_required", "version 2 was never in force yet"
    wait = datetime.fromisoformat(begun) - datetime.now(UTC)
    await asyncio.sleep(max(0.0, wait.total_seconds()) + 0.05)
    assert (await team.ann.release(number)).status_code == 201


async def test_what_was_replaced_before_it_began_was_never_live(team: FourEyes) -> None:
    """A release planned and taken back at the same instant is no past to roll back to."""
    number = await team.second()
    soon = (datetime.now(UTC) + LEAD + timedelta(seconds=3)).isoformat()
    planned = await team.ann.release(number, **{"from": soon})
    taken_back = await team.ann.release(1, **{"from": soon})
    assert planned.json()["effective_at"] == taken_back.json()["effective_at"]
    await team.policy(review_required=True)
    wait = datetime.fromisoformat(soon) - datetime.now(UTC)
    await asyncio.sleep(max(0.0, wait.total_seconds()) + 0.05)
    assert (await team.ann.release(number)).json()["code"] == "review_required"


async def test_a_first_release_is_within_every_budget(team: FourEyes) -> None:
    """Where nothing is live nothing can flip."""
    first = Author(team.served, team.ann.key, slug="others")
    await first.create()
    path = "/v1/rule-sets/others/release-policy"
    await team.served.ask("PUT", path, json={"flip_budget": {"share": 0}})
    await first.write(NEXT.replace("rule_set: small_leads", "rule_set: others"))
    await first.commit()
    assert (await first.release(1)).status_code == 201


async def test_without_a_backtest_a_budget_names_the_call_to_make(team: FourEyes) -> None:
    """The body in the answer can be sent as it is."""
    await team.policy(flip_budget={"share": 0.02, "window_days": 14})
    number = await team.second()
    refused = await team.ann.release(number)
    assert (refused.status_code, refused.json()["code"]) == (409, "backtest_required")
    body = refused.json()["backtest"]
    assert {name: body[name] for name in ("rule_set", "version", "base")} == {
        "rule_set": "small_leads",
        "version": 2,
        "base": 1,
    }
    assert "POST /v1/backtests {" in refused.json()["detail"]
    asked = await team.served.ask("POST", "/v1/backtests", key=team.ann.key, json=body)
    assert asked.status_code == 202, asked.text


async def test_within_the_budget_nobody_is_asked(team: FourEyes) -> None:
    """Two in a hundred flip under a budget of two in a hundred."""
    await team.policy(flip_budget={"share": 0.02})
    number = await team.second()
    await team.prove(await team.evidence(number, flips=2))
    released = await team.ann.release(number)
    assert (released.status_code, released.json()["approved_by"]) == (201, None)


async def test_above_the_budget_somebody_else_approves(team: FourEyes) -> None:
    """The refusal says how many would flip; the approval keeps what it was shown."""
    await team.policy(flip_budget={"share": 0.02})
    number = await team.second()
    given = await team.evidence(number, total=4812, replayed=4812, flips=178)
    await team.prove(given)
    refused = await team.ann.release(number)
    assert (refused.status_code, refused.json()["code"]) == (409, "review_required")
    assert (
        "178 of 4,812 decisions (3.7 %) would flip, above this rule set's flip budget of 2 %"
        in refused.json()["detail"]
    )
    review = await team.reviewed(version=number)
    read = (await team.bob.ask("GET", f"/reviews/{review['id']}")).json()["evidence"]
    assert (read["total"], read["flips"], read["base_version"]) == (4812, 178, 1)
    assert read["share"] == pytest.approx(178 / 4812)
    await team.approve(review)
    await team.prove(await team.evidence(number, flips=1))
    kept = (await team.bob.ask("GET", f"/reviews/{review['id']}")).json()["evidence"]
    assert kept == read
    assert (await team.ann.release(number)).json()["approved_by"] == "bob@example.com"


@pytest.mark.parametrize(
    ("budget", "found"),
    [
        ({"share": 0.5}, {"against": "accounts"}),
        ({"share": 0.5}, {"base": 2}),
        ({"share": 0.5}, {"since": timedelta(days=29)}),
        ({"share": 0.5, "window_days": 400}, {"since": timedelta(days=399)}),
        ({"share": 0.5}, {"until": timedelta(days=8)}),
        ({"revenue": 10}, {"revenue": 1, "revenue_unknown": 0, "revenue_attribute": "trucks"}),
        (
            {"revenue": 10, "attribute": "arr"},
            {"revenue": 1, "revenue_unknown": 0, "revenue_attribute": "revenue"},
        ),
    ],
    ids=["accounts", "another base", "short", "shorter", "stale", "trucks", "not arr"],
)
async def test_evidence_of_something_else_proves_nothing(
    team: FourEyes, budget: dict[str, Any], found: dict[str, Any]
) -> None:
    """Accounts only, another base, a short or an old window, another number as revenue."""
    await team.policy(flip_budget=budget)
    number = await team.second()
    now = datetime.now(UTC)
    ago = {name: now - each for name, each in found.items() if isinstance(each, timedelta)}
    await team.prove(await team.evidence(number, **found | ago))
    refused = await team.ann.release(number)
    assert (refused.status_code, refused.json()["code"]) == (409, "backtest_required")
    assert refused.json()["backtest"].get("revenue") == budget.get("attribute")


@pytest.mark.parametrize(
    ("budget", "found"),
    [
        ({"share": 0.5}, {"since": timedelta(days=30, minutes=1)}),
        ({"share": 0.5}, {"until": timedelta(days=6)}),
        ({"revenue": 10}, {"revenue": 10, "revenue_unknown": 0, "revenue_attribute": "revenue"}),
        (
            {"revenue": 10, "attribute": "arr"},
            {"flips": 1, "revenue": 1, "revenue_unknown": 0, "revenue_attribute": "arr"},
        ),
        ({"revenue": 10}, {"flips": 0}),
    ],
)
async def test_evidence_to_the_point_is_enough(
    team: FourEyes, budget: dict[str, Any], found: dict[str, Any]
) -> None:
    """A long and late enough window, the number that the budget means, or no flip at all."""
    await team.policy(flip_budget=budget)
    number = await team.second()
    now = datetime.now(UTC)
    ago = {name: now - each for name, each in found.items() if isinstance(each, timedelta)}
    await team.prove(await team.evidence(number, **found | ago))
    released = await team.ann.release(number)
    assert released.status_code == 201, released.text


async def test_of_two_releases_at_once_the_second_is_held_to_the_first(team: FourEyes) -> None:
    """Evidence against version 1 lets one through; the other would replace that one."""
    await team.policy(flip_budget={"share": 0.02})
    numbers = [await team.second(text) for text in (NEXT, THIRD)]
    for number in numbers:
        await team.prove(await team.evidence(number))
    answers = await asyncio.gather(*(team.ann.release(number) for number in numbers))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    (refused,) = (answer.json() for answer in answers if answer.status_code == 409)
    assert refused["code"] == "backtest_required"
    (released,) = (answer.json() for answer in answers if answer.status_code == 201)
    assert refused["backtest"]["base"] == released["version"]


async def test_a_planned_release_is_held_to_what_it_would_replace(team: FourEyes) -> None:
    """Not to what is live while it is written."""
    numbers = [await team.second(text) for text in (NEXT, THIRD)]
    tomorrow, later = (datetime.now(UTC) + timedelta(days=days) for days in (1, 2))
    await team.ann.release(numbers[0], **{"from": tomorrow.isoformat()})
    await team.policy(flip_budget={"share": 0.02})
    await team.prove(await team.evidence(numbers[1]))
    refused = await team.ann.release(numbers[1], **{"from": later.isoformat()})
    assert refused.json()["backtest"]["base"] == numbers[0]
    await team.prove(await team.evidence(numbers[1], base=numbers[0]))
    assert (await team.ann.release(numbers[1], **{"from": later.isoformat()})).status_code == 201
    again = (later + timedelta(days=1)).isoformat()
    assert (await team.ann.release(numbers[1], **{"from": again})).status_code == 201


async def test_the_shadow_asks_nobody(team: FourEyes) -> None:
    """A version in the shadow answers nobody, so nothing is asked before."""
    await team.policy(review_required=True, flip_budget={"share": 0})
    number = await team.second()
    shadow = await team.ann.release(number, mode="shadow", share=0.5)
    assert (shadow.status_code, shadow.json()["approved_by"]) == (201, None)
    assert (await team.ann.release(number)).json()["code"] == "review_required"


async def test_an_approval_by_somebody_who_wrote_the_version_after_all_does_not_count(
    team: FourEyes,
) -> None:
    """Bob approved ann's draft; the version is committed from bob's own draft of the same text."""
    await team.policy(review_required=True)
    await team.edit()
    review = await team.reviewed()
    await team.approve(review)
    await team.bob.write(NEXT, draft="copy")
    assert (await team.bob.commit(draft="copy")).json()["version"] == 2
    refused = await team.ann.release(2)
    assert refused.json()["code"] == "review_required"
    carol = await author(team.served, "carol@example.com")
    await team.approve(await team.reviewed(version=2), by=carol)
    assert (await team.ann.release(2)).json()["approved_by"] == "carol@example.com"
