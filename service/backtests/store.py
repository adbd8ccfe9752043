"""Backtests in the database: SQL only. Leases run by the database's clock."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import Row, Select, and_, func, insert, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage import driver_of, leases
from service.storage.tables import AccountRow, BacktestFlip, BacktestRow, DecisionRow

__all__ = [
    "ENDED",
    "MOST_COUNTED",
    "add_backtest",
    "add_flips",
    "change_state",
    "claim_waiting",
    "count_decisions",
    "find_backtest",
    "find_document",
    "give_back",
    "keep_chunk",
    "list_backtests",
    "list_flips",
    "reaches_back",
    "read_revenue",
    "set_columns",
]

MOST_COUNTED: Final = 1_000_000
ENDED: Final = leases.ENDED
_HEAD: Final = [c for c in BacktestRow.__table__.columns if c.name != "document"]
# One subject counts once, with its newest decision: an account, else an external id, else
# the decision itself.
_REVENUE: Final = text("""
    SELECT verdict_before, outcome_before, verdict_after, outcome_after,
        count(*) AS subjects, count(amount) AS known, coalesce(sum(amount), 0) AS amount
    FROM (
        SELECT DISTINCT ON (coalesce(d.account_id::text, 'x' || d.external_id, d.id::text))
            f.verdict_before, f.outcome_before, f.verdict_after, f.outcome_after,
            CASE WHEN jsonb_typeof(coalesce(a.facts, d.facts) -> :revenue) = 'number'
                THEN (coalesce(a.facts, d.facts) ->> :revenue)::numeric END AS amount
        FROM backtest_flip f
        LEFT JOIN decision d ON d.decided_at = f.decided_at AND d.id = f.decision_id
        LEFT JOIN account a ON a.id = f.account_id
        WHERE f.backtest_id = :id
        ORDER BY coalesce(d.account_id::text, 'x' || d.external_id, d.id::text),
            d.decided_at DESC, d.id DESC
    ) AS newest
    GROUP BY verdict_before, outcome_before, verdict_after, outcome_after
    ORDER BY verdict_before, outcome_before, verdict_after, outcome_after
""")

_FLIP: Final = [c.name for c in BacktestFlip.__table__.columns if c.name != "backtest_id"]
_COPY_FLIPS: Final = f"COPY backtest_flip (backtest_id, {', '.join(_FLIP)}) FROM STDIN".encode()

Position = tuple[datetime, UUID]


async def add_backtest(connection: AsyncConnection, values: Mapping[str, object]) -> None:
    """Insert a backtest."""
    await connection.execute(insert(BacktestRow).values(**values))


async def find_backtest(connection: AsyncConnection, backtest_id: UUID) -> Row[Any] | None:
    """Return a backtest without its document."""
    statement = select(*_HEAD).where(BacktestRow.id == backtest_id)
    return (await connection.execute(statement)).first()


async def list_backtests(
    connection: AsyncConnection, *, rule_set: str | None, before: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Return up to *limit* backtests, the newest first."""
    statement = select(*_HEAD).order_by(BacktestRow.id.desc()).limit(limit)
    if rule_set is not None:
        statement = statement.where(BacktestRow.rule_set == rule_set)
    if before is not None:
        statement = statement.where(BacktestRow.id < before)
    return (await connection.execute(statement)).all()


async def find_document(connection: AsyncConnection, backtest_id: UUID) -> bytes:
    """Return the canonical text that a backtest, which is there, tries."""
    statement = select(BacktestRow.document).where(BacktestRow.id == backtest_id)
    document: bytes = (await connection.execute(statement)).scalar_one()
    return document


async def change_state(
    connection: AsyncConnection, backtest_id: UUID, *, of: Sequence[str], to: Mapping[str, object]
) -> bool:
    """Set columns of a backtest in one of the states *of*; return whether it was in one."""
    return await leases.change_state(connection, BacktestRow, backtest_id, of=of, to=to)


async def claim_waiting(connection: AsyncConnection, *, lease: timedelta) -> Row[Any] | None:
    """Take the lease of the oldest backtest that nobody works on, and return it whole."""
    return await leases.claim_row(connection, BacktestRow, lease=lease)


