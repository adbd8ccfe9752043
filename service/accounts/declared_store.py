"""Declared kinds of events, and what is known of sources, in the database: SQL only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage.tables import AccountSource, EventKindRow

__all__ = ["find_kind", "find_source", "last_put_at", "list_kinds", "list_sources", "put_kind"]
__all__ += ["put_source"]


async def list_kinds(connection: AsyncConnection) -> Sequence[Row[Any]]:
    """Return every declared kind, by name."""
    statement = select(EventKindRow.__table__).order_by(EventKindRow.kind)
    return (await connection.execute(statement)).all()


async def find_kind(connection: AsyncConnection, kind: str) -> Row[Any] | None:
    """Return the declaration of *kind*, locked until the transaction ends."""
    statement = select(EventKindRow.__table__).where(EventKindRow.kind == kind).with_for_update()
    return (await connection.execute(statement)).first()


async def put_kind(connection: AsyncConnection, **values: Any) -> None:  # noqa: ANN401 - columns
    """Declare a kind, or declare it anew."""
    row = insert(EventKindRow).values(row_version=1, **values)
    changed = {name: row.excluded[name] for name in values}
    await connection.execute(
        row.on_conflict_do_update(
            index_elements=[EventKindRow.kind],
            set_=changed | {"row_version": EventKindRow.row_version + 1},
        )
    )


async def list_sources(connection: AsyncConnection) -> Sequence[Row[Any]]:
    """Return every source of which something is known, by name."""
    statement = select(AccountSource.__table__).order_by(AccountSource.name)
    return (await connection.execute(statement)).all()


async def last_put_at(connection: AsyncConnection) -> datetime | None:
    """Return when something was last said of any source."""
    statement = select(func.max(AccountSource.updated_at))
    at: datetime | None = (await connection.execute(statement)).scalar_one()
    return at


async def find_source(connection: AsyncConnection, name: str) -> Row[Any] | None:
    """Return what is known of a source, locked until the transaction ends."""
    statement = select(AccountSource.__table__).where(AccountSource.name == name)
    return (await connection.execute(statement.with_for_update())).first()


async def put_source(connection: AsyncConnection, **values: Any) -> None:  # noqa: ANN401 - columns
    """Say something of a source, in place of what was said before."""
    row = insert(AccountSource).values(row_version=1, **values)
    changed = {name: row.excluded[name] for name in values}
    await connection.execute(
        row.on_conflict_do_update(
            index_elements=[AccountSource.name],
            set_=changed | {"row_version": AccountSource.row_version + 1},
        )
    )
