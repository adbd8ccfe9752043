"""Many decisions at once, in the database: SQL only."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.decisions.rescored_lines import COLUMNS
from service.storage import driver_of

__all__ = ["add_staged", "leave_out", "stage", "tell_overrides"]

_NAMES: Final = ", ".join(COLUMNS)
_CREATE: Final = text(
    "CREATE TEMPORARY TABLE IF NOT EXISTS staged_decision (LIKE decision) ON COMMIT DELETE ROWS"
)
_COPY: Final = f"COPY staged_decision ({_NAMES}) FROM STDIN".encode()
_OVERRIDES: Final = text(
    "UPDATE staged_decision AS staged SET override_of = word.id FROM verdict_override AS word"
    " WHERE word.account_id = staged.account_id AND word.rule_set = staged.rule_set"
    " AND word.withdrawn_at IS NULL"
    " AND (word.expires_at IS NULL OR word.expires_at > staged.decided_at)"
)
_ADD: Final = text(
    f"INSERT INTO decision ({_NAMES}) SELECT {_NAMES} FROM staged_decision"  # noqa: S608 - column names only
)
_LEAVE_OUT: Final = text("DELETE FROM staged_decision WHERE id = ANY(:ids)")


async def stage(connection: AsyncConnection, lines: str) -> None:
    """Copy decisions into `staged_decision`, which is empty when the transaction ends.

    *lines* are of the text format, with the columns of `rescored_lines`.
    """
    await connection.execute(_CREATE)
    driver = await driver_of(connection)
    async with driver.cursor() as cursor, cursor.copy(_COPY) as copy:
        await copy.write(lines)


async def tell_overrides(connection: AsyncConnection) -> None:
    """Note, in each staged decision, a person's word on its account that is in force."""
    await connection.execute(_OVERRIDES)


async def add_staged(connection: AsyncConnection) -> None:
    """Insert what is staged."""
    await connection.execute(_ADD)


async def leave_out(connection: AsyncConnection, ids: Collection[UUID]) -> None:
    """Take decisions out of what is staged."""
    if ids:
        await connection.execute(_LEAVE_OUT, {"ids": list(ids)})
