"""How an account stands: the latest decision and the one before, whatever the order."""

from datetime import timedelta
from itertools import permutations
from uuid import UUID

import pytest
from httpx import AsyncClient
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncEngine

from service.accounts import AccountNotFound, Assessed, keep_assessment, read_facts
from service.storage import make_uuid, to_text, transaction
from service.storage.tables import RuleSetRow
from tests.accounts.conftest import NOON

NORTH = "/v1/accounts/north-haulage"

pytestmark = pytest.mark.anyio


def judged(minute: int, account_id: UUID, *, rule_set: str = "account_portfolio") -> Assessed:
    """Return the decision made *minute* minutes after noon."""
    at = NOON + timedelta(minutes=minute)
    return Assessed(
        account_id=account_id,
        rule_set=rule_set,
        decision_id=make_uuid(at, bytes(8)),
        version=minute + 1,
        verdict="review" if minute % 2 else "qualify",
        outcome=f"group_{minute}",
        at=at,
    )


def shown(assessed: Assessed) -> dict[str, object]:
    """Return a decision as the answer shows it."""
    return {
        "decision": to_text("dec", assessed.decision_id),
        "version": assessed.version,
        "verdict": assessed.verdict,
        "outcome": assessed.outcome,
        "override": None,
        "at": assessed.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }


@pytest.fixture
async def account_id(client: AsyncClient, engine: AsyncEngine) -> UUID:
    """Return the id of a stored account, beside two rule sets."""
    await client.put(NORTH, json={"facts": {"company_size": 120}})
    async with transaction(engine) as connection:
        for number, slug in enumerate(("account_portfolio", "account_risk")):
            await connection.execute(
                insert(RuleSetRow).values(
                    slug=slug,
                    id=make_uuid(NOON, bytes([number] * 8)),
                    subject="account",
                    title=slug,
                    created_at=NOON,
                    created_by="ann",
                )
            )
        return (await read_facts(connection, "north-haulage")).id


async def test_facts_are_read_as_they_were_sent(engine: AsyncEngine, account_id: UUID) -> None:
    """The deciding room gets the raw values; the rule set's own door reads them."""
    async with transaction(engine) as connection:
        found = await read_facts(connection, "north-haulage")
        assert (found.id, found.key, found.facts) == (
            account_id,
            "north-haulage",
            {"company_size": 120},
        )
        with pytest.raises(AccountNotFound):
            await read_facts(connection, "south-haulage")


async def test_an_account_that_nobody_judged_has_no_assessment(
    client: AsyncClient, account_id: UUID
) -> None:
    """An empty list, not a refusal: the account is there."""
    del account_id
    answer = await client.get(f"{NORTH}/assessment")
    assert answer.json() == {"key": "north-haulage", "data": []}


async def test_the_first_decision_is_current_and_the_second_moves_it_back(
    client: AsyncClient, engine: AsyncEngine, account_id: UUID
) -> None:
    """Current and previous, per rule set, with verdict, outcome and instant."""
    first, second = judged(0, account_id), judged(1, account_id)
    other = judged(5, account_id, rule_set="account_risk")
    async with transaction(engine) as connection:
        await keep_assessment(connection, first)
    answer = await client.get(f"{NORTH}/assessment")
    assert answer.json()["data"] == [
        {"rule_set": "account_portfolio", "current": shown(first), "previous": None, "moved": None}
    ]
    async with transaction(engine) as connection:
        await keep_assessment(connection, second)
        await keep_assessment(connection, other)
    answer = await client.get(f"{NORTH}/assessment")
    both = {"current": shown(second), "previous": shown(first), "moved": None}
    alone = {"current": shown(other), "previous": None, "moved": None}
    assert answer.json()["data"] == [
        both | {"rule_set": "account_portfolio"},
        alone | {"rule_set": "account_risk"},
    ]
    answer = await client.get(f"{NORTH}/assessment?rule_set=account_risk")
    assert [each["rule_set"] for each in answer.json()["data"]] == ["account_risk"]


async def test_the_latest_two_are_kept_in_any_order_of_arrival(
    client: AsyncClient, engine: AsyncEngine, account_id: UUID
) -> None:
    """All orders of four decisions, one of them told twice, end alike."""
    told = [judged(minute, account_id) for minute in range(4)]
    for order in permutations(told):
        async with transaction(engine) as connection:
            await connection.execute(text("SET LOCAL ROLE NONE"))
            await connection.execute(text("DELETE FROM assessment"))
            for each in (*order, order[0]):
                await keep_assessment(connection, each)
        answer = (await client.get(f"{NORTH}/assessment")).json()["data"][0]
        assert (answer["current"], answer["previous"]) == (shown(told[3]), shown(told[2]))
