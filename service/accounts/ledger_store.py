"""The ledger in the database: SQL only. Entries are added, and never anything else."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Row, Select, and_, func, not_, or_, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from service.storage import arrays_of, insert_new
from service.storage.tables import AccountEvent, AccountIdentity, AccountRow

__all__ = [
    "EventFilters",
    "add_entries",
    "find_accounts",
    "find_by_source",
    "find_event",
    "list_entries",
    "list_events",
    "of_account",
    "standing",
]

SourceId = tuple[str, str]
_Reversing = aliased(AccountEvent)
_SHOWN: Final[Sequence[ColumnElement[Any]]] = [
    *(column for column in AccountEvent.__table__.columns if column.name != "digest"),
    AccountRow.key.label("account_key"),
    _Reversing.id.label("reversed_by"),
]


_COLUMNS: Final = {
    "id": "uuid",
    "account_id": "uuid",
    "kind": "text",
    "at": "timestamptz",
    "amount": "numeric",
    "quantities": "jsonb",
    "source": "text",
    "source_event_id": "text",
    "digest": "bytea",
    "recorded_at": "timestamptz",
    "recorded_by": "text",
    "reverses": "uuid",
    "reason": "text",
}
_ADD: Final = insert_new("account_event", _COLUMNS, order_by="source, source_event_id")
_BY_SOURCE: Final = text("""
    SELECT event.id, event.source, event.source_event_id, event.digest,
        coalesce(account.merged_into, account.id) AS stands
    FROM unnest(CAST(:sources AS text[]), CAST(:ids AS text[])) AS given (source, id)
    JOIN account_event AS event
        ON event.source = given.source AND event.source_event_id = given.id
    JOIN account ON account.id = event.account_id
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilters:
    """Which entries are asked for; `begin` is included and `end` is not."""

    kind: str | None = None
    source: str | None = None
    begin: datetime | None = None
    end: datetime | None = None

    def to_cursor(self) -> dict[str, object]:
        """Return what a cursor of the list is bound to."""
        return {name: getattr(self, name) for name in self.__slots__}


def standing() -> ColumnElement[bool]:
    """Return the condition that an entry counts: it reverses none, and none reverses it.

    Sums need it not, because the two of a pair cancel out; counts, means and extremes do.
    """
    reversing = aliased(AccountEvent)
    return and_(
        AccountEvent.reverses.is_(None),
        not_(select(reversing.id).where(reversing.reverses == AccountEvent.id).exists()),
    )


def of_account(account_id: UUID) -> ColumnElement[bool]:
    """Return the condition that an entry is of an account, or of one merged into it.

    Both are asked for in one subquery: an alternative beside a subquery reads the whole ledger.
    """
    either = or_(AccountRow.id == account_id, AccountRow.merged_into == account_id)
    return AccountEvent.account_id.in_(select(AccountRow.id).where(either))


async def find_accounts(
    connection: AsyncConnection,
    *,
    keys: Iterable[str],
    identities: Iterable[tuple[str, str]],
) -> tuple[dict[str, Row[Any]], dict[tuple[str, str], Row[Any]]]:
    """Return the accounts of *keys* and of *identities*: `id`, and `standing` for it now."""
    now = func.coalesce(AccountRow.merged_into, AccountRow.id).label("stands")
    wanted, named = list(keys), list(identities)
    by_key: dict[str, Row[Any]] = {}
    by_identity: dict[tuple[str, str], Row[Any]] = {}
    if wanted:
        statement = select(AccountRow.key, AccountRow.id, now).where(AccountRow.key.in_(wanted))
        found: Any = await connection.execute(statement)
        by_key = {row.key: row for row in found}
    if named:
        known = (AccountIdentity.system, AccountIdentity.external_id)
        told = (
            select(*known, AccountRow.id, now)
            .join(AccountRow, AccountRow.id == AccountIdentity.account_id)
            .where(tuple_(*known).in_(named))
        )
        bearers: Any = await connection.execute(told)
        by_identity = {(row.system, row.external_id): row for row in bearers}
    return by_key, by_identity


