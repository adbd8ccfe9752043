"""`/v1/portfolio/{slug}/sensitivity`: who changes group if our costs are others than we think."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from sqlalchemy import Row

from service.accounts import amount_text
from service.portfolio import scenario_store
from service.portfolio.reading import Statement
from service.portfolio.scenario_asking import pending_answer, scenario_of
from service.portfolio.scenario_schemas import PendingShown, SensitivityShown
from service.portfolio.sensitivity import Change, changes_of, rates_of
from service.portfolio.summing import EXACT
from service.portfolio.view_routes import Csv
from service.portfolio.view_showing import view_shown
from service.portfolio.view_tables import Line, amount
from service.portfolio.viewing import Looking, Viewed
from service.rulesets import Editing
from service.storage import transaction
from service.web import REFUSALS, StrictRoute, csv_of, refusals

__all__ = ["sensitivity_routes"]

_NEAREST: Final = 50
_WAITS: Final[dict[int | str, dict[str, Any]]] = {
    202: {"description": "It is being worked out; ask again.", "model": PendingShown}
}
By = Annotated[
    Decimal,
    Query(
        ge=Decimal("0.01"),
        le=1,
        decimal_places=2,
        description="By what share rates move: 0.2 is a fifth less and more.",
    ),
]

sensitivity_routes = APIRouter(
    prefix="/v1/portfolio/{slug}",
    tags=["portfolio"],
    route_class=StrictRoute,
    responses=REFUSALS,
)


@sensitivity_routes.get(
    "/sensitivity",
    operation_id="showSensitivity",
    response_model=SensitivityShown,
    responses=_WAITS,
)
async def show(*, viewed: Viewed, editor: Editing, by: By = Decimal("0.2")) -> Any:  # noqa: ANN401 - an answer, or that it is being worked out
    """Return how many accounts change group if cost rates move by a share.

    Each rate alone and all together, less and more, decided again by the statement's version.
    A fifth is worked out with every statement; another share takes a process of its own a
    while, and until then the answer is 202 with how far it is.
    """
    looking, row, changes = await _asked(viewed, editor, by)
    if row.state != "done":
        return pending_answer(row)
    async with transaction(viewed.house.engine) as connection:
        given = {"slices": viewed.slices}
        moves = await scenario_store.list_moves(connection, row, **given)
        whole, moved = await scenario_store.count_moved(connection, row, **given)
        nearest = await scenario_store.list_nearest(connection, row, limit=_NEAREST, **given)
    return view_shown(looking) | {
        "by": float(by),
        "accounts": whole.accounts,
        "revenue": amount_text(whole.revenue),
        "moved": moved.accounts,
        "moved_revenue": amount_text(moved.revenue),
        "left_out": row.left_out,
        "changes": [
            _change_shown(change, [move for move in moves if int(move.place) == place])
            for place, change in enumerate(changes)
        ],
        "nearest": [_near_shown(one) for one in nearest],
    }


@sensitivity_routes.get(
    "/sensitivity.csv",
    operation_id="tabulateSensitivity",
    response_class=Csv,
    responses=refusals(422) | _WAITS,
)
async def tabulate(*, viewed: Viewed, editor: Editing, by: By = Decimal("0.2")) -> Response:
    """Return the same as a table: a line for each change, group before and group after."""
    _, row, changes = await _asked(viewed, editor, by)
    if row.state != "done":
        return pending_answer(row)
    async with transaction(viewed.house.engine) as connection:
        moves = await scenario_store.list_moves(connection, row, slices=viewed.slices)
    return Csv(csv_of(_lines(changes, moves)))


async def _asked(
    viewed: Viewed, editor: Editing, by: Decimal
) -> tuple[Looking, Row[Any], tuple[Change, ...]]:
    async with viewed.looking() as looking:
        statement: Statement = looking.statement
    running = await viewed.live.version(statement.rule_set, statement.version)
    rates = rates_of(running.rules, statement.terms.cost_metric)

    async def nothing() -> None:
        return None

    row = await scenario_of(
        viewed.house.engine,
        statement,
        kind="sensitivity",
        question=f"by={by.normalize():f}",
        editor=editor,
        document=nothing,
    )
    return looking, row, changes_of(rates, by=by)


def _change_shown(change: Change, moves: list[Row[Any]]) -> dict[str, Any]:
    revenue = Decimal(0)
    for move in moves:
        revenue = EXACT.add(revenue, move.revenue)
    return {
        "rate": change.name,
        "by": float(change.by),
        "accounts": sum(move.accounts for move in moves),
        "revenue": amount_text(revenue),
        "moves": [
            {
                "before": move.before,
                "after": move.after,
                "accounts": move.accounts,
                "revenue": amount_text(move.revenue),
            }
            for move in moves
        ],
    }


def _near_shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "account": row.key,
        "name": row.name,
        "before": row.before,
        "after": row.edge_outcome,
        "by": row.edge,
        "revenue": amount_text(row.revenue),
    }


def _lines(changes: tuple[Change, ...], moves: Any) -> Iterator[Line]:  # noqa: ANN401 - rows
    yield ("rate", "by", "before", "after", "accounts", "revenue")
    for place, change in enumerate(changes):
        for move in moves:
            if int(move.place) == place:
                told = (change.name or "(all)", float(change.by), move.before, move.after)
                yield (*told, move.accounts, amount(move.revenue))
