"""Old statements go, but one a week and one a month; never the newest, nor one asked for."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from service.portfolio.thinning import Keeping, superfluous, thin
from service.storage import transaction
from service.storage.tables import PositionRow, StatementRow
from tests.portfolio.statements import position, store_statement
from tests.portfolio.taken import SLUG, live_template
from tests.web.serving import Served, serving

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
KEEPING = Keeping(timedelta(days=35), timedelta(days=365))


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """Return an application that does nothing by itself."""
    async with serving(database_url, is_attended=False) as served:
        yield served


def test_a_year_and_a_half_of_days_leaves_weeks_and_months() -> None:
    """Every day of 35, then each Sunday and each last of a month, then those alone."""
    days = [NOW - timedelta(days=n) for n in range(550)]
    kept = sorted(set(days) - superfluous(days, now=NOW, keeping=KEEPING), reverse=True)
    assert kept[:36] == days[:36]
    in_the_year = [one for one in kept[36:] if NOW - one <= KEEPING.weekly]
    later = [one for one in kept if NOW - one > KEEPING.weekly]
    for one in in_the_year:
        assert one.isoweekday() == 7 or (one + timedelta(days=1)).day == 1
    assert len(in_the_year) == 47 + 9
    assert all((one + timedelta(days=1)).day == 1 for one in later)
    assert len(later) == 6


@given(st.lists(st.integers(0, 3_000), min_size=1, unique=True), st.integers(0, 400))
def test_thinning_again_and_later_never_empties_a_month(hours: list[int], wait: int) -> None:
    """The newest stays, each month keeps its last, and what is thinned is thin."""
    instants = [NOW - timedelta(hours=11 * n) for n in hours]
    now = NOW + timedelta(days=wait)
    kept = set(instants) - superfluous(instants, now=NOW, keeping=KEEPING)
    assert superfluous(sorted(kept), now=NOW, keeping=KEEPING) == set()
    once = set(instants) - superfluous(instants, now=now, keeping=KEEPING)
    assert kept - superfluous(sorted(kept), now=now, keeping=KEEPING) == once
    assert max(instants) in once
    assert {(one.year, one.month) for one in once} == {(one.year, one.month) for one in instants}


@pytest.mark.anyio
async def test_what_is_superfluous_goes_with_all_that_hangs_on_it(served: Served) -> None:
    """A dry run names it; what somebody asked for stays; the audit says what went."""
    engine = served.app.house.engine
    running = await live_template(engine)
    ages = (400, 399, 90, 89, 88, 1)
    async with transaction(engine) as connection:
        ids = [
            await store_statement(
                connection, running, [position("north")], at=NOW - timedelta(days=age)
            )
            for age in ages
        ]
        await connection.execute(update(StatementRow).values(taken_by="goodfit"))
        asked_for = update(StatementRow).where(StatementRow.id == ids[3])
        await connection.execute(asked_for.values(taken_by="ann@example.com"))
    tried = await thin(engine, KEEPING, now=NOW, by="goodfit", dry_run=True)
    gone = await thin(engine, KEEPING, now=NOW, by="goodfit")
    assert [row.id for row in tried] == [row.id for row in gone] == [ids[0], ids[2]]
    async with transaction(engine) as connection:
        left = (await connection.execute(select(StatementRow.id))).scalars().all()
        counted = await connection.execute(select(func.count()).select_from(PositionRow))
        assert counted.scalar_one() == len(left) == 4
    listed = (await served.ask("GET", f"/v1/portfolio/{SLUG}/statements")).json()["data"]
    assert len(listed) == 4
    entries = (await served.ask("GET", "/v1/audit")).json()["data"]
    assert sum(one["action"] == "portfolio.thin" for one in entries) == 2
    assert await thin(engine, KEEPING, now=NOW, by="goodfit") == []