async def find_by_source(
    connection: AsyncConnection, ids: Sequence[SourceId]
) -> dict[SourceId, Row[Any]]:
    """Return what is entered under a source's own ids: `id`, `digest`, and whose it is now."""
    if not ids:
        return {}
    given = {"sources": [source for source, _ in ids], "ids": [own for _, own in ids]}
    rows: Any = await connection.execute(_BY_SOURCE, given)
    return {(row.source, row.source_event_id): row for row in rows}


async def add_entries(
    connection: AsyncConnection, entries: Sequence[Mapping[str, object]]
) -> set[UUID]:
    """Insert *entries* and return the ids of those that are new to the ledger.

    One whose source's id is entered already, or is being entered by somebody else who then
    commits, is left out. They go in by source and id, so that two who bring the same do
    not wait for each other in a circle.
    """
    if not entries:
        return set()
    given = arrays_of(_COLUMNS, entries)
    given["quantities"] = [orjson.dumps(each).decode() for each in given["quantities"]]
    return set((await connection.execute(_ADD, given)).scalars())


async def find_event(connection: AsyncConnection, event_id: UUID) -> Row[Any] | None:
    """Return one entry as it is shown."""
    row: Row[Any] | None
    row = (await connection.execute(_shown().where(AccountEvent.id == event_id))).first()
    return row


async def list_entries(
    connection: AsyncConnection,
    account_id: UUID,
    *,
    kinds: Iterable[str],
    until: datetime,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return up to *limit* entries that reverse none, with when each was reversed itself.

    Those of accounts merged into it are among them.
    """
    statement = (
        select(
            AccountEvent.kind,
            AccountEvent.at,
            AccountEvent.amount,
            AccountEvent.quantities,
            AccountEvent.source,
            AccountEvent.source_event_id,
            AccountEvent.recorded_at,
            _Reversing.recorded_at.label("reversed_at"),
        )
        .outerjoin(_Reversing, _Reversing.reverses == AccountEvent.id)
        .where(
            of_account(account_id),
            AccountEvent.kind.in_(list(kinds)),
            AccountEvent.at <= until,
            AccountEvent.reverses.is_(None),
        )
        .limit(limit)
    )
    rows: Any = (await connection.execute(statement)).all()
    found: Sequence[Row[Any]] = rows
    return found


async def list_events(
    connection: AsyncConnection,
    filters: EventFilters,
    *,
    account_id: UUID | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return up to *limit* entries: an account's by when they happened, else all as entered.

    The latest come first. Of an account, those of accounts merged into it are among them.
    """
    statement = _shown().limit(limit)
    if account_id is None:
        statement = statement.order_by(AccountEvent.id.desc())
        if after is not None:
            statement = statement.where(AccountEvent.id < after[1])
    else:
        order = (AccountEvent.at, AccountEvent.id)
        statement = statement.where(of_account(account_id)).order_by(*(c.desc() for c in order))
        if after is not None:
            statement = statement.where(tuple_(*order) < tuple_(*after))
    if filters.kind is not None:
        statement = statement.where(AccountEvent.kind == filters.kind)
    if filters.source is not None:
        statement = statement.where(AccountEvent.source == filters.source)
    if filters.begin is not None:
        statement = statement.where(AccountEvent.at >= filters.begin)
    if filters.end is not None:
        statement = statement.where(AccountEvent.at < filters.end)
    rows: Sequence[Row[Any]] = (await connection.execute(statement)).all()
    return rows


def _shown() -> Select[Any]:
    return (
        select(*_SHOWN)
        .join(AccountRow, AccountRow.id == AccountEvent.account_id)
        .outerjoin(_Reversing, _Reversing.reverses == AccountEvent.id)
    )
