"""`/v1/portfolio/{slug}/movements`: who moved between two statements, and why."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from service.portfolio import pictures
from service.portfolio.drawing import Svg, day_shown, svg_answer
from service.portfolio.movement_schemas import MovementsShown
from service.portfolio.movement_showing import ByGroups, moved_shown, movements_shown
from service.portfolio.movement_store import list_moved, read_moves, sum_causes
from service.portfolio.movement_why import asked_why, causes_of, scenario_since
from service.portfolio.movements import Moves, Place
from service.portfolio.reading import Statement, read_statement
from service.portfolio.scenario_asking import pending_answer
from service.portfolio.scenario_schemas import PendingShown
from service.portfolio.view_routes import Csv
from service.portfolio.view_showing import stated_shown, view_shown
from service.portfolio.view_tables import SUMS, Line, sums_cells
from service.portfolio.viewing import Looking, Viewed
from service.rules import RuleSet
from service.rules.compare import CAUSES
from service.rulesets import Editing
from service.storage import transaction
from service.web import (
    REFUSALS,
    CursorParameter,
    Fault,
    Instant,
    InvalidCursor,
    Refusal,
    StrictRoute,
    csv_of,
    link_to_next,
    read_cursor,
    write_cursor,
)

__all__ = ["BadSince", "movement_routes"]

movement_routes = APIRouter(
    prefix="/v1/portfolio/{slug}",
    tags=["portfolio"],
    route_class=StrictRoute,
    responses=REFUSALS,
)
Since = Annotated[Instant, Query(description="Held against the newest statement then or before.")]
Limit = Annotated[
    int, Query(ge=0, le=100, description="How many accounts are named, and told why.")
]
_WAITS: Final[dict[int | str, dict[str, Any]]] = {
    202: {"description": "It is being worked out; ask again.", "model": PendingShown}
}
_RANKS = {"qualify": 0, "review": 1, "undecided": 1, "disqualify": 2}


class BadSince(Refusal):
    """The earlier of two statements is not earlier."""

    code: ClassVar[str] = "bad_since"

    def __init__(self) -> None:
        words = "there is no other statement between `since` and `at`; name an earlier `since`"
        super().__init__(words, faults=[Fault(code=self.code, message=words, parameter="since")])


@asynccontextmanager
async def _both(viewed: Viewed, since: Instant) -> AsyncIterator[tuple[Statement, Looking]]:
    """Open a transaction with both statements in it.

    Raises:
        StatementNotFound: If there is none that early.
        BadSince: If both are one.
    """
    async with viewed.looking() as looking:
        before = await read_statement(looking.connection, viewed.slug, at=since)
        if before.at >= looking.statement.at:
            raise BadSince
        yield before, looking


@movement_routes.get("/movements", operation_id="showMovements", response_model=MovementsShown)
async def show_movements(
    *,
    viewed: Viewed,
    since: Since,
    request: Request,
    response: Response,
    editor: Editing,
    limit: Limit = 20,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """Return who went from one group or cell to another between two statements, and why.

    Flows are of everybody, and so is `why`: how much new rules, new data and the passing of
    time did, the Shapley value over the three, from eight evaluations of each account that
    moved. That is worked out with each statement since the one before; of another pair it is
    once it is asked for, and `why_state` says how far it is. Of the accounts that moved a page
    is named, those of most revenue first, each with its own causes.
    """
    async with _both(viewed, since) as (before, looking):
        after = looking.statement
        filters = {"movements": str(after.id), "since": str(before.id), "in": str(looking.slices)}
        moves = await read_moves(looking.connection, before, after, slices=looking.slices)
    state, scenario = await asked_why(viewed, before, after, editor)
    async with transaction(viewed.house.engine) as connection:
        rows = await list_moved(
            connection,
            before,
            after,
            slices=looking.slices,
            among=None if scenario is None else scenario.id,
            following=_following(cursor, filters),
            limit=limit + 1,
        )
    named, following = rows[:limit], None
    if named and len(rows) > limit:
        last = named[-1]
        following = write_cursor((str(last.revenue), last.account_id), filters=filters)
        response.headers.update(link_to_next(request, following))
    causes, by_groups = await causes_of(viewed, after, named, scenario)
    return {
        **view_shown(looking),
        "since": stated_shown(before),
        **movements_shown(moves, by_groups),
        "why_state": state,
        "accounts": [moved_shown(row, why) for row, why in zip(named, causes, strict=True)],
        "next_cursor": following,
    }


@movement_routes.get(
    "/movements.csv", operation_id="tabulateMovements", response_class=Csv, responses=_WAITS
)
async def tabulate_movements(
    *,
    viewed: Viewed,
    since: Since,
    editor: Editing,
    table: Literal["flows", "causes"] = "flows",
) -> Response:
    """Return the movements as a table: a line for each way from place to place.

    Or the causes of them, a line for each way from group to group; until these are worked out
    the answer is 202.
    """
    async with _both(viewed, since) as (before, looking):
        after = looking.statement
        moves = await read_moves(looking.connection, before, after, slices=looking.slices)
    if table == "flows":
        return Csv(csv_of(_lines(moves)))
    row = await scenario_since(viewed, before, after, editor)
    if row.state != "done":
        return pending_answer(row)
    async with transaction(viewed.house.engine) as connection:
        causes = await sum_causes(connection, row, slices=viewed.slices)
    return Csv(csv_of(_cause_lines(causes)))


@movement_routes.get("/movements.svg", operation_id="drawMovements", response_class=Svg)
async def draw_movements(*, viewed: Viewed, since: Since) -> Svg:
    """Draw who went from which group to which."""
    async with _both(viewed, since) as (before, looking):
        after = looking.statement
        moves = await read_moves(looking.connection, before, after, slices=looking.slices)
    rules = (await viewed.live.version(after.rule_set, after.version)).rules
    return svg_answer(_drawn(moves, before, after, rules))


def _following(
    cursor: str | None, filters: dict[str, object] | dict[str, str]
) -> tuple[Decimal, UUID] | None:
    if cursor is None:
        return None
    revenue, account_id = read_cursor(cursor, filters=dict(filters), shape=(str, UUID))
    try:
        number = Decimal(str(revenue))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or not isinstance(account_id, UUID):
        words = "begin again without it; a cursor goes with the list it came from"
        raise InvalidCursor(words)
    return number, account_id


def _lines(moves: Moves) -> Iterator[Line]:
    names = ("outcome", "value", "growth")
    yield (*(f"{name}_{when}" for when in ("before", "after") for name in names), "is_move", *SUMS)
    for flow in sorted(moves.flows, key=lambda one: -one.sums.accounts):
        ends = [*_cells(flow.before), *_cells(flow.after)]
        yield (*ends, "true" if flow.is_move else "false", *sums_cells(flow.sums))


def _cause_lines(causes: ByGroups) -> Iterator[Line]:
    yield ("outcome_before", "outcome_after", "accounts", *CAUSES, "unknown")
    for (before, after), together in sorted(causes.items(), key=lambda one: -one[1].accounts):
        shares = [float(together.groups[cause]) for cause in CAUSES]
        yield (before, after, together.accounts, *shares, together.unknown)


def _cells(place: Place | None) -> tuple[str | None, ...]:
    return ("(not there)", None, None) if place is None else tuple(place)


def _drawn(moves: Moves, before: Statement, after: Statement, rules: RuleSet) -> str:
    never = "never decided"
    outcomes = rules.model.outcomes
    flows = [
        *(
            pictures.Flow(before=old or never, after=new or never, accounts=sums.accounts)
            for (old, new), sums in moves.between_groups().items()
        ),
        *(
            pictures.Flow(before=None, after=new or never, accounts=sums.accounts)
            for new, sums in moves.came().items()
        ),
        *(
            pictures.Flow(before=old or never, after=None, accounts=sums.accounts)
            for old, sums in moves.left().items()
        ),
    ]
    return pictures.movements(
        pictures.Movements(
            groups={one.id: one.label for one in outcomes},
            ranks={one.id: _RANKS[one.verdict] for one in outcomes},
            flows=tuple(flows),
            before=day_shown(before.at),
            after=day_shown(after.at),
        )
    )
