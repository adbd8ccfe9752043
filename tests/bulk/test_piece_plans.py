"""How the database reads a piece of the accounts: by their ids, and no more than a piece."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from service.bulk.account_store import READ_STANDING
from service.bulk.rescoring_working import reading
from service.storage import libpq_url
from tests.bulk.books import fill, go_live
from tests.bulk.test_rescoring import rescore

pytestmark = pytest.mark.anyio

ACCOUNTS, PIECE = 2_000, 50
TABLES = (b"assessment", b"decision", b"account")


def rows_of(plan: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Give each node of a plan, and how many rows it came by: those it threw away are read too."""
    thrown = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Join Filter", 0)
    yield plan["Node Type"], (plan["Actual Rows"] + thrown) * plan["Actual Loops"]
    for part in plan.get("Plans", ()):
        yield from rows_of(part)


def looks() -> Iterator[bytes]:
    """Give statements by which the server learns what a table holds, or held a while ago."""
    yield from (b"ANALYZE %b" % table for table in TABLES)
    for table in TABLES:
        yield b"UPDATE pg_class SET reltuples = 0, relpages = 1 WHERE relname LIKE '%b%%'" % table


@pytest.mark.parametrize("is_first", [True, False], ids=["first", "again"])
async def test_a_piece_is_read_without_going_through_the_rest(
    engine: AsyncEngine, database_url: str, *, is_first: bool
) -> None:
    """Whatever the server takes the tables for: it looks at them one by one, when it likes."""
    fill(database_url, ACCOUNTS)
    await go_live(engine)
    if not is_first:
        await rescore(engine, database_url)
    given = {"rule_set": "book", "version": 1, "after": UUID(int=0), "limit": PIECE}
    explain = b"EXPLAIN (ANALYZE, FORMAT JSON) " + READ_STANDING
    with psycopg.connect(libpq_url(database_url), autocommit=True) as server:
        async with reading(database_url) as reader:
            for look in (b"SELECT", *looks()):
                server.execute(look)
                found = await reader.execute(explain, {**given, "at": datetime.now(UTC)})
                told = await found.fetchone()
                assert told is not None
                rows = list(rows_of(told[0][0]["Plan"]))
                assert ("Index Scan", PIECE) in rows, look
                assert max(count for _, count in rows) <= PIECE, (look, rows)
