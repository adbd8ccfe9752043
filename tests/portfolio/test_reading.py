"""A statement is read by rule set and instant, and its positions whole or by slice."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest

from service.portfolio import (
    BadSlice,
    Position,
    Slice,
    Span,
    StatementNotFound,
    read_position,
    read_positions,
    read_slices,
    read_statement,
)
from service.rulesets import Running
from service.storage import to_text, transaction
from tests.bulk.books import go_live
from tests.portfolio.statements import NOON, position, store_statement
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio
PATH = "/v1/portfolio/book/statements"


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """Return an application that does nothing between requests."""
    async with serving(database_url, is_attended=False) as served:
        yield served


@pytest.fixture
async def running(served: Served) -> Running:
    """Return live rules for accounts."""
    return await go_live(served.app.house.engine)


async def test_a_position_comes_back_as_it_was_stated(served: Served, running: Running) -> None:
    """Money to the last digit, scores as ranges, what is not known as nothing."""
    told = position(
        "north",
        name="North Haulage",
        scores={"value": [20, 70], "growth": [0.9756, 0.9756]},
        revenue=Decimal("1000000000000.01"),
        cost=Decimal("0.000001"),
        costs={"support_case": "0.000001"},
        slices={"segment": "core"},
    )
    async with transaction(served.app.house.engine) as connection:
        await store_statement(connection, running, [told])
        statement = await read_statement(connection, "book")
        found = [one async for one in read_positions(connection, statement)]
        by_id = await read_position(connection, statement, told["account_id"])
    assert found == [by_id]
    (north,) = found
    assert isinstance(north, Position)
    assert (north.name, north.decision_id, north.customer_since) == ("North Haulage", None, None)
    assert north.margin == Decimal("1000000000000.009999")
    assert north.costs == {"support_case": Decimal("0.000001")}
    assert north.scores == {"value": Span(20, 70), "growth": Span(0.9756, 0.9756)}
    assert (statement.accounts, statement.revenue) == (1, Decimal("1000000000000.01"))
    assert statement.terms.growth_from == 40


async def test_the_newest_at_or_before_an_instant_is_read(served: Served, running: Running) -> None:
    """One that is not done yet is none, and nothing stands before the first."""
    async with transaction(served.app.house.engine) as connection:
        first = await store_statement(connection, running, [], at=NOON)
        second = await store_statement(connection, running, [], at=NOON + timedelta(days=1))
        await store_statement(connection, running, [], at=NOON + timedelta(days=2), state="queued")
        later = NOON + timedelta(hours=1)
        assert (await read_statement(connection, "book")).id == second
        assert (await read_statement(connection, "book", at=later)).id == first
        assert (await read_statement(connection, "book", at=NOON)).id == first
        for slug, at in (("book", NOON - timedelta(microseconds=1)), ("other", None)):
            with pytest.raises(StatementNotFound):
                await read_statement(connection, slug, at=at)


async def test_a_slice_holds_who_shares_its_text(served: Served, running: Running) -> None:
    """Several slices narrow each other; the empty text is for those of whom nobody told it."""
    accounts = {
        "north": {"segment": "core", "owner": "ann"},
        "south": {"segment": "core", "owner": "bo: the second"},
        "east": {"owner": "ann"},
    }
    async with transaction(served.app.house.engine) as connection:
        rows = [position(key, slices=slices) for key, slices in accounts.items()]
        await store_statement(connection, running, rows)
        statement = await read_statement(connection, "book")

        async def keys(*texts: str) -> set[str]:
            slices = read_slices(texts)
            found = read_positions(connection, statement, slices=slices)
            kept = {one.key async for one in found}
            wanted = {k for k, held in accounts.items() if all(s.holds(held) for s in slices)}
            assert kept == wanted
            return kept

        assert await keys() == {"north", "south", "east"}
        assert await keys("segment:core") == {"north", "south"}
        assert await keys("segment:core", "owner:ann") == {"north"}
        assert await keys("owner:bo: the second") == {"south"}
        assert await keys("segment:") == {"east"}
        assert await keys("segment:Core") == set()
        with pytest.raises(BadSlice, match="`owner`, `segment`"):
            await keys("region:north")


@pytest.mark.parametrize("text", ["", "segment", ":core", "segment:\0"])
def test_what_is_no_slice_is_refused(text: str) -> None:
    """The words say how one is written, and never what was sent."""
    with pytest.raises(BadSlice) as refused:
        read_slices([text])
    assert refused.value.faults[0].parameter == "slice"


def test_a_slice_may_be_of_any_text() -> None:
    """Only the first colon parts the name from it; too many at once are refused."""
    assert read_slices(["owner:a:b:"]) == (Slice("owner", "a:b:"),)
    with pytest.raises(BadSlice):
        read_slices(["owner:a"] * 9)


async def test_statements_are_listed_and_shown(served: Served, running: Running) -> None:
    """The newest first, each with its terms; totals once it is done."""
    rows = [position("north", revenue=Decimal(100), cost=Decimal("0.01"))]
    async with transaction(served.app.house.engine) as connection:
        first = await store_statement(connection, running, rows)
        at = NOON + timedelta(days=1)
        second = await store_statement(connection, running, [], at=at, state="queued")
    page = (await served.ask("GET", f"{PATH}?limit=1")).json()
    rest = (await served.ask("GET", f"{PATH}?limit=1&cursor={page['next_cursor']}")).json()
    assert [one["id"] for one in page["data"]] == [to_text("st", second)]
    assert [one["id"] for one in rest["data"]] == [to_text("st", first)]
    assert page["data"][0]["totals"] is None
    shown = (await served.ask("GET", f"{PATH}/{to_text('st', first)}")).json()
    assert shown == rest["data"][0]
    assert shown["totals"] == {
        "accounts": 1, "revenue": "100.00", "cost": "0.01", "margin": "99.99",
    }  # fmt: skip
    assert shown["terms"] == {
        "revenue": "revenue_12m", "cost": "cost_to_serve_12m", "value": "value",
        "growth": "growth", "value_from": 50, "growth_from": 40, "window": "12 months",
        "since": "2025-11-26T12:00:00.000000Z",
    }  # fmt: skip


async def test_what_is_not_there_is_said(served: Served, running: Running) -> None:
    """No such rule set, no such statement, and none under another rule set's address."""
    async with transaction(served.app.house.engine) as connection:
        own = to_text("st", await store_statement(connection, running, []))

    def refused(answer: httpx.Response) -> tuple[int, str]:
        return answer.status_code, answer.json()["code"]

    nowhere = "/v1/portfolio/nowhere/statements"
    assert refused(await served.ask("GET", nowhere)) == (404, "rule_set_not_found")
    for path in (f"{nowhere}/{own}", f"{PATH}/st_{'0' * 26}"):
        assert refused(await served.ask("GET", path)) == (404, "statement_not_found")
    for wrong in ("st_1", "rsc_" + own[3:], "st_%20"):
        assert refused(await served.ask("GET", f"{PATH}/{wrong}")) == (422, "invalid_id")
    key = await served.new_key("rules:read")
    assert refused(await served.ask("GET", PATH, key=key)) == (403, "scope_missing")
