"""What is to be written back, and the decisions it tells of: SQL only."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage import instant_of
from service.storage.tables import (
    AccountIdentity,
    AccountRow,
    AssessmentRow,
    DecisionRow,
    WriteBackRow,
)

__all__ = ["end", "find_decision", "find_write", "list_due", "list_moved", "list_of", "try_again"]
__all__ += ["want"]

_TOLD = (
    DecisionRow.id,
    DecisionRow.decided_at,
    DecisionRow.version,
    DecisionRow.verdict,
    DecisionRow.outcome,
    DecisionRow.scores,
)


async def find_decision(connection: AsyncConnection, decision_id: UUID) -> Row[Any] | None:
    """Return what a record may be told of a decision; None where it is not kept any more."""
    statement = select(*_TOLD).where(
        DecisionRow.decided_at == instant_of(decision_id), DecisionRow.id == decision_id
    )
    row: Any = (await connection.execute(statement)).first()
    found: Row[Any] | None = row
    return found


async def list_moved(
    connection: AsyncConnection,
    connection_id: UUID,
    *,
    system: str,
    rule_set: str,
    record: str,
    most: int,
) -> Sequence[Row[Any]]:
    """Return the current decisions of accounts known to *system* of which nothing was worked out.

    Each with the `external_id` of the account there.
    """
    stands = func.coalesce(AccountRow.merged_into, AccountRow.id)
    statement = (
        select(*_TOLD, AccountIdentity.external_id)
        .select_from(AccountIdentity)
        .join(AccountRow, AccountRow.id == AccountIdentity.account_id)
        .join(
            AssessmentRow,
            and_(AssessmentRow.account_id == stands, AssessmentRow.rule_set == rule_set),
        )
        .join(
            DecisionRow,
            and_(
                DecisionRow.decided_at == AssessmentRow.at,
                DecisionRow.id == AssessmentRow.decision_id,
            ),
        )
        .outerjoin(
            WriteBackRow,
            and_(
                WriteBackRow.connection_id == connection_id,
                WriteBackRow.object == record,
                WriteBackRow.external_id == AccountIdentity.external_id,
            ),
        )
        .where(
            AccountIdentity.system == system,
            or_(
                WriteBackRow.decision_id.is_(None),
                WriteBackRow.decision_id != AssessmentRow.decision_id,
            ),
        )
        .limit(most)
    )
    rows: Any = (await connection.execute(statement)).all()
    found: Sequence[Row[Any]] = rows
    return found


async def find_write(
    connection: AsyncConnection, connection_id: UUID, record: str, external_id: str
) -> Row[Any] | None:
    """Return what was written to a record, and held until the transaction ends."""
    statement = select(WriteBackRow.__table__).where(_is(connection_id, record, external_id))
    row: Any = (await connection.execute(statement.with_for_update())).first()
    found: Row[Any] | None = row
    return found


async def want(
    connection: AsyncConnection,
    *,
    connection_id: UUID,
    record: str,
    external_id: str,
    decision_id: UUID,
    wanted: Mapping[str, Any],
    state: str,
    at: datetime,
) -> None:
    """Keep what a record should say. What waited already is replaced: only the newest counts."""
    values = {
        "decision_id": decision_id,
        "wanted": dict(wanted),
        "state": state,
        "attempts": 0,
        "due_at": at,
        "problem": None,
    }
    keys = {"connection_id": connection_id, "object": record, "external_id": external_id}
    statement = insert(WriteBackRow).values(**keys, **values)
    await connection.execute(
        statement.on_conflict_do_update(index_elements=list(keys), set_=values)
    )


async def list_due(
    connection: AsyncConnection, connection_id: UUID, *, at: datetime, most: int
) -> Sequence[Row[Any]]:
    """Return what is to be written now, by kind of object, the longest due first."""
    statement = (
        select(WriteBackRow.__table__)
        .where(
            WriteBackRow.connection_id == connection_id,
            WriteBackRow.state == "waiting",
            WriteBackRow.due_at <= at,
        )
        .order_by(WriteBackRow.object, WriteBackRow.due_at, WriteBackRow.external_id)
        .limit(most)
    )
    rows: Any = (await connection.execute(statement)).all()
    found: Sequence[Row[Any]] = rows
    return found


async def end(connection: AsyncConnection, row: Row[Any], **values: object) -> None:
    """Set columns of a record's row, unless a newer decision replaced what was sent."""
    await connection.execute(
        update(WriteBackRow)
        .where(
            _is(row.connection_id, row.object, row.external_id),
            WriteBackRow.decision_id == row.decision_id,
        )
        .values(**values)
    )


async def list_of(
    connection: AsyncConnection,
    connection_id: UUID,
    *,
    state: str | None,
    after: tuple[str, str] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return what was and is to be written, by kind of object and id."""
    keys = (WriteBackRow.object, WriteBackRow.external_id)
    statement = (
        select(WriteBackRow.__table__)
        .where(WriteBackRow.connection_id == connection_id)
        .order_by(*keys)
        .limit(limit)
    )
    if state is not None:
        statement = statement.where(WriteBackRow.state == state)
    if after is not None:
        record, external_id = after
        later = and_(WriteBackRow.object == record, WriteBackRow.external_id > external_id)
        statement = statement.where(or_(WriteBackRow.object > record, later))
    rows: Any = (await connection.execute(statement)).all()
    found: Sequence[Row[Any]] = rows
    return found


async def try_again(connection: AsyncConnection, connection_id: UUID, *, at: datetime) -> int:
    """Have everything tried again that was given up; return how much that is."""
    statement = (
        update(WriteBackRow)
        .where(WriteBackRow.connection_id == connection_id, WriteBackRow.state == "parked")
        .values(state="waiting", attempts=0, due_at=at)
        .returning(WriteBackRow.external_id)
    )
    return len((await connection.execute(statement)).all())


def _is(connection_id: UUID, record: str, external_id: str) -> Any:  # noqa: ANN401 - a condition
    return and_(
        WriteBackRow.connection_id == connection_id,
        WriteBackRow.object == record,
        WriteBackRow.external_id == external_id,
    )
