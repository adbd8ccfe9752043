"""Deliveries as they came, and events that had their effect: SQL only."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, delete, func, literal_column, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage.tables import IntakeDelivery, IntakeSeen

__all__ = [
    "count_waiting",
    "find",
    "forget_seen",
    "keep",
    "list_of",
    "lock_waiting",
    "mark_seen",
    "set_state",
    "unmark_seen",
    "wait_again",
]

# The same delivery may be erased while it comes again; then this one is the first.
_TURNS: Final = 2


async def keep(
    connection: AsyncConnection,
    *,
    delivery_id: UUID,
    connection_id: UUID,
    at: datetime,
    media_type: str,
    body: bytes,
    digest: bytes,
    is_told_apart: bool,
) -> tuple[UUID, bool]:
    """Keep a delivery as it came; return its id and whether it came for the first time.

    Nothing that others hold is waited for: of a repeat that is being read, none is counted.
    """
    statement = (
        insert(IntakeDelivery)
        .values(
            id=delivery_id,
            connection_id=connection_id,
            received_at=at,
            media_type=media_type,
            body=body,
            digest=digest,
            is_told_apart=is_told_apart,
            state="waiting",
        )
        .on_conflict_do_nothing(
            index_elements=["connection_id", "digest"], index_where=text("is_told_apart")
        )
        .returning(IntakeDelivery.id)
    )
    same = (
        IntakeDelivery.connection_id == connection_id,
        IntakeDelivery.digest == digest,
        IntakeDelivery.is_told_apart,
    )
    for _ in range(_TURNS):
        if (await connection.execute(statement)).first() is not None:
            return delivery_id, True
        kept: UUID | None = await connection.scalar(select(IntakeDelivery.id).where(*same))
        if kept is not None:
            free = select(IntakeDelivery.id).where(*same).with_for_update(skip_locked=True)
            await connection.execute(
                update(IntakeDelivery)
                .where(IntakeDelivery.id == free.scalar_subquery())
                .values(repeats=IntakeDelivery.repeats + 1)
            )
            return kept, False
    raise AssertionError("a delivery is erased once, and then no other is the same")


async def find(
    connection: AsyncConnection, connection_id: UUID, delivery_id: UUID
) -> Row[Any] | None:
    """Return a delivery of a connection."""
    size = func.octet_length(IntakeDelivery.body).label("body_bytes")
    statement = select(IntakeDelivery.__table__, size).where(
        IntakeDelivery.id == delivery_id, IntakeDelivery.connection_id == connection_id
    )
    row: Any = (await connection.execute(statement)).first()
    found: Row[Any] | None = row
    return found


async def find_any(connection: AsyncConnection, delivery_id: UUID) -> Row[Any] | None:
    """Return a delivery, of whichever connection."""
    statement = select(IntakeDelivery.__table__).where(IntakeDelivery.id == delivery_id)
    row: Any = (await connection.execute(statement)).first()
    found: Row[Any] | None = row
    return found


async def lock_waiting(
    connection: AsyncConnection, delivery_id: UUID, *, is_held: bool
) -> Row[Any] | None:
    """Return a delivery that waits to be read, held until the transaction ends where asked."""
    statement = select(IntakeDelivery.__table__).where(
        IntakeDelivery.id == delivery_id, IntakeDelivery.state == "waiting"
    )
    row: Any = (
        await connection.execute(statement.with_for_update() if is_held else statement)
    ).first()
    found: Row[Any] | None = row
    return found


async def list_of(
    connection: AsyncConnection,
    connection_id: UUID,
    *,
    state: str | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return deliveries of a connection without their bodies, the newest first."""
    columns = [column for column in IntakeDelivery.__table__.c if column.name != "body"]
    size = func.octet_length(IntakeDelivery.body).label("body_bytes")
    statement = (
        select(*columns, size)
        .where(IntakeDelivery.connection_id == connection_id)
        .order_by(IntakeDelivery.id.desc())
        .limit(limit)
    )
    if state is not None:
        statement = statement.where(IntakeDelivery.state == state)
    if before is not None:
        statement = statement.where(IntakeDelivery.id < before)
    rows: Any = (await connection.execute(statement)).all()
    found: Sequence[Row[Any]] = rows
    return found


async def wait_again(
    connection: AsyncConnection,
    connection_id: UUID,
    *,
    states: Collection[str],
    only: UUID | None = None,
    most: int = 1_000,
) -> Sequence[UUID]:
    """Have deliveries read anew that are in one of *states*; return which, oldest first."""
    some = (
        select(IntakeDelivery.id)
        .where(IntakeDelivery.connection_id == connection_id, IntakeDelivery.state.in_(states))
        .order_by(IntakeDelivery.id)
        .limit(most)
        .with_for_update()
    )
    if only is not None:
        some = some.where(IntakeDelivery.id == only)
    statement = (
        update(IntakeDelivery)
        .where(IntakeDelivery.id.in_(some))
        .values(state="waiting", problems=None)
        .returning(IntakeDelivery.id)
    )
    return sorted((await connection.execute(statement)).scalars())


async def set_state(connection: AsyncConnection, delivery_id: UUID, **values: object) -> None:
    """Set columns of a delivery."""
    await connection.execute(
        update(IntakeDelivery).where(IntakeDelivery.id == delivery_id).values(**values)
    )


async def mark_seen(
    connection: AsyncConnection, connection_id: UUID, events: Collection[bytes], *, at: datetime
) -> frozenset[bytes]:
    """Remember that *events* have their effect now; return those that had none before."""
    if not events:
        return frozenset()
    rows = [
        {"connection_id": connection_id, "event": event, "seen_at": at} for event in sorted(events)
    ]
    statement: Any = insert(IntakeSeen).values(rows)
    # What comes again may come once more: it is remembered from now on.
    statement = statement.on_conflict_do_update(
        index_elements=["connection_id", "event"], set_={"seen_at": statement.excluded.seen_at}
    )
    found = await connection.execute(
        statement.returning(IntakeSeen.event, literal_column("xmax = 0"))
    )
    return frozenset(event for event, is_new in found if is_new)


async def forget_seen(connection: AsyncConnection, *, before: datetime, most: int) -> int:
    """Forget up to *most* events that were last seen *before*; return how many those were."""
    place: Any = literal_column("ctid")
    some = select(place).select_from(IntakeSeen.__table__).where(IntakeSeen.seen_at < before)
    statement = delete(IntakeSeen).where(place.in_(some.limit(most)))
    return (await connection.execute(statement)).rowcount


async def unmark_seen(
    connection: AsyncConnection, connection_id: UUID, events: Collection[bytes]
) -> None:
    """Forget that *events* were seen: they had no effect after all."""
    if events:
        await connection.execute(
            delete(IntakeSeen).where(
                IntakeSeen.connection_id == connection_id, IntakeSeen.event.in_(events)
            )
        )


async def count_waiting(connection: AsyncConnection, connection_id: UUID) -> dict[str, int]:
    """Return how many deliveries of a connection are in each state that asks for somebody."""
    statement = (
        select(IntakeDelivery.state, func.count())
        .where(
            IntakeDelivery.connection_id == connection_id,
            IntakeDelivery.state.in_(("waiting", "parked")),
        )
        .group_by(IntakeDelivery.state)
    )
    rows = await connection.execute(statement)
    return {row.state: row[1] for row in rows}
