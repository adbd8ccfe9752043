"""What positions say of who would be better off elsewhere, in the database: SQL only.

Positions are put together where their letters are alike, which leaves few of them; what
letters mean is `better_off`'s to say.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.portfolio.better_off import Criteria, Lot, letter_of, sends_of
from service.portfolio.kept_store import kept_rows
from service.portfolio.ranging import Amount
from service.portfolio.reading import Statement
from service.portfolio.slicing import Slice
from service.portfolio.store import in_slices
from service.storage.tables import PositionRow

__all__ = ["lots_of"]


async def lots_of(
    connection: AsyncConnection,
    statement: Statement,
    criteria: Criteria,
    *,
    slices: Sequence[Slice],
    part: ColumnElement[Any] | None,
) -> list[Lot]:
    """Return the positions in *slices*, together where they are alike, taken apart by *part*."""
    letters: Any = PositionRow.letters
    columns: list[ColumnElement[Any]] = [
        (literal(None) if part is None else part).label("part"),
        letters["gates"].astext.label("gates"),
        letters["outcomes"].astext.label("outcomes"),
        _must_have(criteria).label("must_have"),
    ]
    told: list[Any] = [PositionRow.outcome, PositionRow.certain, PositionRow.in_grace]
    alike = (
        select(*columns, *told, PositionRow.revenue)
        .where(PositionRow.statement_id == statement.id, *in_slices(slices))
        .subquery()
    )
    keys = [column for column in alike.c if column.name != "revenue"]
    revenue = alike.c.revenue
    sums: list[ColumnElement[Any]] = [
        func.coalesce(func.sum(revenue), 0).label("total"),
        func.coalesce(func.sum(revenue).filter(revenue > 0), 0).label("above"),
        func.coalesce(func.sum(revenue).filter(revenue < 0), 0).label("below"),
    ]
    query = select(*keys, func.count().label("accounts"), *sums).group_by(*keys)
    return [
        Lot(
            row.part,
            letter_of(criteria, row.must_have),
            sends_of(
                criteria,
                outcome=row.outcome,
                certain=row.certain,
                letters=None
                if row.gates is None
                else {"gates": row.gates, "outcomes": row.outcomes},
            ),
            row.outcome,
            row.in_grace,
            row.accounts,
            Amount(row.total, row.above, row.below),
        )
        for row in await kept_rows(connection, statement.id, query)
    ]


def _must_have(criteria: Criteria) -> ColumnElement[Any]:
    """Return the letter of the must-have; NULL where there is none."""
    if criteria.must_have is None:
        return literal(None)
    rules: Any = PositionRow.letters["rules"].astext
    letter: ColumnElement[Any] = func.substr(rules, criteria.must_have.place + 1, 1)
    return letter
