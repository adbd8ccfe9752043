"""What a statement's views add up to is kept: the same answer, until what it says may differ."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any, Final

import psycopg
import pytest

from service.portfolio.foreseeing import foresee
from service.storage import libpq_url, transaction
from tests.portfolio.statements import position, store_statement
from tests.portfolio.taken import SLUG, live_template
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio

VIEWS: Final = (
    "matrix",
    "summary",
    "segments?by=segment",
    "whale-curve",
    "concentration",
    "better-off",
    "alignment/sales",
    "alignment/support",
    "alignment/product",
)
MONEY: Final = {"revenue": Decimal("10.25"), "cost": Decimal("99.99")}


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """Return an application with a statement of three accounts."""
    async with serving(database_url, is_attended=False) as served:
        running = await live_template(served.app.house.engine)
        positions = [
            position("north", slices={"segment": "core"}, **MONEY),
            position("south", slices={"segment": "core", "owner": "ann"}, outcome="bad_fit"),
            position("east", slices={}, in_grace=True, **MONEY),
        ]
        async with transaction(served.app.house.engine) as connection:
            await store_statement(connection, running, positions)
        yield served


async def told(served: Served, view: str) -> Any:  # noqa: ANN401 - JSON
    """Return a view."""
    answer = await served.ask("GET", f"/v1/portfolio/{SLUG}/{view}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def run(url: str, query: bytes) -> list[Any]:
    """Run a statement and return its rows, if it has any."""
    with psycopg.connect(libpq_url(url)) as connection:
        found = connection.execute(query)
        return found.fetchall() if found.description else []


KEPT: Final = b"SELECT count(*) FROM statement_answer"


async def test_views_say_the_same_again_and_were_foreseen(
    served: Served, database_url: str
) -> None:
    """Asked as soon as it is taken, nobody adds a question; and a second time nothing differs."""
    ((statement,),) = run(database_url, b"SELECT id FROM statement")
    live = served.app.api.state.desk.live
    await foresee(SLUG, statement, engine=served.app.house.engine, live=live)
    ((foreseen,),) = run(database_url, KEPT)
    first = [await told(served, view) for view in VIEWS]
    assert run(database_url, KEPT) == [(foreseen,)]
    run(database_url, b"DELETE FROM statement_answer")
    assert [await told(served, view) for view in VIEWS] == first, "from the positions themselves"
    assert run(database_url, KEPT) != [(0,)]
    assert [await told(served, view) for view in VIEWS] == first


async def test_what_is_cleared_of_accounts_is_not_kept(served: Served, database_url: str) -> None:
    """Where a position loses what it held of a person, the views lose it too; totals stay."""
    before = await told(served, "segments?by=segment")
    assert {one["value"] for one in before["segments"]} == {"core", None}
    run(database_url, b"UPDATE position SET slices = '{}' WHERE key = 'north'")
    run(database_url, b"UPDATE position SET slices = '{}' WHERE key = 'south'")
    assert run(database_url, KEPT) == [(0,)]
    after = await told(served, "segments?by=segment")
    assert {one["value"] for one in after["segments"]} == {None}


async def test_sales_are_told_anew_when_an_outcome_comes(served: Served) -> None:
    """What became of deals is no figure of the statement alone."""
    assert (await told(served, "alignment/sales"))["total"]["deals"] == 0
    outcome = {"account": "north", "result": "won", "at": "2026-11-01T00:00:00Z"}
    answer = await served.ask(
        "POST", "/v1/outcomes", json=[outcome | {"source": "crm", "event_id": "1"}]
    )
    assert answer.status_code == 200, answer.text
    assert (await told(served, "alignment/sales"))["total"]["deals"] == 1
