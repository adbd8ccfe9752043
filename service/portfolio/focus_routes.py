"""`/v1/portfolio/{slug}/focus`: the portfolio as it would be if fewer were served."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Row
from starlette.responses import StreamingResponse

from service.accounts import amount_text
from service.portfolio import focus_store
from service.portfolio.better_off_showing import count_range, money_range
from service.portfolio.focus import QUANTITIES, Focus, Side, focus_of
from service.portfolio.focusing import Focused, Focusing
from service.portfolio.ranging import Fate
from service.portfolio.scenario_asking import pending_answer
from service.portfolio.scenario_schemas import FocusShown, GonePage, PendingShown
from service.portfolio.view_routes import Csv
from service.portfolio.view_showing import slice_shown, view_shown
from service.portfolio.view_tables import amount
from service.storage import transaction
from service.web import (
    REFUSALS,
    CursorParameter,
    House,
    LimitParameter,
    StrictRoute,
    csv_of,
    page_of,
    refusals,
    uuid_after,
)

__all__ = ["focus_routes"]

_AT_ONCE: Final = 5_000
_PLACES: Final = Decimal("0.000001")
_FATES: Final[dict[Fate, str]] = {
    "in": "goes", "rather_in": "may_stay", "rather_out": "may_go", "out": "stays",
}  # fmt: skip
_WAITS: Final[dict[int | str, dict[str, Any]]] = {
    202: {"description": "It is being worked out; ask again.", "model": PendingShown}
}
Could = Annotated[bool, Query(description="With those who stay as things stand, and could go.")]

focus_routes = APIRouter(
    prefix="/v1/portfolio/{slug}",
    tags=["portfolio"],
    route_class=StrictRoute,
    responses=REFUSALS,
)


@focus_routes.get("/focus", operation_id="showFocus", response_model=FocusShown, responses=_WAITS)
async def show(*, focusing: Focusing) -> Any:  # noqa: ANN401 - an answer, or that it is being worked out
    """Return the portfolio as it would be under other rules, or serving some segments only.

    Under other rules those go whom they disqualify. What stays and what goes add up to the
    whole to the last digit, and each figure has the range that unknowns leave. Other rules
    decide everybody first, in a process of its own; until then the answer is 202.
    """
    focused = await focusing.focused()
    if focused.scenario is not None and not focused.is_there:
        return pending_answer(focused.scenario)
    async with transaction(focusing.viewed.house.engine) as connection:
        given = (focused.looking.statement.id, focused.fated)
        sums, orders = await focus_store.sums_by_fate(connection, *given)
        free = [] if orders is None else await focus_store.open_orders(connection, *given)
    found = focus_of(sums, orders, free)
    return view_shown(focused.looking) | _focus_shown(focused, found)


@focus_routes.get(
    "/focus/accounts", operation_id="listFocusAccounts", response_model=GonePage, responses=_WAITS
)
async def list_them(
    *,
    focusing: Focusing,
    request: Request,
    response: Response,
    could: Could = False,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> Any:  # noqa: ANN401 - an answer, or that it is being worked out
    """List who would be handed over, with their group and what they bring."""
    focused = await focusing.focused()
    if focused.scenario is not None and not focused.is_there:
        return pending_answer(focused.scenario)
    filters = {
        "focus": str(focused.looking.statement.id),
        "scenario": None if focused.scenario is None else str(focused.scenario.id),
        "keep": [slice_shown(one) for one in focused.keep],
        "slices": [slice_shown(one) for one in focused.looking.slices],
        "could": could,
    }
    async with transaction(focusing.viewed.house.engine) as connection:
        rows = await focus_store.list_gone(
            connection,
            focused.fated,
            fates=_wanted(could=could),
            after=uuid_after(cursor, filters=filters),
            limit=limit + 1,
        )
    return page_of(
        rows,
        show=lambda row: _gone_shown(row, focused),
        position=lambda row: (row.account_id,),
        limit=limit,
        filters=filters,
        request=request,
        response=response,
    )


@focus_routes.get(
    "/focus.csv",
    operation_id="tabulateFocus",
    response_class=Csv,
    responses=refusals(422) | _WAITS,
)
async def tabulate(*, focusing: Focusing, could: Could = False) -> Response:
    """Return everybody who would be handed over, as a table."""
    focused = await focusing.focused()
    if focused.scenario is not None and not focused.is_there:
        return pending_answer(focused.scenario)
    lines = _lines(focused, focusing.viewed.house, could=could)
    return StreamingResponse(lines, media_type=Csv.media_type)


def _wanted(*, could: bool) -> tuple[Fate, ...]:
    return ("in", "rather_in", "rather_out") if could else ("in", "rather_in")


async def _lines(focused: Focused, house: House, *, could: bool) -> AsyncIterator[bytes]:
    """Yield the table a piece at a time; each piece is read in a transaction of its own."""
    told = ("account", "name", "group", "outcome", "fate")
    yield csv_of([(*told, "revenue", "cost", "margin", "support_hours")])
    after: UUID | None = None
    while True:
        async with transaction(house.engine) as connection:
            rows = await focus_store.list_gone(
                connection, focused.fated, fates=_wanted(could=could), after=after, limit=_AT_ONCE
            )
        if not rows:
            return
        after = rows[-1].account_id
        yield csv_of(
            (
                row.key,
                row.name,
                row.before,
                None if focused.scenario is None else row.after,
                _FATES[row.fate],
                *(amount(getattr(row, name)) for name in QUANTITIES[1:]),
            )
            for row in rows
        )


def _gone_shown(row: Row[Any], focused: Focused) -> dict[str, Any]:
    return {
        "account": row.key,
        "name": row.name,
        "group": row.before,
        "outcome": None if focused.scenario is None else row.after,
        "fate": _FATES[row.fate],
        "revenue": amount_text(row.revenue),
        "cost": amount_text(row.cost),
        "margin": amount_text(row.margin),
    }


def _focus_shown(focused: Focused, found: Focus) -> dict[str, Any]:
    whole = {name: amount_text(number) for name, number in found.whole.items()}
    return {
        "under": focused.under,
        "keep": [slice_shown(one) for one in focused.keep],
        "stays": _side_shown(found.stays),
        "goes": _side_shown(found.goes),
        "whole": whole | {"accounts": int(found.whole["accounts"])},
        "left_out": None if focused.scenario is None else focused.scenario.left_out,
    }


def _side_shown(side: Side) -> dict[str, Any]:
    mean = side.order_value
    return {
        "accounts": count_range(side.sums["accounts"]),
        **{name: money_range(side.sums[name]) for name in QUANTITIES[1:]},
        "order_value": None if mean is None else {
            end: amount_text(getattr(mean, end).quantize(_PLACES))
            for end in ("low", "value", "high")
        },
    }  # fmt: skip
