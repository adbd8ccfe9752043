"""What the positions of a statement add up to, in the database: SQL only.

A hundred thousand positions are summed in a fraction of a second there; to fetch them would
take longer than anybody waits for a page.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from service.portfolio.kept_store import kept_rows
from service.portfolio.reading import Statement
from service.portfolio.slicing import Slice
from service.portfolio.store import in_slices
from service.portfolio.summing import Sums
from service.storage.tables import PositionRow

__all__ = [
    "allow_sorting",
    "band",
    "burdens_of",
    "curve_points",
    "ends_of",
    "ranked",
    "slice_of",
    "sums_by",
    "top_of",
]
__all__ += ["whale_ends"]

_margin: Any = (PositionRow.revenue - PositionRow.cost).label("margin")
_RANKED: Final[Sequence[Any]] = (
    PositionRow.account_id,
    PositionRow.key,
    PositionRow.name,
    PositionRow.outcome,
    PositionRow.revenue,
    PositionRow.cost,
    _margin,
)
_SUMS: Final[Mapping[str, ColumnElement[Any]]] = {
    "accounts": func.count(),
    "certain": func.count().filter(PositionRow.certain),
    "measured": func.count().filter(PositionRow.is_measured),
    "revenue": func.coalesce(func.sum(PositionRow.revenue), 0),
    "cost": func.coalesce(func.sum(PositionRow.cost), 0),
}


async def allow_sorting(connection: AsyncConnection) -> None:
    """Let this transaction sort a hundred thousand positions in memory."""
    await connection.execute(text("SET LOCAL work_mem = '64MB'"))


def band(score: str, limit: float, *, of: Any = PositionRow) -> ColumnElement[Any]:  # noqa: ANN401 - the table, or an alias
    """Return the band of `value` or `growth`; as `matrix.band_of`, NULL where there is none."""
    low: Any = getattr(of, f"{score}_low")
    high: Any = getattr(of, f"{score}_high")
    return case(
        (low.is_(None), None),
        (low >= limit, literal("high")),
        (high < limit, literal("low")),
        else_=literal("between"),
    )


def slice_of(name: str) -> ColumnElement[Any]:
    """Return an account's text under *name*; NULL where it is not known."""
    told: ColumnElement[Any] = PositionRow.slices[name].astext
    return told


async def sums_by(
    connection: AsyncConnection,
    statement: Statement,
    *keys: ColumnElement[Any],
    slices: Sequence[Slice],
) -> list[tuple[tuple[Any, ...], Sums]]:
    """Return the sums of the positions in *slices* for each combination of *keys*."""
    grouped = [key.label(f"k{place}") for place, key in enumerate(keys)]
    inner = (
        select(*grouped, *(column.label(name) for name, column in _SUMS.items()))
        .where(*_of(statement, slices))
        .group_by(*(literal_label.name for literal_label in grouped))
    )
    rows = await kept_rows(connection, statement.id, inner)
    width = len(grouped)
    return [
        (tuple(row[:width]), Sums(**dict(zip(_SUMS, row[width:], strict=True)))) for row in rows
    ]


async def whale_ends(
    connection: AsyncConnection, statement: Statement, *, slices: Sequence[Slice]
) -> Any:  # noqa: ANN401 - a row
    """Return `accounts`, `measured`, `makers`, `takers`, `peak` and `taken` of the whale curve."""
    by_sign = (
        select(func.sign(_margin).label("sign"), PositionRow.is_measured, _margin)
        .where(*_of(statement, slices))
        .subquery()
    )
    sign, margin = by_sign.c.sign, by_sign.c.margin
    query = select(
        func.count().label("accounts"),
        func.count().filter(by_sign.c.is_measured).label("measured"),
        func.count().filter(sign > 0).label("makers"),
        func.count().filter(sign < 0).label("takers"),
        func.coalesce(func.sum(margin).filter(sign > 0), 0).label("peak"),
        func.coalesce(-func.sum(margin).filter(sign < 0), 0).label("taken"),
    )
    (row,) = await kept_rows(connection, statement.id, query)
    return row


