"""The accounts of most revenue in a statement: SQL only."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import func, or_, select

from service.portfolio.concentration import how_many
from service.portfolio.kept_store import kept_rows
from service.portfolio.largest import Cut, Largest, Limit, Reached
from service.portfolio.store import in_slices
from service.portfolio.viewing import Looking
from service.storage.tables import PositionRow

__all__ = ["largest_of"]


async def largest_of(looking: Looking, limits: Sequence[Limit], percents: Sequence[int]) -> Largest:
    """Return where the largest *percents* begin, and who reaches *limits*.

    An account counts whose sources report revenue, or of which the ledger holds some.
    """
    of_it = PositionRow.statement_id == looking.statement.id, *in_slices(looking.slices)
    known = or_(PositionRow.is_measured, PositionRow.revenue != 0)
    order: list[Any] = [PositionRow.revenue.desc(), PositionRow.account_id]
    place = func.row_number().over(order_by=order).label("place")
    ranked = select(PositionRow.revenue, place).where(*of_it, known).subquery()
    revenue = ranked.c.revenue
    reaching = [
        revenue >= Decimal(str(one.begin)) if one.is_inside else revenue > Decimal(str(one.begin))
        for one in limits
    ]
    every = select(
        func.count(),
        func.coalesce(func.sum(revenue), 0),
        *(func.count().filter(reached) for reached in reaching),
        *(func.coalesce(func.sum(revenue).filter(reached), 0) for reached in reaching),
    ).select_from(ranked)
    connection, statement_id = looking.connection, looking.statement.id
    (row,) = await kept_rows(connection, statement_id, every)
    accounts, together, *rest = row
    numbers = [how_many(accounts, percent) for percent in percents]
    inside = [ranked.c.place <= number for number in numbers]
    tops = select(
        *(func.min(revenue).filter(one) for one in inside),
        *(func.coalesce(func.sum(revenue).filter(one), 0) for one in inside),
    ).select_from(ranked)
    (found,) = await kept_rows(connection, statement_id, tops)
    count = select(func.count()).where(*of_it)
    ((there,),) = await kept_rows(connection, statement_id, count)
    width = len(percents)
    return Largest(
        accounts=accounts,
        unknown=there - accounts,
        revenue=together,
        cuts=tuple(
            Cut(percent=percent, accounts=number, begin=begin, revenue=brought)
            for percent, number, begin, brought in zip(
                percents, numbers, found[:width], found[width:], strict=True
            )
        ),
        reached=tuple(
            Reached(limit, number, brought)
            for limit, number, brought in zip(
                limits, rest[: len(limits)], rest[len(limits) :], strict=True
            )
        ),
    )
