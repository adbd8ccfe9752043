"""Why accounts moved: as it was worked out for all, or until then for the few that are named."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from service.portfolio.attributing import Why, why_moved
from service.portfolio.movement_showing import ByGroups
from service.portfolio.movement_store import list_kept, sum_causes
from service.portfolio.reading import Statement
from service.portfolio.scenario_asking import (
    ScenarioFailed,
    TooManyScenarios,
    question_since,
    scenario_of,
)
from service.portfolio.viewing import Viewed
from service.rulesets import Editor
from service.storage import transaction

__all__ = ["asked_why", "causes_of", "scenario_since"]


async def asked_why(
    viewed: Viewed, before: Statement, after: Statement, editor: Editor
) -> tuple[str, Row[Any] | None]:
    """Return how far it is worked out why accounts moved, and the scenario that says so."""
    try:
        row = await scenario_since(viewed, before, after, editor)
    except TooManyScenarios:
        return "waiting", None
    except ScenarioFailed:
        return "failed", None
    return row.state, row if row.state == "done" else None


async def scenario_since(
    viewed: Viewed, before: Statement, after: Statement, editor: Editor
) -> Row[Any]:
    """Return the scenario of why accounts moved; one that waits if nobody asked before.

    Raises:
        TooManyScenarios, ScenarioFailed: As `scenario_of`.
    """

    async def document() -> None:
        return None

    return await scenario_of(
        viewed.house.engine,
        after,
        kind="movements",
        question=question_since(before.id),
        editor=editor,
        document=document,
    )


async def causes_of(
    viewed: Viewed, after: Statement, named: Sequence[Row[Any]], scenario: Row[Any] | None
) -> tuple[Sequence[Why], ByGroups | None]:
    """Return why each of *named* moved, and all: as it is kept, or of *named* worked out now."""
    if scenario is None:
        engine, terms = viewed.house.engine, after.terms
        return await why_moved(engine, named, live=viewed.live, terms=terms), None
    async with transaction(viewed.house.engine) as connection:
        by_groups = await sum_causes(connection, scenario, slices=viewed.slices)
        kept = await list_kept(connection, scenario.id, [row.account_id for row in named])
    return [kept[row.account_id] for row in named], by_groups
