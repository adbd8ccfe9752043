"""Many decisions at once, in the database: SQL only."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.decisions.deciding import Record
from service.storage import driver_of

__all__ = ["add_staged", "stage", "tell_overrides"]

_COLUMNS: Final = Record.__struct_fields__
_NAMES: Final = ", ".join(_COLUMNS)
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
    f"INSERT INTO decision ({_NAMES}) SELECT {_NAMES} FROM staged_decision RETURNING id"  # noqa: S608 - column names only
)


async def stage(connection: AsyncConnection, records: Sequence[Record]) -> None:
    """Copy decisions into `staged_decision`, which is empty when the transaction ends."""
    await connection.execute(_CREATE)
    driver = await driver_of(connection)
    async with driver.cursor() as cursor, cursor.copy(_COPY) as copy:
        for record in records:
            await copy.write_row([getattr(record, name) for name in _COLUMNS])


async def tell_overrides(connection: AsyncConnection) -> None:
    """Note, in each staged decision, a person's word on its account that is in force."""
    await connection.execute(_OVERRIDES)


async def add_staged(connection: AsyncConnection) -> set[UUID]:
    """Insert what is staged and return the ids of it."""
    return set((await connection.execute(_ADD)).scalars())
