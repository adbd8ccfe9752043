"""Erasures, what they found, and by what the erased are known again: SQL only."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage import leases
from service.storage.tables import ErasedSubject, ErasureFind, ErasureRow

__all__ = [
    "add",
    "add_erased",
    "add_finds",
    "claim",
    "find",
    "first_erased_at",
    "give_back",
    "keep",
    "list_of",
    "newest_retention",
    "note_seen",
    "read_finds",
    "remove_finds",
    "renew",
    "seen_again",
    "take_turn",
]

_ADD_FINDS: Final = text("""
    INSERT INTO erasure_find (erasure_id, kind, value)
    SELECT :erasure, :kind, value FROM unnest(CAST(:values AS text[])) AS given (value)
    ON CONFLICT DO NOTHING
""")
_ADD_ERASED: Final = text("""
    INSERT INTO erased_subject (hmac, erasure_id, erased_at, seen)
    SELECT hmac, :erasure, :at, 0 FROM unnest(CAST(:marks AS bytea[])) AS given (hmac)
    ON CONFLICT (hmac) DO UPDATE SET erasure_id = excluded.erasure_id,
        erased_at = excluded.erased_at, seen = 0, seen_at = NULL
""")
_NOTE_SEEN: Final = text("""
    UPDATE erased_subject SET seen = seen + times, seen_at = now()
    FROM unnest(CAST(:marks AS bytea[]), CAST(:times AS bigint[])) AS given (mark, times)
    WHERE hmac = mark RETURNING times
""")
_TURN: Final = int.from_bytes(b"retain")
"""The lock of whoever adds a retention, so that a day has one."""


async def add(connection: AsyncConnection, values: Mapping[str, object]) -> None:
    """Insert an erasure."""
    await connection.execute(insert(ErasureRow).values(**values))


async def find(connection: AsyncConnection, erasure_id: UUID) -> Row[Any] | None:
    """Return an erasure."""
    return await leases.find_row(connection, ErasureRow, erasure_id)


async def list_of(
    connection: AsyncConnection, *, before: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Return erasures that were asked for before one, the newest first."""
    statement = select(ErasureRow.__table__).order_by(ErasureRow.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(ErasureRow.id < before)
    return (await connection.execute(statement)).all()


async def claim(
    connection: AsyncConnection, *, lease: timedelta, only: UUID | None = None
) -> Row[Any] | None:
    """Take the lease of the oldest erasure that nobody works on, or of *only*."""
    return await leases.claim_row(connection, ErasureRow, lease=lease, only=only)


async def keep(connection: AsyncConnection, row: Row[Any], **values: object) -> bool:
    """Set columns of a claimed erasure; return whether the claim still holds."""
    return await leases.set_columns(connection, ErasureRow, row, **values)


async def renew(connection: AsyncConnection, row: Row[Any], lease: timedelta) -> bool:
    """Hold a claimed erasure for longer; return whether it was still held."""
    return await keep(connection, row, lease_until=leases.longer(lease))


async def give_back(connection: AsyncConnection, row: Row[Any]) -> None:
    """Let go of a claimed erasure, so that another may go on with it at once."""
    await keep(connection, row, lease_until=None)


async def add_finds(
    connection: AsyncConnection, erasure_id: UUID, kind: str, values: Iterable[object]
) -> None:
    """Remember what was found of a subject; once, however often."""
    texts = [str(one) for one in values]
    if texts:
        given = {"erasure": erasure_id, "kind": kind, "values": texts}
        await connection.execute(_ADD_FINDS, given)


async def read_finds(
    connection: AsyncConnection,
    erasure_id: UUID,
    kind: str,
    *,
    after: int = 0,
    most: int | None = None,
) -> list[str]:
    """Return what was found of a kind, always in the same order."""
    statement = (
        select(ErasureFind.value)
        .where(ErasureFind.erasure_id == erasure_id, ErasureFind.kind == kind)
        .order_by(ErasureFind.value)
        .offset(after)
        .limit(most)
    )
    return list((await connection.execute(statement)).scalars())


async def remove_finds(connection: AsyncConnection, erasure_id: UUID) -> None:
    """Forget what was found."""
    await connection.execute(delete(ErasureFind).where(ErasureFind.erasure_id == erasure_id))


async def add_erased(
    connection: AsyncConnection, marks: Iterable[bytes], *, erasure_id: UUID, at: datetime
) -> None:
    """Remember subjects that were erased; of one that was before, that it was again."""
    given = {"marks": sorted(marks), "erasure": erasure_id, "at": at}
    await connection.execute(_ADD_ERASED, given)


async def seen_again(connection: AsyncConnection, erasure_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return how often subjects of erasures came again since."""
    statement = (
        select(ErasedSubject.erasure_id, func.sum(ErasedSubject.seen))
        .where(ErasedSubject.erasure_id.in_(erasure_ids))
        .group_by(ErasedSubject.erasure_id)
    )
    return {row[0]: int(row[1]) for row in await connection.execute(statement)}


async def note_seen(connection: AsyncConnection, marks: Mapping[bytes, int]) -> int:
    """Count on those of *marks* that were erased how often they came; return that in all."""
    if not marks:
        return 0
    given = {"marks": list(marks), "times": list(marks.values())}
    return sum((await connection.execute(_NOTE_SEEN, given)).scalars())


async def first_erased_at(connection: AsyncConnection) -> datetime | None:
    """Return since when anybody was erased; None where nobody was."""
    at: datetime | None = await connection.scalar(select(func.min(ErasedSubject.erased_at)))
    return at


async def take_turn(connection: AsyncConnection) -> None:
    """Let nobody else add a retention until the transaction ends."""
    await connection.execute(select(func.pg_advisory_xact_lock(_TURN)))


async def newest_retention(connection: AsyncConnection) -> Row[Any] | None:
    """Return the retention that was asked for last, dry runs left out."""
    statement = (
        select(ErasureRow.__table__)
        .where(ErasureRow.cause == "retention", ErasureRow.dry_run.is_(False))
        .order_by(ErasureRow.id.desc())
        .limit(1)
    )
    row: Row[Any] | None = (await connection.execute(statement)).first()
    return row
