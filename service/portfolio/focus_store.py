"""Who would stay and who would go, in the database: SQL only."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Subquery, and_, case, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.portfolio.focus import QUANTITIES, Order
from service.portfolio.kept_store import kept_rows
from service.portfolio.ranging import Amount, Fate
from service.portfolio.slicing import Slice
from service.portfolio.store import in_slices
from service.storage.tables import PositionRow, ScenarioAccount

__all__ = ["fated_by_rules", "fated_by_slices", "list_gone", "open_orders", "sums_by_fate"]

_P: Final = PositionRow
_AMOUNTS: Final[dict[str, Any]] = {
    "accounts": literal(1),
    "revenue": _P.revenue,
    "cost": _P.cost,
    "margin": _P.revenue - _P.cost,
    "support_hours": _P.support_hours,
}
_OPEN: Final = ("rather_in", "rather_out")


def fated_by_rules(statement_id: UUID, scenario_id: UUID, slices: Sequence[Slice]) -> Subquery:
    """Return the positions in *slices* with what a scenario says of each."""
    judged = and_(
        ScenarioAccount.scenario_id == scenario_id,
        ScenarioAccount.account_id == PositionRow.account_id,
    )
    fate = func.coalesce(ScenarioAccount.fate, "rather_out")
    return (
        select(*_columns(fate, ScenarioAccount.after))
        .select_from(PositionRow)
        .outerjoin(ScenarioAccount, judged)
        .where(PositionRow.statement_id == statement_id, *in_slices(slices))
        .subquery()
    )


def fated_by_slices(statement_id: UUID, keep: Sequence[Slice], slices: Sequence[Slice]) -> Subquery:
    """Return the positions in *slices* with whether *keep* keeps them; as `focus.fate_kept`."""
    names = sorted({one.name for one in keep})
    told = {name: PositionRow.slices[name].astext for name in names}
    wanted = {name: [one.value for one in keep if one.name == name] for name in names}
    goes = or_(*(told[name].is_not(None) & told[name].not_in(wanted[name]) for name in names))
    is_open = or_(*(told[name].is_(None) for name in names))
    fate = case((goes, "in"), (is_open, "rather_out"), else_="out")
    return (
        select(*_columns(fate, PositionRow.outcome))
        .where(PositionRow.statement_id == statement_id, *in_slices(slices))
        .subquery()
    )


async def sums_by_fate(
    connection: AsyncConnection, statement_id: UUID, fated: Subquery
) -> tuple[dict[Fate, dict[str, Amount]], dict[Fate, Order] | None]:
    """Return quantities by fate, and entries of revenue; None where they were not counted."""
    sums: list[ColumnElement[Any]] = []
    for name in QUANTITIES:
        column = fated.c[name]
        sums += [
            func.coalesce(func.sum(column), 0),
            func.coalesce(func.sum(column).filter(column > 0), 0),
            func.coalesce(func.sum(column).filter(column < 0), 0),
        ]
    query = select(
        fated.c.fate, func.bool_and(fated.c.orders.is_not(None)), func.sum(fated.c.orders), *sums
    ).group_by(fated.c.fate)
    found: dict[Fate, dict[str, Amount]] = {}
    orders: dict[Fate, Order] = {}
    are_counted = True
    for fate, is_counted, number, *amounts in await kept_rows(connection, statement_id, query):
        exact = [Decimal(amount) for amount in amounts]
        found[fate] = {
            name: Amount(*exact[3 * place : 3 * place + 3]) for place, name in enumerate(QUANTITIES)
        }
        are_counted = are_counted and is_counted
        orders[fate] = (found[fate]["revenue"].total, int(number or 0))
    return found, orders if are_counted else None


async def open_orders(
    connection: AsyncConnection, statement_id: UUID, fated: Subquery
) -> list[tuple[Fate, Order]]:
    """Return the revenue and entries of each account that could stay or go."""
    query = select(fated.c.fate, fated.c.revenue, fated.c.orders).where(
        fated.c.fate.in_(_OPEN), fated.c.orders > 0
    )
    rows = await kept_rows(connection, statement_id, query)
    return [(fate, (revenue, orders)) for fate, revenue, orders in rows]


async def list_gone(
    connection: AsyncConnection,
    fated: Subquery,
    *,
    fates: Sequence[Fate],
    after: UUID | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return the accounts of these *fates* after one, by id."""
    query = select(fated).where(fated.c.fate.in_(fates))
    if after is not None:
        query = query.where(fated.c.account_id > after)
    return (await connection.execute(query.order_by(fated.c.account_id).limit(limit))).all()


def _columns(fate: ColumnElement[Any], outcome: Any) -> list[ColumnElement[Any]]:  # noqa: ANN401 - a column
    return [
        PositionRow.account_id,
        PositionRow.key,
        PositionRow.name,
        PositionRow.outcome.label("before"),
        outcome.label("after"),
        fate.label("fate"),
        PositionRow.orders,
        *(column.label(name) for name, column in _AMOUNTS.items()),
    ]
