"""Statements and positions in the database: SQL only."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from service.portfolio.slicing import Slice
from service.storage import leases
from service.storage.tables import PositionRow, RescoringRow, ScenarioRow, StatementRow

__all__ = ["add", "add_positions", "allow_long", "claim", "claim_next", "find", "find_newest"]
__all__ += [
    "find_before",
    "find_last_asked",
    "find_position",
    "in_slices",
    "list_done",
    "list_of",
    "remove",
    "stream_positions",
    "sum_positions",
]

_AT_ONCE: Final = 1_000


async def add(connection: AsyncConnection, values: Mapping[str, object]) -> None:
    """Insert a statement."""
    await connection.execute(insert(StatementRow).values(**values))


async def claim(
    connection: AsyncConnection, statement_id: UUID, *, lease: timedelta
) -> Row[Any] | None:
    """Take the lease of a statement whose rescoring is done; None where somebody has it."""
    await _end_with_rescorings(connection)
    if (await connection.execute(_ready().where(StatementRow.id == statement_id))).first() is None:
        return None
    return await leases.claim_row(connection, StatementRow, lease=lease, only=statement_id)


async def claim_next(connection: AsyncConnection, *, lease: timedelta) -> Row[Any] | None:
    """Take the lease of the oldest statement whose rescoring is done; None where none waits.

    One whose rescoring came to nothing comes to nothing too.
    """
    waiting = select(StatementRow.id).where(StatementRow.state.in_(leases.OPEN)).limit(1)
    if (await connection.execute(waiting)).first() is None:
        return None
    await _end_with_rescorings(connection)
    is_free = StatementRow.lease_until.is_(None) | (
        StatementRow.lease_until < func.clock_timestamp()
    )
    ready = _ready().where(is_free).order_by(StatementRow.id).limit(1)
    first = (await connection.execute(ready)).scalar_one_or_none()
    if first is None:
        return None
    return await leases.claim_row(connection, StatementRow, lease=lease, only=first)


def _ready() -> Select[UUID]:
    return (
        select(StatementRow.id)
        .join(RescoringRow, RescoringRow.id == StatementRow.rescoring_id)
        .where(StatementRow.state.in_(leases.OPEN), RescoringRow.state == "done")
    )


async def _end_with_rescorings(connection: AsyncConnection) -> None:
    """End the statements whose rescoring was cancelled or has failed, and say so."""
    await connection.execute(
        update(StatementRow)
        .where(
            StatementRow.rescoring_id == RescoringRow.id,
            StatementRow.state.in_(leases.OPEN),
            RescoringRow.state.in_(("cancelled", "failed")),
        )
        .values(
            state=RescoringRow.state,
            failure=func.concat(
                literal("its rescoring was not done"),
                case((RescoringRow.failure.is_not(None), literal(": ")), else_=literal("")),
                RescoringRow.failure,
            ),
            generation=StatementRow.generation + 1,
            lease_until=None,
            finished_at=func.clock_timestamp(),
        )
    )


async def allow_long(connection: AsyncConnection) -> None:
    """Let the statements of this transaction take as long as a pass over a large ledger does."""
    await connection.execute(text("SET LOCAL statement_timeout = '15min'"))
    await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '15min'"))


async def add_positions(
    connection: AsyncConnection, written: str, given: Mapping[str, object]
) -> None:
    """Run what `taking_sql.insert_positions` wrote."""
    await connection.execute(text(written), given)


async def sum_positions(
    connection: AsyncConnection, statement_id: UUID
) -> tuple[int, Decimal, Decimal]:
    """Return how many positions a statement has, and the sums of their revenue and cost."""
    statement = select(
        func.count(),
        func.coalesce(func.sum(PositionRow.revenue), 0),
        func.coalesce(func.sum(PositionRow.cost), 0),
    ).where(PositionRow.statement_id == statement_id)
    accounts, revenue, cost = (await connection.execute(statement)).one()
    return accounts, revenue, cost


async def find(connection: AsyncConnection, statement_id: UUID) -> Row[Any] | None:
    """Return a statement in whatever state."""
    return await leases.find_row(connection, StatementRow, statement_id)


async def find_newest(
    connection: AsyncConnection, rule_set: str, *, at: datetime | None
) -> Row[Any] | None:
    """Return the statement of *rule_set* that is done and the last one at or before *at*."""
    statement = select(StatementRow.__table__).where(
        StatementRow.rule_set == rule_set, StatementRow.state == "done"
    )
    if at is not None:
        statement = statement.where(StatementRow.at <= at)
    statement = statement.order_by(StatementRow.at.desc(), StatementRow.id.desc()).limit(1)
    row: Row[Any] | None = (await connection.execute(statement)).first()
    return row


async def find_before(connection: AsyncConnection, rule_set: str, at: datetime) -> Row[Any] | None:
    """Return the statement of *rule_set* that is done and the last one before *at*."""
    statement = (
        select(StatementRow.__table__)
        .where(
            StatementRow.rule_set == rule_set, StatementRow.state == "done", StatementRow.at < at
        )
        .order_by(StatementRow.at.desc(), StatementRow.id.desc())
        .limit(1)
    )
    row: Row[Any] | None = (await connection.execute(statement)).first()
    return row


async def find_last_asked(connection: AsyncConnection, rule_set: str) -> Row[Any] | None:
    """Return the statement of *rule_set* that was asked for last, whatever became of it."""
    rows = await list_of(connection, rule_set, before=None, limit=1)
    return rows[0] if rows else None


async def list_of(
    connection: AsyncConnection, rule_set: str, *, before: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Return the statements of *rule_set* that were asked for before one, the newest first."""
    return await leases.list_rows(connection, StatementRow, rule_set, before=before, limit=limit)


