"""Tell sales of its deals and books: as it was told before, where nothing came since."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from service.portfolio.alignment_showing import sales_shown
from service.portfolio.alignment_store import WITHIN, Period, read_as_of
from service.portfolio.kept_store import find_answer, keep_answer
from service.portfolio.reading import Statement
from service.portfolio.sales_alignment import gather, sales_of
from service.portfolio.slicing import Slice
from service.rules import RuleSet
from service.rulesets import LiveRules
from service.storage import transaction

__all__ = ["tell_sales"]


async def tell_sales(
    engine: AsyncEngine,
    statement: Statement,
    period: Period,
    *,
    rules: RuleSet,
    live: LiveRules,
    by: Sequence[str],
    slices: Sequence[Slice],
    within: timedelta = WITHIN,
) -> dict[str, Any]:
    """Return what became of deals by fit and *by* some names, and whose book holds what.

    To judge again who was inherited takes seconds for ten thousand accounts, so it is kept
    until an outcome comes or is withdrawn, or accounts are merged.

    Raises:
        BadSlice: If a name of *by* is neither a slice nor a number of the rule set.
    """
    asked = repr(("sales", tuple(by), tuple(slices), period))
    async with transaction(engine, within=within) as connection:
        as_of = await read_as_of(connection)
        kept: dict[str, Any] | None = await find_answer(
            connection, statement.id, asked, as_of=as_of
        )
        if kept is not None:
            return kept
        gathered = await gather(connection, statement, period, rules=rules, by=by, slices=slices)
    found = await sales_of(gathered, rules=rules, live=live, by=by)
    shown = sales_shown(found, statement, period)
    async with transaction(engine) as connection:
        await keep_answer(connection, statement.id, asked, shown, as_of=as_of)
    return shown
