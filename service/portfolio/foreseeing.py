"""Ask what everybody asks of a statement as soon as it is taken, so that nobody waits for it."""

from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.portfolio import better_off_store, store, view_store, viewing
from service.portfolio.alignment_store import Period
from service.portfolio.better_off import BadCriterion, criteria_of
from service.portfolio.movement_store import read_moves
from service.portfolio.reading import Statement, existing, statement_of
from service.portfolio.sales_telling import tell_sales
from service.portfolio.service_alignment import product, support
from service.rules import RuleSet
from service.rulesets import LiveRules
from service.storage import transaction

__all__ = ["foresee"]

_LONG: Final = timedelta(minutes=5)


async def foresee(slug: str, statement_id: UUID, *, engine: AsyncEngine, live: LiveRules) -> None:
    """Have every view's sums over all positions of a statement kept.

    They are the sums that the views themselves ask for; what is cut off is asked for then.

    Raises:
        StatementNotFound: If it was removed meanwhile.
    """
    async with transaction(engine, within=_LONG) as connection:
        statement = statement_of(await existing(connection, slug, statement_id))
    rules = (await live.version(slug, statement.version)).rules
    async with transaction(engine, within=_LONG) as connection:
        await store.allow_long(connection)
        await _look(connection, statement, rules)
    await tell_sales(
        engine,
        statement,
        _window(statement),
        rules=rules,
        live=live,
        by=statement.slices,
        slices=(),
        within=_LONG,
    )


def _window(statement: Statement) -> Period:
    return Period(statement.terms.since, statement.at)


async def _look(connection: AsyncConnection, statement: Statement, rules: RuleSet) -> None:
    await view_store.allow_sorting(connection)
    looking = viewing.Looking(connection, statement, ())
    await viewing.matrix(looking)
    await viewing.group_sums(looking)
    for name in statement.slices:
        await viewing.segments(looking, name)
    await viewing.whale_curve(looking)
    await viewing.concentration(looking)
    await support(connection, statement, rules=rules, slices=())
    await product(connection, statement, _window(statement), slices=())
    with suppress(BadCriterion):
        criteria = criteria_of(rules, must_have=None, transitions=())
        await better_off_store.lots_of(connection, statement, criteria, slices=(), part=None)
    before = await store.find_before(connection, statement.rule_set, statement.at)
    if before is not None:
        await read_moves(connection, statement_of(before), statement, slices=())
