"""A statement holds each account as it stands, with what it brought and cost to the last digit."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from service.portfolio import Span
from tests.portfolio.taken import (
    FACTS,
    add_accounts,
    add_entries,
    live_template,
    merge,
    now,
    take_statement,
    taken,
)

pytestmark = pytest.mark.anyio


async def test_each_account_has_its_position(engine: AsyncEngine, database_url: str) -> None:
    """Judged as of the instant; cost by rates and drivers; slices as the rules read them."""
    running = await live_template(engine)
    ids = add_accounts(
        database_url,
        {
            "north": {**FACTS, "name": " North ", "owner": "ann", "core_use": "Yes"},
            "south": {**FACTS, "customer_since": str(now().date()), "segment": "Core"},
            "east": {},
            "west": FACTS,
        },
    )
    lately, long_ago = now() - timedelta(days=40), now() - timedelta(days=500)
    add_entries(
        database_url,
        ids,
        [
            ("north", "revenue", lately, Decimal("100000.01"), {"amount": 100000.01}),
            ("north", "revenue", long_ago, Decimal(7), {"amount": 7}),
            ("north", "support_case", lately, None, {"hours": 10.5}),
            ("north", "custom_work", lately, None, {"hours": 2}),
            ("north", "cost", lately, Decimal("0.01"), {"amount": 0.01, "driver": "hosting"}),
            ("north", "cost", lately, Decimal(3), {"amount": 3}),
            ("north", "escalation", lately, None, {}),
            ("east", "custom_work", lately, None, {"feature": "x"}),
            ("west", "cost", lately, Decimal(5), {"amount": 5, "driver": "hosting"}),
        ],
    )
    merge(database_url, ids["west"], ids["north"])
    statement = await take_statement(engine, database_url, running)
    found = await taken(engine, statement)
    assert set(found) == {"north", "south", "east"}
    north = found["north"]
    assert (north.name, north.revenue) == ("North", Decimal("100000.01"))
    assert north.costs == {
        "support_case": Decimal(840), "custom_work": Decimal(240), "hosting": Decimal("5.01"),
        "cost": Decimal(3),
    }  # fmt: skip
    assert (north.cost, north.support_hours, north.custom_hours) == (
        Decimal("1088.01"),
        Decimal("10.5"),
        Decimal(2),
    )
    assert (north.escalations, north.in_grace, north.is_measured) == (1, False, True)
    assert north.scores["growth"] == Span(50, 50)
    assert (north.scores["value"].high, north.certain) == (100, False)
    assert north.slices == {
        "segment": "core", "owner": "ann", "core_use": "true", "cohort": "2020-Q1",
        "sponsor": "true", "usage_trend": "rising", "budget_next_year": "true",
    }  # fmt: skip
    assert north.customer_since == date(2020, 2, 29)
    south = found["south"]
    assert (south.outcome, south.in_grace, south.certain) == ("too_early", True, False)
    assert "segment" not in south.slices
    east = found["east"]
    assert (east.revenue, east.is_measured, dict(east.slices)) == (Decimal(0), False, {})
    assert (statement.accounts, statement.revenue, statement.cost) == (
        3, Decimal("100000.01"), Decimal("1088.01"),
    )  # fmt: skip
    assert statement.terms.growth_from == 40
    assert statement.terms.value_from == 50
    assert statement.terms.window == "12 months"
    assert statement.terms.cost_metric == "cost_to_serve_12m"
