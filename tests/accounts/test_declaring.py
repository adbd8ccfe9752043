"""Kinds of events and sources: declared, widened, never narrowed."""

from typing import Any

import pytest
from httpx import AsyncClient

from tests.accounts.ledger import NORTH, enter, event
from tests.accounts.test_accounts import problem_of

pytestmark = pytest.mark.anyio

VISIT: dict[str, Any] = {
    "title": "A visit",
    "quantities": {
        "hours": {"type": "number", "required": True, "min": 0.5},
        "mood": {"type": "choice", "choices": ["good", "bad"], "default": "good"},
        "amount": {"type": "money", "default": "9.99"},
    },
}
PATH = "/v1/event-kinds/site_visit"
BUILT_IN = (
    "abuse advice_followed churn cost custom_work discount escalation feature_request goal_change"
    " late_payment meeting nps refund renewal revenue support_case training"
)


async def test_our_kinds_are_there_from_the_beginning(client: AsyncClient) -> None:
    """Seventeen kinds, each with its quantities."""
    kinds = {one["kind"]: one for one in (await client.get("/v1/event-kinds")).json()["data"]}
    assert list(kinds) == BUILT_IN.split()
    assert kinds["meeting"]["quantities"]["excused"]["default"] is False
    assert kinds["abuse"]["quantities"]["severity"]["choices"] == ["rude", "harassment", "threat"]
    assert all(one["is_built_in"] for one in kinds.values())


async def test_a_declared_kind_is_held_to(admin: AsyncClient, client: AsyncClient) -> None:
    """Defaults stand, bounds hold, from the next event on."""
    declared = await admin.put(PATH, json=VISIT)
    assert declared.status_code == 422, "a default amount is a number, not a text"
    VISIT["quantities"]["amount"]["default"] = 9.99
    declared = await admin.put(PATH, json=VISIT)
    assert declared.status_code == 200, declared.text
    assert declared.json()["quantities"]["hours"]["min"] == 0.5
    await client.put(NORTH, json={"facts": {}})
    made = (await enter(client, event("site_visit", quantities={"hours": 1}))).json()
    assert (made["amount"], made["quantities"]) == ("9.99", {"hours": 1, "mood": "good"})
    short = event("site_visit", quantities={"hours": 0.25}, event_id="2")
    assert problem_of(await enter(client, short))[2] == ["/quantities/hours"]


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("hours", None),
        ("hours", {"type": "text"}),
        ("mood", {"type": "choice", "choices": ["good"]}),
    ],
)
async def test_a_declaration_never_narrows(
    admin: AsyncClient, name: str, changed: dict[str, Any] | None
) -> None:
    """Events of the past have the quantity: it stays, of its type, with its choices."""
    quantities: dict[str, Any] = {
        "hours": {"type": "number"},
        "mood": {"type": "choice", "choices": ["good", "bad"]},
    }
    await admin.put(PATH, json={"title": "A visit", "quantities": quantities})
    others = {one: quantity for one, quantity in quantities.items() if one != name}
    narrowed = others | ({} if changed is None else {name: changed})
    refused = await admin.put(PATH, json={"title": "A visit", "quantities": narrowed})
    assert problem_of(refused) == (409, "kind_narrowed", [f"/quantities/{name}"])


async def test_one_of_ours_may_be_widened(admin: AsyncClient, client: AsyncClient) -> None:
    """More quantities, other needs; its own stay."""
    escalation = {"title": "Loud", "quantities": {"severity": {"type": "text"}}}
    assert (await admin.put("/v1/event-kinds/escalation", json=escalation)).status_code == 409
    escalation["quantities"] |= {"cause": {"type": "text"}, "to": {"type": "text"}}  # type: ignore[operator]  # a nested dict
    widened = await admin.put("/v1/event-kinds/escalation", json=escalation)
    assert widened.json()["is_built_in"] is True
    await client.put(NORTH, json={"facts": {}})
    made = await enter(client, event("escalation", quantities={"to": "the CEO"}))
    assert made.status_code == 201, made.text


@pytest.mark.parametrize(
    ("quantity", "place"),
    [
        ({"type": "money"}, ""),
        ({"type": "choice"}, "/quantities/hours"),
        ({"type": "number", "choices": ["a"]}, "/quantities/hours"),
        ({"type": "text", "min": 1}, "/quantities/hours"),
        ({"type": "number", "required": True, "default": 1}, "/quantities/hours"),
        ({"type": "number", "default": "x"}, "/quantities/hours"),
        ({"type": "flag", "default": 1}, "/quantities/hours"),
        ({"type": "number", "min": "x"}, "/quantities/hours/min"),
        ({"type": "float"}, "/quantities/hours/type"),
    ],
)
async def test_a_declaration_that_says_nothing_sensible_is_refused(
    admin: AsyncClient, quantity: dict[str, Any], place: str
) -> None:
    """Each with its place."""
    refused = await admin.put(PATH, json={"title": "x", "quantities": {"hours": quantity}})
    assert problem_of(refused) == (422, "validation_failed", [place])


async def test_a_source_has_a_rank_and_kinds_it_reports(
    admin: AsyncClient, client: AsyncClient
) -> None:
    """What was said last is known; what nobody said is null, not an empty list."""
    assert (await client.get("/v1/sources")).json() == {"data": []}
    desk = {"rank": 5, "reports": ["support_case", "escalation"]}
    said = await admin.put("/v1/sources/zendesk", json=desk)
    assert said.json() == {"name": "zendesk", "rank": 5, "reports": ["escalation", "support_case"]}
    await admin.put("/v1/sources/crm", json={})
    assert (await client.get("/v1/sources")).json()["data"] == [
        {"name": "crm", "rank": 0, "reports": None},
        said.json(),
    ]
    refused = await admin.put("/v1/sources/zendesk", json={"reports": ["suport_case"]})
    assert problem_of(refused) == (422, "unknown_kind", ["/reports/0"])
    assert refused.json()["errors"][0]["suggestion"] == "support_case"


async def test_only_an_admin_says_what_counts(client: AsyncClient) -> None:
    """A key that may enter events may not decide what they mean."""
    for path, body in ((PATH, VISIT), ("/v1/sources/crm", {})):
        assert problem_of(await client.put(path, json=body))[:2] == (403, "scope_missing")
