"""Parked events in the database: SQL only."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, and_, func, not_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage.tables import ParkedEvent

__all__ = ["add_parked", "change_parked", "close_parked", "find_parked", "list_parked"]
__all__ += ["find_parked_by_source"]

_BY_SOURCE: Final = text("""
    SELECT parked.*
    FROM unnest(CAST(:sources AS text[]), CAST(:ids AS text[])) AS given (source, id)
    JOIN parked_event AS parked
        ON parked.source = given.source AND parked.source_event_id = given.id
""")

SourceId = tuple[str, str]


async def find_parked_by_source(
    connection: AsyncConnection, ids: Sequence[SourceId]
) -> dict[SourceId, Row[Any]]:
    """Return what is or was parked under a source's own ids."""
    if not ids:
        return {}
    given = {"sources": [source for source, _ in ids], "ids": [own for _, own in ids]}
    rows: Any = await connection.execute(_BY_SOURCE, given)
    return {(row.source, row.source_event_id): row for row in rows}


async def add_parked(
    connection: AsyncConnection, parked: Sequence[Mapping[str, Any]]
) -> dict[SourceId, Row[Any]]:
    """Park events, or renew what is parked under the same ids; return each one's row.

    What somebody dropped stays dropped while its source tells the very same.
    """
    if not parked:
        return {}
    ordered = sorted(parked, key=lambda one: (one["source"], one["source_event_id"]))
    row = insert(ParkedEvent).values([dict(one) for one in ordered])
    statement = row.on_conflict_do_update(
        index_elements=[ParkedEvent.source, ParkedEvent.source_event_id],
        set_={
            "content": row.excluded.content,
            "reasons": row.excluded.reasons,
            "state": "parked",
            "last_at": row.excluded.last_at,
            "closed_at": None,
            "closed_by": None,
            "closed_reason": None,
            "event_id": None,
        },
        where=not_(
            and_(ParkedEvent.state == "dropped", ParkedEvent.content == row.excluded.content)
        ),
    )
    await connection.execute(statement)
    ids = [(one["source"], one["source_event_id"]) for one in ordered]
    return await find_parked_by_source(connection, ids)


async def close_parked(
    connection: AsyncConnection, entered: Mapping[UUID, UUID], *, by: str
) -> None:
    """Say of parked events, by id, which entry each has become."""
    for parked_id, event_id in sorted(entered.items()):
        await connection.execute(
            update(ParkedEvent)
            .where(ParkedEvent.id == parked_id)
            .values(
                state="entered",
                event_id=event_id,
                closed_at=func.now(),
                closed_by=by,
                closed_reason=None,
            )
        )


async def find_parked(
    connection: AsyncConnection, parked_id: UUID, *, to_change: bool = False
) -> Row[Any] | None:
    """Return one, locked until the transaction ends where it is *to_change*."""
    statement = select(ParkedEvent.__table__).where(ParkedEvent.id == parked_id)
    if to_change:
        statement = statement.with_for_update()
    return (await connection.execute(statement)).first()


async def change_parked(connection: AsyncConnection, parked_id: UUID, **values: object) -> None:
    """Set columns of one."""
    await connection.execute(
        update(ParkedEvent).where(ParkedEvent.id == parked_id).values(**values)
    )


async def list_parked(
    connection: AsyncConnection,
    *,
    state: str,
    source: str | None,
    code: str | None,
    after: UUID | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return up to *limit* events in *state*, the newest first; *code* is one of a reason."""
    statement = (
        select(ParkedEvent.__table__)
        .where(ParkedEvent.state == state)
        .order_by(ParkedEvent.id.desc())
        .limit(limit)
    )
    if source is not None:
        statement = statement.where(ParkedEvent.source == source)
    if code is not None:
        statement = statement.where(ParkedEvent.reasons.contains([{"code": code}]))
    if after is not None:
        statement = statement.where(ParkedEvent.id < after)
    return (await connection.execute(statement)).all()
