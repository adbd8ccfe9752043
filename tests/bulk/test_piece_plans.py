"""How the database reads a piece of the accounts: by their ids, and no more than a piece."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from service.bulk.account_store import READ_STANDING
from service.bulk.rescoring_working import reading
from tests.bulk.books import fill, go_live
from tests.bulk.test_rescoring import rescore

pytestmark = pytest.mark.anyio

ACCOUNTS, PIECE = 2_000, 50


def rows_of(plan: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Give each node of a plan, and how many rows came out of it."""
    yield plan["Node Type"], plan["Actual Rows"] * plan["Actual Loops"]
    for part in plan.get("Plans", ()):
        yield from rows_of(part)


@pytest.mark.parametrize("is_known", [False, True], ids=["tables unknown", "tables known"])
@pytest.mark.parametrize("is_first", [True, False], ids=["first", "again"])
async def test_a_piece_is_read_without_going_through_the_rest(
    engine: AsyncEngine, database_url: str, *, is_first: bool, is_known: bool
) -> None:
    """Also where the server takes the tables for empty: right after an import, or meanwhile."""
    fill(database_url, ACCOUNTS)
    await go_live(engine)
    if not is_first:
        await rescore(engine, database_url)
    given = {"rule_set": "book", "version": 1, "after": UUID(int=0), "limit": PIECE}
    async with reading(database_url) as reader:
        if is_known:
            await reader.execute(b"ANALYZE account, assessment, decision")
        explain = b"EXPLAIN (ANALYZE, FORMAT JSON) " + READ_STANDING
        found = await reader.execute(explain, {**given, "at": datetime.now(UTC)})
        told = await found.fetchone()
    assert told is not None
    rows = list(rows_of(told[0][0]["Plan"]))
    assert ("Index Scan", PIECE) in rows
    assert max(count for _, count in rows) <= PIECE, rows
