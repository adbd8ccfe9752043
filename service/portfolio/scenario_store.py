"""Scenarios and what became of each account in them, in the database: SQL only."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, bindparam, func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as insert_or_not
from sqlalchemy.ext.asyncio import AsyncConnection

from service.portfolio.kept_store import kept_rows
from service.portfolio.slicing import Slice
from service.portfolio.store import in_slices
from service.storage import instant_of, leases
from service.storage.tables import (
    AccountRow,
    PositionRow,
    ScenarioAccount,
    ScenarioRow,
)

__all__ = ["add", "add_accounts", "claim", "count_moved", "count_open", "find", "list_decided"]
__all__ += ["list_facts", "list_moves", "list_nearest", "next_accounts"]

_DECIDED: Final = text("""
    SELECT decision.id, decision.version, decision.facts, decision.suspended, decision.tabled
    FROM unnest(CAST(:ids AS uuid[]), CAST(:ats AS timestamptz[])) AS asked(id, at)
    JOIN decision ON decision.decided_at = asked.at AND decision.id = asked.id
""")


async def find(
    connection: AsyncConnection, statement_id: UUID, *, question: str
) -> Row[Any] | None:
    """Return the scenario of a statement that answers *question*, in whatever state."""
    query = select(ScenarioRow.__table__).where(
        ScenarioRow.statement_id == statement_id, ScenarioRow.question == question
    )
    row: Row[Any] | None = (await connection.execute(query)).first()
    return row


async def count_open(connection: AsyncConnection, statement_id: UUID) -> int:
    """Return how many scenarios of a statement are not worked out yet."""
    query = select(func.count()).where(
        ScenarioRow.statement_id == statement_id, ScenarioRow.state.in_(leases.OPEN)
    )
    return (await connection.execute(query)).scalar_one()


async def add(connection: AsyncConnection, values: Mapping[str, object]) -> None:
    """Insert a scenario, unless somebody has just asked the same."""
    query = insert_or_not(ScenarioRow).values(**values).on_conflict_do_nothing()
    await connection.execute(query)


async def claim(connection: AsyncConnection, *, lease: timedelta) -> Row[Any] | None:
    """Take the lease of the oldest scenario that nobody works on; None where none waits."""
    waiting = select(ScenarioRow.id).where(ScenarioRow.state.in_(leases.OPEN)).limit(1)
    if (await connection.execute(waiting)).first() is None:
        return None
    return await leases.claim_row(connection, ScenarioRow, lease=lease)


async def next_accounts(
    connection: AsyncConnection, statement_id: UUID, *, after: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Return the next positions of a statement by account: whose, and by which decision."""
    columns: list[Any] = [PositionRow.account_id, PositionRow.decision_id]
    query = select(*columns).where(PositionRow.statement_id == statement_id)
    if after is not None:
        query = query.where(PositionRow.account_id > after)
    query = query.order_by(PositionRow.account_id).limit(limit)
    rows: Sequence[Row[Any]] = (await connection.execute(query)).all()
    return rows


async def list_decided(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    """Return what decisions were made of, by their ids."""
    given = {"ids": list(ids), "ats": [instant_of(one) for one in ids]}
    return {row.id: row for row in await connection.execute(_DECIDED, given)}


async def list_facts(
    connection: AsyncConnection, ids: Sequence[UUID]
) -> dict[UUID, Mapping[str, Any]]:
    """Return what is known of accounts now; of those that were erased or are gone, nothing."""
    query = select(AccountRow.id, AccountRow.facts).where(
        AccountRow.id.in_(bindparam("ids", expanding=True)), AccountRow.facts_erased_at.is_(None)
    )
    return {row.id: row.facts for row in await connection.execute(query, {"ids": list(ids)})}


async def add_accounts(connection: AsyncConnection, rows: Sequence[Mapping[str, object]]) -> None:
    """Keep what became of accounts."""
    if rows:
        await connection.execute(insert(ScenarioAccount), list(rows))


async def list_moves(
    connection: AsyncConnection, scenario: Row[Any], *, slices: Sequence[Slice]
) -> Sequence[Row[Any]]:
    """Return for each change, outcome before and after: how many accounts, and their revenue."""
    move = func.jsonb_each_text(ScenarioAccount.moves).table_valued("key", "value").lateral("move")
    query = (
        select(
            move.c.key.label("place"),
            ScenarioAccount.before,
            move.c.value.label("after"),
            func.count().label("accounts"),
            func.sum(PositionRow.revenue).label("revenue"),
        )
        .select_from(ScenarioAccount)
        .join(PositionRow, _same_account())
        .join(move, text("true"))
        .where(*_of(scenario, slices))
        .group_by(move.c.key, ScenarioAccount.before, move.c.value)
        .order_by(func.count().desc(), ScenarioAccount.before, move.c.value)
    )
    return await kept_rows(connection, scenario.statement_id, query)


async def count_moved(
    connection: AsyncConnection, scenario: Row[Any], *, slices: Sequence[Slice]
) -> tuple[Row[Any], Row[Any]]:
    """Return `accounts` and `revenue` of all positions, and of those that any change moves."""
    sums: list[Any] = [
        func.count().label("accounts"),
        func.coalesce(func.sum(PositionRow.revenue), 0).label("revenue"),
    ]
    whole = select(*sums).where(
        PositionRow.statement_id == scenario.statement_id, *in_slices(slices)
    )
    moved = (
        select(*sums)
        .select_from(ScenarioAccount)
        .join(PositionRow, _same_account())
        .where(*_of(scenario, slices))
    )
    rows = [
        (await kept_rows(connection, scenario.statement_id, query))[0] for query in (whole, moved)
    ]
    return rows[0], rows[1]


async def list_nearest(
    connection: AsyncConnection, scenario: Row[Any], *, slices: Sequence[Slice], limit: int
) -> Sequence[Row[Any]]:
    """Return the accounts that the smallest changes of all rates move, the nearest first."""
    columns: list[Any] = [PositionRow.key, PositionRow.name, PositionRow.revenue]
    columns += [ScenarioAccount.before, ScenarioAccount.edge, ScenarioAccount.edge_outcome]
    query = (
        select(*columns)
        .select_from(ScenarioAccount)
        .join(PositionRow, _same_account())
        .where(*_of(scenario, slices), ScenarioAccount.edge.is_not(None))
        .order_by(func.abs(ScenarioAccount.edge), PositionRow.revenue.desc(), PositionRow.key)
        .limit(limit)
    )
    rows: Sequence[Row[Any]] = (await connection.execute(query)).all()
    return rows


def _same_account() -> ColumnElement[bool]:
    return PositionRow.account_id == ScenarioAccount.account_id


def _of(scenario: Row[Any], slices: Sequence[Slice]) -> list[ColumnElement[bool]]:
    return [
        ScenarioAccount.scenario_id == scenario.id,
        PositionRow.statement_id == scenario.statement_id,
        *in_slices(slices),
    ]
