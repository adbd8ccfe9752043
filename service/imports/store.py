"""Imports in the database: SQL only. Leases run by the database's clock."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, delete, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage import leases
from service.storage.tables import ImportPart, ImportProblem, ImportRow

__all__ = [
    "add",
    "add_part",
    "add_problems",
    "begin_file",
    "claim_next",
    "count_open",
    "drop_parts",
    "drop_stray_parts",
    "end_by_itself",
    "end_file",
    "find",
    "leave_file",
    "list_all",
    "list_problems",
    "read_part",
    "stop",
]

_OPEN: Final = ("waiting", *leases.OPEN)
_TURN: Final = int.from_bytes(b"import")
"""The lock of whoever adds an import or chooses the next one to work on."""


async def take_turn(connection: AsyncConnection) -> None:
    """Let nobody else add or choose an import until the transaction ends."""
    await connection.execute(select(func.pg_advisory_xact_lock(_TURN)))


async def add(connection: AsyncConnection, values: Mapping[str, object]) -> None:
    """Insert an import."""
    await connection.execute(insert(ImportRow).values(**values))


async def count_open(connection: AsyncConnection) -> int:
    """Return how many have not ended; nobody adds one until the transaction ends."""
    await take_turn(connection)
    statement = select(func.count()).where(ImportRow.state.in_(_OPEN))
    return (await connection.execute(statement)).scalar_one()


async def find(connection: AsyncConnection, import_id: UUID) -> Row[Any] | None:
    """Return an import in whatever state."""
    return await leases.find_row(connection, ImportRow, import_id)


async def list_all(
    connection: AsyncConnection, *, before: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Return the imports that were asked for before one, the newest first."""
    statement = select(ImportRow.__table__)
    if before is not None:
        statement = statement.where(ImportRow.id < before)
    return (await connection.execute(statement.order_by(ImportRow.id.desc()).limit(limit))).all()


async def begin_file(
    connection: AsyncConnection, import_id: UUID, *, lease: timedelta
) -> Row[Any] | None:
    """Claim a waiting import, to receive its file from the start.

    None where it has its file, or somebody else is receiving it.
    """
    now = func.clock_timestamp()
    statement = (
        update(ImportRow)
        .where(
            ImportRow.id == import_id,
            ImportRow.state == "waiting",
            or_(ImportRow.lease_until.is_(None), ImportRow.lease_until < now),
        )
        .values(generation=ImportRow.generation + 1, lease_until=now + lease, arrived=0)
        .returning(ImportRow.__table__)
    )
    row: Row[Any] | None = (await connection.execute(statement)).first()
    if row is not None:
        await drop_parts(connection, import_id)
    return row


async def add_part(
    connection: AsyncConnection,
    row: Row[Any],
    *,
    number: int,
    content: bytes,
    lease: timedelta,
) -> bool:
    """Keep the next piece of a file; return whether it is still ours to receive."""
    length = ImportRow.arrived + len(content)
    if not await _put_file(connection, row, arrived=length, lease_until=leases.longer(lease)):
        return False
    values = {"import_id": row.id, "number": number, "content": content}
    await connection.execute(insert(ImportPart).values(**values))
    return True


async def end_file(connection: AsyncConnection, row: Row[Any], *, sha256: bytes) -> bool:
    """Queue an import whose file is there; return whether it was still ours to receive."""
    return await _put_file(connection, row, state="queued", sha256=sha256, lease_until=None)


async def leave_file(connection: AsyncConnection, row: Row[Any]) -> None:
    """Forget what has arrived of a file, so that it can be sent again."""
    if await _put_file(connection, row, arrived=0, lease_until=None):
        await drop_parts(connection, row.id)


async def read_part(connection: AsyncConnection, import_id: UUID, number: int) -> bytes | None:
    """Return a piece of a file; None behind the last."""
    statement = select(ImportPart.content).where(
        ImportPart.import_id == import_id, ImportPart.number == number
    )
    content: bytes | None = (await connection.execute(statement)).scalar_one_or_none()
    return content


async def drop_parts(connection: AsyncConnection, import_id: UUID) -> None:
    """Forget a file."""
    await connection.execute(delete(ImportPart).where(ImportPart.import_id == import_id))


async def claim_next(connection: AsyncConnection, *, lease: timedelta) -> Row[Any] | None:
    """Take the lease of the oldest import that is queued; None while any is worked on."""
    waiting = select(ImportRow.id).where(ImportRow.state.in_(leases.OPEN)).limit(1)
    if (await connection.execute(waiting)).first() is None:
        return None
    await take_turn(connection)
    held = waiting.where(ImportRow.lease_until >= func.clock_timestamp())
    if (await connection.execute(held)).first() is not None:
        return None
    return await leases.claim_row(connection, ImportRow, lease=lease)


async def stop(connection: AsyncConnection, import_id: UUID, *, at: datetime) -> bool:
    """Cancel an import that has not ended, and forget its file; return whether it had not."""
    to = {"state": "cancelled", "finished_at": at}
    if not await leases.change_state(connection, ImportRow, import_id, of=_OPEN, to=to):
        return False
    await drop_parts(connection, import_id)
    return True


async def end_by_itself(connection: AsyncConnection, *, older_than: timedelta, words: str) -> None:
    """Fail imports whose files did not come within *older_than*."""
    now = func.clock_timestamp()
    late = (
        update(ImportRow)
        .where(
            ImportRow.state == "waiting",
            ImportRow.created_at < now - older_than,
            or_(ImportRow.lease_until.is_(None), ImportRow.lease_until < now),
        )
        .values(
            state="failed",
            failure=words,
            lease_until=None,
            generation=ImportRow.generation + 1,
            finished_at=now,
        )
    )
    await connection.execute(late)


async def drop_stray_parts(connection: AsyncConnection) -> None:
    """Forget files whose imports have ended."""
    ended = exists().where(
        ImportRow.id == ImportPart.import_id, ImportRow.state.in_(tuple(leases.ENDED))
    )
    await connection.execute(delete(ImportPart).where(ended))


async def add_problems(
    connection: AsyncConnection, import_id: UUID, problems: Sequence[tuple[int, str, str]]
) -> None:
    """Keep what is wrong with rows: line, code and reason each."""
    if problems:
        rows = [
            {"import_id": import_id, "line": line, "code": code, "reason": reason}
            for line, code, reason in problems
        ]
        await connection.execute(insert(ImportProblem), rows)


async def list_problems(
    connection: AsyncConnection, import_id: UUID, *, after: int, limit: int
) -> Sequence[Row[int, str, str]]:
    """Return problems of an import behind a line, in the order of their lines."""
    statement = (
        select(ImportProblem.line, ImportProblem.code, ImportProblem.reason)
        .where(ImportProblem.import_id == import_id, ImportProblem.line > after)
        .order_by(ImportProblem.line)
        .limit(limit)
    )
    return (await connection.execute(statement)).all()


async def _put_file(connection: AsyncConnection, row: Row[Any], **values: object) -> bool:
    """Set columns of an import whose file arrives; return whether the claim still holds."""
    statement = (
        update(ImportRow)
        .where(
            ImportRow.id == row.id,
            ImportRow.generation == row.generation,
            ImportRow.state == "waiting",
        )
        .values(**values)
        .returning(ImportRow.id)
    )
    return (await connection.execute(statement)).first() is not None