async def curve_points(
    connection: AsyncConnection,
    statement: Statement,
    *,
    slices: Sequence[Slice],
    every: int,
    also: Sequence[int],
) -> list[tuple[int, Decimal]]:
    """Return how much the first n accounts leave together, for every so many n and *also* some."""
    order: list[Any] = [_margin.desc(), PositionRow.account_id]
    curve = (
        select(
            func.row_number().over(order_by=order).label("place"),
            func.sum(_margin).over(order_by=order, rows=(None, 0)).label("together"),
        )
        .where(*_of(statement, slices))
        .subquery()
    )
    kept = or_(curve.c.place % every == 0, curve.c.place == 1, curve.c.place.in_(list(also)))
    query = select(curve.c.place, curve.c.together).where(kept).order_by(curve.c.place)
    return [
        (place, together) for place, together in await kept_rows(connection, statement.id, query)
    ]


async def ranked(
    connection: AsyncConnection,
    statement: Statement,
    *,
    slices: Sequence[Slice],
    limit: int,
    after: tuple[Decimal, UUID] | None = None,
) -> Sequence[Row[Any]]:
    """Return accounts by margin, the most profitable first.

    *after* is the margin and id of the one before the first.
    """
    query: Select[Any] = select(*_RANKED).where(*_of(statement, slices))
    if after is not None:
        margin, account_id = after
        query = query.where(
            or_(_margin < margin, and_(_margin == margin, PositionRow.account_id > account_id))
        )
    query = query.order_by(_margin.desc(), PositionRow.account_id).limit(limit)
    rows: Sequence[Row[Any]] = (await connection.execute(query)).all()
    return rows


async def ends_of(
    connection: AsyncConnection, statement: Statement, *, slices: Sequence[Slice], limit: int
) -> list[Sequence[Row[Any]]]:
    """Return the most profitable accounts, and the least profitable.

    Who they are is kept; what they are called is read each time.
    """
    found = []
    for order in (
        (_margin.desc(), PositionRow.account_id.asc()),
        (_margin.asc(), PositionRow.account_id.desc()),
    ):
        whose = select(cast(PositionRow.account_id, Text)).where(*_of(statement, slices))
        rows = await kept_rows(connection, statement.id, whose.order_by(*order).limit(limit))
        ids = [UUID(row[0]) for row in rows]
        named = select(*_RANKED).where(
            PositionRow.statement_id == statement.id, PositionRow.account_id.in_(ids)
        )
        found.append((await connection.execute(named.order_by(*order))).all())
    return found


async def top_of(
    connection: AsyncConnection,
    statement: Statement,
    burden: str,
    *,
    slices: Sequence[Slice],
    numbers: Sequence[int],
) -> list[tuple[Decimal, Decimal, Decimal]]:
    """Return the burden, revenue and margin of the *numbers* of accounts that cause most of it."""
    amount: Any = getattr(PositionRow, burden)
    most = (
        select(amount.label("amount"), PositionRow.revenue, _margin, PositionRow.account_id)
        .where(*_of(statement, slices))
        .order_by(amount.desc(), PositionRow.account_id)
        .limit(max(numbers, default=0))
        .subquery()
    )
    place = func.row_number().over(order_by=[most.c.amount.desc(), most.c.account_id])
    placed = select(most, place.label("place")).subquery()
    query: Select[Any] = select(
        *(
            func.coalesce(func.sum(placed.c[name]).filter(placed.c.place <= number), 0)
            for number in numbers
            for name in ("amount", "revenue", "margin")
        )
    )
    (sums,) = await kept_rows(connection, statement.id, query)
    return [
        (Decimal(sums[at]), Decimal(sums[at + 1]), Decimal(sums[at + 2]))
        for at in range(0, 3 * len(numbers), 3)
    ]


async def burdens_of(
    connection: AsyncConnection, statement: Statement, *, slices: Sequence[Slice]
) -> Any:  # noqa: ANN401 - a row
    """Return how many accounts there are, all burdens by name, and the margin."""
    names = ("support_hours", "custom_hours", "escalations", "cost")
    columns: list[ColumnElement[Any]] = [
        func.coalesce(func.sum(getattr(PositionRow, name)), 0).label(name) for name in names
    ]
    margin = func.coalesce(func.sum(_margin), 0).label("margin")
    query = select(func.count().label("accounts"), *columns, margin)
    (row,) = await kept_rows(connection, statement.id, query.where(*_of(statement, slices)))
    return row


def _of(statement: Statement, slices: Sequence[Slice]) -> list[ColumnElement[bool]]:
    return [PositionRow.statement_id == statement.id, *in_slices(slices)]
