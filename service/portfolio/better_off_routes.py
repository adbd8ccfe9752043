"""`/v1/portfolio/{slug}/better-off`: who would be better off elsewhere, with its range."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from service.portfolio import better_off_store, view_store
from service.portfolio.better_off import BetterOff, Criteria, better_off_of, criteria_of
from service.portfolio.better_off_showing import better_off_lines, better_off_shown
from service.portfolio.scenario_schemas import BetterOffShown
from service.portfolio.slicing import BadSlice, listed
from service.portfolio.view_routes import Csv
from service.portfolio.view_showing import view_shown
from service.portfolio.viewing import Looking, Viewed
from service.storage import transaction
from service.web import REFUSALS, StrictRoute, csv_of, refusals

__all__ = ["better_off_routes"]

_MOST_NAMED: Final = 50
MustHave = Annotated[
    str | None,
    Query(
        max_length=64,
        description="The rule that says that their must-haves are met, or the attribute it reads; "
        "`must_haves_met` by default.",
    ),
]
Transitions = Annotated[
    list[str],
    Query(
        alias="transition",
        max_length=_MOST_NAMED,
        description="Outcomes that send somebody elsewhere; by default all that disqualify.",
    ),
]
By = Annotated[
    str | None, Query(max_length=64, description="The name to take it apart by, if any.")
]

better_off_routes = APIRouter(
    prefix="/v1/portfolio/{slug}",
    tags=["portfolio"],
    route_class=StrictRoute,
    responses=REFUSALS,
)


@better_off_routes.get("/better-off", operation_id="showBetterOff", response_model=BetterOffShown)
async def show(
    *,
    viewed: Viewed,
    must_have: MustHave = None,
    transitions: Transitions = [],  # noqa: B006 - FastAPI copies it
    by: By = None,
) -> dict[str, Any]:
    """Return how many accounts would be better off elsewhere, by count and by revenue.

    Those whose must-haves we do not meet, and those whom the rules send to a transition. The
    low end is certain; the high end counts everybody of whom what is not known could still
    say so.
    """
    looking, criteria, found = await _found(viewed, must_have, transitions, by)
    return view_shown(looking) | better_off_shown(found, criteria, by=by)


@better_off_routes.get(
    "/better-off.csv",
    operation_id="tabulateBetterOff",
    response_class=Csv,
    responses=refusals(422),
)
async def tabulate(
    *,
    viewed: Viewed,
    must_have: MustHave = None,
    transitions: Transitions = [],  # noqa: B006 - FastAPI copies it
    by: By = None,
) -> Csv:
    """Return the same as a table: a line a cause, or a line for each part."""
    _, _, found = await _found(viewed, must_have, transitions, by)
    return Csv(csv_of(better_off_lines(found, by=by)))


async def _found(
    viewed: Viewed, must_have: str | None, transitions: list[str], by: str | None
) -> tuple[Looking, Criteria, BetterOff]:
    async with viewed.looking() as looking:
        statement = looking.statement
        if by is not None and by not in statement.slices:
            words = f"the statement cannot be taken apart so; it has {listed(statement.slices)}"
            raise BadSlice(words, parameter="by")
    running = await viewed.live.version(statement.rule_set, statement.version)
    criteria = criteria_of(running.rules, must_have=must_have, transitions=transitions)
    async with transaction(viewed.house.engine) as connection:
        lots = await better_off_store.lots_of(
            connection,
            statement,
            criteria,
            slices=viewed.slices,
            part=None if by is None else view_store.slice_of(by),
        )
    return looking, criteria, better_off_of(criteria, lots)
