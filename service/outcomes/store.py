"""Outcomes in the database: SQL only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Select, or_, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage import arrays_of, insert_new, instant_of
from service.storage.tables import AccountRow, DecisionRow, OutcomeEvent

__all__ = [
    "OutcomeFilters",
    "add_outcomes",
    "find_by_source",
    "find_decisions",
    "find_outcome",
    "list_outcomes",
    "withdraw_outcome",
]

SourceId = tuple[str, str]
_COLUMNS: Final = {
    "id": "uuid",
    "external_id": "text",
    "decision_id": "uuid",
    "account_key": "text",
    "result": "text",
    "at": "timestamptz",
    "opened_at": "timestamptz",
    "amount": "numeric",
    "owner": "text",
    "product": "text",
    "source": "text",
    "source_event_id": "text",
    "digest": "bytea",
    "recorded_at": "timestamptz",
    "recorded_by": "text",
}
_ADD: Final = insert_new("outcome_event", _COLUMNS, order_by="source, source_event_id")
_BY_SOURCE: Final = text("""
    SELECT outcome.id, outcome.source, outcome.source_event_id, outcome.digest, withdrawn_at
    FROM unnest(CAST(:sources AS text[]), CAST(:ids AS text[])) AS given (source, id)
    JOIN outcome_event AS outcome
        ON outcome.source = given.source AND outcome.source_event_id = given.id
""")
_IS_KNOWN: Final = or_(
    OutcomeEvent.decision_id.is_not(None),
    select(AccountRow.id).where(AccountRow.key == OutcomeEvent.account_key).exists(),
    select(DecisionRow.id).where(DecisionRow.external_id == OutcomeEvent.external_id).exists(),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeFilters:
    """Which outcomes are asked for; `begin` is included and `end` is not."""

    result: str | None = None
    account: str | None = None
    external_id: str | None = None
    owner: str | None = None
    source: str | None = None
    withdrawn: bool | None = None
    begin: datetime | None = None
    end: datetime | None = None

    def to_cursor(self) -> dict[str, object]:
        """Return what a cursor of the list is bound to."""
        return {name: getattr(self, name) for name in self.__slots__}


async def find_by_source(
    connection: AsyncConnection, ids: Sequence[SourceId]
) -> dict[SourceId, Row[Any]]:
    """Return what is kept under a source's own ids: `id`, `digest`, `withdrawn_at`."""
    if not ids:
        return {}
    given = {"sources": [source for source, _ in ids], "ids": [own for _, own in ids]}
    rows: Any = await connection.execute(_BY_SOURCE, given)
    return {(row.source, row.source_event_id): row for row in rows}


async def find_decisions(connection: AsyncConnection, ids: Iterable[UUID]) -> set[UUID]:
    """Return which of *ids* are decisions; each id names its partition."""
    places = [(at, one) for one in ids if (at := _instant_of(one)) is not None]
    if not places:
        return set()
    statement = select(DecisionRow.id).where(
        DecisionRow.decided_at.in_([at for at, _ in places]),
        tuple_(DecisionRow.decided_at, DecisionRow.id).in_(places),
    )
    return set((await connection.execute(statement)).scalars())


async def add_outcomes(
    connection: AsyncConnection, outcomes: Sequence[Mapping[str, object]]
) -> set[UUID]:
    """Insert *outcomes* and return the ids of those that are new.

    One whose source's id is kept already, or is being kept by somebody else who then
    commits, is left out.
    """
    if not outcomes:
        return set()
    return set((await connection.execute(_ADD, arrays_of(_COLUMNS, outcomes))).scalars())


async def find_outcome(connection: AsyncConnection, outcome_id: UUID) -> Row[Any] | None:
    """Return one outcome as it is shown."""
    row: Row[Any] | None
    row = (await connection.execute(_shown().where(OutcomeEvent.id == outcome_id))).first()
    return row


async def list_outcomes(
    connection: AsyncConnection,
    filters: OutcomeFilters,
    *,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return up to *limit* outcomes, the latest first.

    Of an account, those of accounts that are merged into it are among them.
    """
    order = (OutcomeEvent.at, OutcomeEvent.id)
    statement = _shown().order_by(*(column.desc() for column in order)).limit(limit)
    for name in ("result", "external_id", "owner", "source"):
        wanted = getattr(filters, name)
        if wanted is not None:
            statement = statement.where(getattr(OutcomeEvent, name) == wanted)
    if filters.account is not None:
        asked = select(AccountRow.id).where(AccountRow.key == filters.account).scalar_subquery()
        merged = select(AccountRow.key).where(AccountRow.merged_into == asked)
        is_of = or_(
            OutcomeEvent.account_key == filters.account, OutcomeEvent.account_key.in_(merged)
        )
        statement = statement.where(is_of)
    if filters.withdrawn is not None:
        is_null = OutcomeEvent.withdrawn_at.is_(None)
        statement = statement.where(~is_null if filters.withdrawn else is_null)
    if filters.begin is not None:
        statement = statement.where(OutcomeEvent.at >= filters.begin)
    if filters.end is not None:
        statement = statement.where(OutcomeEvent.at < filters.end)
    if after is not None:
        statement = statement.where(tuple_(*order) < tuple_(*after))
    rows: Sequence[Row[Any]] = (await connection.execute(statement)).all()
    return rows


async def withdraw_outcome(
    connection: AsyncConnection, outcome_id: UUID, *, by: str, at: datetime, reason: str
) -> bool:
    """Let an outcome count no more; false where it was withdrawn already."""
    statement = (
        update(OutcomeEvent)
        .where(OutcomeEvent.id == outcome_id, OutcomeEvent.withdrawn_at.is_(None))
        .values(withdrawn_at=at, withdrawn_by=by, withdrawn_reason=reason)
        .returning(OutcomeEvent.id)
    )
    return (await connection.execute(statement)).first() is not None


def _shown() -> Select[Any]:
    columns = (one for one in OutcomeEvent.__table__.columns if one.name != "digest")
    return select(*columns, _IS_KNOWN.label("is_known"))


def _instant_of(decision_id: UUID) -> datetime | None:
    """Return the instant of a decision's id; None for one of the year 10000 or later."""
    try:
        return instant_of(decision_id)
    except OverflowError:
        return None