async def list_done(connection: AsyncConnection) -> Sequence[Row[Any]]:
    """Return every statement that is done: whose, of when and by whom, the oldest first."""
    statement = (
        select(StatementRow.id, StatementRow.rule_set, StatementRow.at, StatementRow.taken_by)
        .where(StatementRow.state == "done")
        .order_by(StatementRow.at, StatementRow.id)
    )
    rows: Any = await connection.execute(statement)
    found: Sequence[Row[Any]] = rows.all()
    return found


async def remove(connection: AsyncConnection, statement_id: UUID) -> bool:
    """Remove a statement with all that hangs on it; False where a scenario of it is open."""
    is_open = exists().where(
        ScenarioRow.statement_id == StatementRow.id, ScenarioRow.state.in_(leases.OPEN)
    )
    statement = (
        delete(StatementRow)
        .where(StatementRow.id == statement_id, ~is_open)
        .returning(StatementRow.id)
    )
    return (await connection.execute(statement)).first() is not None


async def find_position(
    connection: AsyncConnection, statement_id: UUID, account_id: UUID
) -> Row[Any] | None:
    """Return the position of one account in a statement."""
    statement = select(PositionRow.__table__).where(
        PositionRow.statement_id == statement_id, PositionRow.account_id == account_id
    )
    row: Row[Any] | None = (await connection.execute(statement)).first()
    return row


async def stream_positions(
    connection: AsyncConnection, statement_id: UUID, *, slices: Sequence[Slice]
) -> AsyncIterator[Row[Any]]:
    """Yield the positions of a statement that are in all *slices*, by account."""
    statement = (
        select(PositionRow.__table__)
        .where(PositionRow.statement_id == statement_id, *in_slices(slices))
        .order_by(PositionRow.account_id)
    )
    found = await connection.stream(statement, execution_options={"yield_per": _AT_ONCE})
    async for row in found:
        yield row


def in_slices(slices: Sequence[Slice]) -> list[ColumnElement[bool]]:
    """Return the conditions that a position is in all *slices*."""
    return [func.coalesce(PositionRow.slices[one.name].astext, "") == one.value for one in slices]