async def set_columns(connection: AsyncConnection, row: Row[Any], **values: object) -> bool:
    """Set columns of a claimed backtest; return whether the claim still holds."""
    return await leases.set_columns(connection, BacktestRow, row, **values)


async def keep_chunk(
    connection: AsyncConnection,
    row: Row[Any],
    *,
    position: Position,
    done: int,
    tally: Mapping[str, object],
    lease: timedelta,
) -> bool:
    """Keep how far a claimed backtest is, and renew its lease; false if the claim was lost."""
    return await set_columns(
        connection,
        row,
        position_at=position[0],
        position_id=position[1],
        done=done,
        tally=tally,
        attempts=0,
        lease_until=func.clock_timestamp() + lease,
    )


async def give_back(connection: AsyncConnection, row: Row[Any]) -> None:
    """Let go of a claimed backtest, so that another may go on with it at once."""
    await set_columns(connection, row, lease_until=None)


async def add_flips(
    connection: AsyncConnection, backtest_id: UUID, flips: Sequence[Mapping[str, object]]
) -> None:
    """Insert flips, each a value for every column but the backtest's."""
    if not flips:
        return
    driver = await driver_of(connection)
    async with driver.cursor() as cursor, cursor.copy(_COPY_FLIPS) as copy:
        for flip in flips:
            values = (flip[name] for name in _FLIP)
            plain = (Jsonb(one) if isinstance(one, dict | list) else one for one in values)
            await copy.write_row((backtest_id, *plain))


async def count_decisions(connection: AsyncConnection, row: Row[Any]) -> int | None:
    """Return how many decisions the window holds; None from a million on."""
    some = _window(select(DecisionRow.id), row).limit(MOST_COUNTED).subquery()
    number: int = (await connection.execute(select(func.count()).select_from(some))).scalar_one()
    return number if number < MOST_COUNTED else None


async def reaches_back(connection: AsyncConnection, row: Row[Any]) -> bool:
    """Return whether nothing was decided before a backtest's window begins."""
    if row.since is None:
        return True
    earlier = select(DecisionRow.id).where(
        DecisionRow.rule_set == row.rule_set,
        DecisionRow.decided_at < row.since,
    )
    return (await connection.execute(earlier.limit(1))).first() is None


async def list_flips(
    connection: AsyncConnection, backtest_id: UUID, *, after: Position | None, limit: int
) -> Sequence[Row[Any]]:
    """Return up to *limit* flips, the oldest decision first, with that decision's own facts."""
    order = (BacktestFlip.decided_at, BacktestFlip.decision_id)
    statement = (
        select(
            BacktestFlip.__table__,
            func.coalesce(DecisionRow.version, BacktestRow.base_version).label("version"),
            DecisionRow.external_id,
            AccountRow.key.label("account_key"),
            func.coalesce(DecisionRow.facts, AccountRow.facts).label("values"),
            DecisionRow.scores.label("scores_then"),
        )
        .join(BacktestRow, BacktestRow.id == BacktestFlip.backtest_id)
        .outerjoin(
            DecisionRow,
            and_(
                DecisionRow.decided_at == BacktestFlip.decided_at,
                DecisionRow.id == BacktestFlip.decision_id,
            ),
        )
        .outerjoin(
            AccountRow,
            AccountRow.id == func.coalesce(BacktestFlip.account_id, DecisionRow.account_id),
        )
        .where(BacktestFlip.backtest_id == backtest_id)
        .order_by(*order)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(tuple_(*order) > tuple_(*after))
    return (await connection.execute(statement)).all()


async def read_revenue(
    connection: AsyncConnection, backtest_id: UUID, *, revenue: str
) -> Sequence[Row[Any]]:
    """Return, by movement, how many subjects flip and what their revenue is, where known."""
    await connection.execute(text("SET LOCAL statement_timeout = '60s'"))
    given = {"id": backtest_id, "revenue": revenue}
    return (await connection.execute(_REVENUE, given)).all()


def _window(statement: Select[Any], row: Row[Any]) -> Select[Any]:
    """Narrow *statement* to what a backtest is about.

    A decision that was made under a person's override is among it: its row holds what the
    rules decided.
    """
    statement = statement.where(
        DecisionRow.rule_set == row.rule_set, DecisionRow.decided_at < row.until
    )
    if row.since is not None:
        statement = statement.where(DecisionRow.decided_at >= row.since)
    return statement
