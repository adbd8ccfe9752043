"""Counts that all processes share. SQL only."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import delete, func, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage.tables import RequestCount
from service.web.crowd import Count, Total

__all__ = ["add_counts", "forget_counts"]

# Kept for two windows of its length: the one it is of, and the one that looks back at it.
_ADD: Final = text("""
    INSERT INTO request_count AS shared (name, "window", count, expires_at)
    SELECT name, "window", more, to_timestamp(("window" + 2) * window_s)
    FROM unnest(CAST(:names AS text[]), CAST(:windows AS bigint[]),
                CAST(:lengths AS bigint[]), CAST(:mores AS bigint[]))
        AS given (name, "window", window_s, more)
    ORDER BY name
    ON CONFLICT (name, "window") DO UPDATE SET count = shared.count + excluded.count
    RETURNING shared.name, shared."window", shared.count AS counted, coalesce((
        SELECT before.count FROM request_count AS before
        WHERE before.name = shared.name AND before."window" = shared."window" - 1
    ), 0) AS before
""")


async def add_counts(connection: AsyncConnection, counts: Sequence[Count]) -> list[Total]:
    """Add *counts*, each name once, and return what they come to over all processes."""
    given = {
        "names": [one.name for one in counts],
        "windows": [one.window for one in counts],
        "lengths": [one.window_s for one in counts],
        "mores": [one.more for one in counts],
    }
    rows = await connection.execute(_ADD, given)
    return [Total(row.name, row.window, row.counted, row.before) for row in rows]


async def forget_counts(connection: AsyncConnection) -> None:
    """Remove what no window looks at any more."""
    await connection.execute(delete(RequestCount).where(RequestCount.expires_at < func.now()))
