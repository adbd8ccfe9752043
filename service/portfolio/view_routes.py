"""`/v1/portfolio/{slug}/matrix` and the other views of a statement, as JSON and as CSV."""

from collections.abc import AsyncIterator, Iterable
from decimal import Decimal
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response
from starlette.responses import StreamingResponse

from service.portfolio import view_store, viewing
from service.portfolio.drawing import Svg, svg_answer
from service.portfolio.picturing import draw_matrix, draw_whale_curve
from service.portfolio.reading import Statement
from service.portfolio.summary import Group, groups_of
from service.portfolio.summing import EXACT
from service.portfolio.view_schemas import (
    ConcentrationShown,
    MatrixShown,
    SegmentsShown,
    SummaryShown,
    WhaleCurveShown,
)
from service.portfolio.view_showing import (
    concentration_shown,
    matrix_shown,
    segments_shown,
    summary_shown,
    view_shown,
    whale_curve_shown,
)
from service.portfolio.view_tables import (
    Line,
    amount,
    concentration_lines,
    matrix_lines,
    segment_lines,
    summary_lines,
)
from service.portfolio.viewing import Looking, Viewed
from service.rules import RuleSet
from service.storage import transaction
from service.web import REFUSALS, StrictRoute, csv_of, refusals

__all__ = ["Csv", "view_routes"]

_AT_ONCE: Final = 5_000
By = Annotated[
    str, Query(max_length=64, description="The name to take it apart by.", examples=["segment"])
]


class Csv(Response):
    """A table that a spreadsheet may open."""

    media_type = "text/csv; charset=utf-8"


view_routes = APIRouter(
    prefix="/v1/portfolio/{slug}",
    tags=["portfolio"],
    route_class=StrictRoute,
    responses=REFUSALS,
)
_TABLE: Final[dict[str, Any]] = {"response_class": Csv, "responses": refusals(422)}


@view_routes.get("/matrix", operation_id="showMatrix", response_model=MatrixShown)
async def show_matrix(*, viewed: Viewed) -> dict[str, Any]:
    """Return value by growth: how many accounts lie where, and what they bring and cost.

    A score is high from the statement's threshold on. An account whose range crosses it is
    `between`, so that nobody is placed by what is not known.
    """
    async with viewed.looking() as looking:
        return view_shown(looking) | matrix_shown(await viewing.matrix(looking))


@view_routes.get("/matrix.csv", operation_id="tabulateMatrix", **_TABLE)
async def tabulate_matrix(*, viewed: Viewed) -> Csv:
    """Return the matrix as a table: a line a cell."""
    async with viewed.looking() as looking:
        return _csv(matrix_lines(await viewing.matrix(looking)))


@view_routes.get("/matrix.svg", operation_id="drawMatrix", response_class=Svg)
async def picture_matrix(*, viewed: Viewed) -> Svg:
    """Draw the matrix: growth upwards, value to the right."""
    async with viewed.looking() as looking:
        found = await viewing.matrix(looking)
    rules = await _rules_of(viewed, looking.statement)
    currency = viewed.house.settings.currency
    return svg_answer(draw_matrix(found, looking.statement, rules, currency=currency))


@view_routes.get("/summary", operation_id="showSummary", response_model=SummaryShown)
async def show_summary(*, viewed: Viewed) -> dict[str, Any]:
    """Return every group with its action: how many accounts, and what they bring and cost."""
    looking, groups = await _groups(viewed)
    return view_shown(looking) | summary_shown(groups)


@view_routes.get("/summary.csv", operation_id="tabulateSummary", **_TABLE)
async def tabulate_summary(*, viewed: Viewed) -> Csv:
    """Return the summary as a table: a line a group."""
    _, groups = await _groups(viewed)
    return _csv(summary_lines(groups))


@view_routes.get("/segments", operation_id="showSegments", response_model=SegmentsShown)
async def show_segments(*, viewed: Viewed, by: By = "segment") -> dict[str, Any]:
    """Return the portfolio taken apart by one name, each part by outcome."""
    async with viewed.looking() as looking:
        found, rest = await viewing.segments(looking, by)
        return view_shown(looking) | segments_shown(found, rest, by=by)


@view_routes.get("/segments.csv", operation_id="tabulateSegments", **_TABLE)
async def tabulate_segments(*, viewed: Viewed, by: By = "segment") -> Csv:
    """Return the segments as a table: a line for each outcome of each."""
    async with viewed.looking() as looking:
        found, rest = await viewing.segments(looking, by)
        return _csv(segment_lines(found, rest, by=by))


@view_routes.get("/whale-curve", operation_id="showWhaleCurve", response_model=WhaleCurveShown)
async def show_whale_curve(*, viewed: Viewed) -> dict[str, Any]:
    """Return margins added up, the most profitable account first: the peak, and what is lost."""
    async with viewed.looking() as looking:
        return view_shown(looking) | whale_curve_shown(await viewing.whale_curve(looking))


@view_routes.get("/whale-curve.csv", operation_id="tabulateWhaleCurve", **_TABLE)
async def tabulate_whale_curve(*, viewed: Viewed) -> Response:
    """Return every account, the most profitable first, with all margins up to it."""
    async with viewed.looking() as looking:
        statement = looking.statement
    return StreamingResponse(_ranking(viewed, statement), media_type=Csv.media_type)


@view_routes.get("/whale-curve.svg", operation_id="drawWhaleCurve", response_class=Svg)
async def picture_whale_curve(*, viewed: Viewed) -> Svg:
    """Draw the whale curve: its peak, and what the tail takes back."""
    async with viewed.looking() as looking:
        curve = await viewing.whale_curve(looking)
    currency = viewed.house.settings.currency
    return svg_answer(draw_whale_curve(curve, looking.statement, currency=currency))


@view_routes.get(
    "/concentration", operation_id="showConcentration", response_model=ConcentrationShown
)
async def show_concentration(*, viewed: Viewed) -> dict[str, Any]:
    """Return how few accounts cause how much, beside their share of the margin."""
    async with viewed.looking() as looking:
        accounts, burdens = await viewing.concentration(looking)
        return view_shown(looking) | concentration_shown(accounts, burdens)


@view_routes.get("/concentration.csv", operation_id="tabulateConcentration", **_TABLE)
async def tabulate_concentration(*, viewed: Viewed) -> Csv:
    """Return the concentration as a table: a line for each burden and percentage."""
    async with viewed.looking() as looking:
        _, burdens = await viewing.concentration(looking)
        return _csv(concentration_lines(burdens))


async def _groups(viewed: Viewed) -> tuple[Looking, list[Group]]:
    async with viewed.looking() as looking:
        found = await viewing.group_sums(looking)
    return looking, groups_of(await _rules_of(viewed, looking.statement), found)


async def _rules_of(viewed: Viewed, statement: Statement) -> RuleSet:
    return (await viewed.live.version(statement.rule_set, statement.version)).rules


def _csv(lines: Iterable[Line]) -> Csv:
    return Csv(csv_of(lines))


async def _ranking(viewed: Viewed, statement: Statement) -> AsyncIterator[bytes]:
    """Yield the table a piece at a time; each piece is read in a transaction of its own."""
    yield csv_of([("place", "account", "name", "outcome", "revenue", "cost", "margin", "together")])
    after: tuple[Decimal, UUID] | None = None
    place, together = 0, Decimal(0)
    while True:
        async with transaction(viewed.house.engine) as connection:
            rows = await view_store.ranked(
                connection, statement, slices=viewed.slices, limit=_AT_ONCE, after=after
            )
        if not rows:
            return
        lines: list[Line] = []
        for row in rows:
            place, together = place + 1, EXACT.add(together, row.margin)
            money = (row.revenue, row.cost, row.margin, together)
            lines.append((place, row.key, row.name, row.outcome, *map(amount, money)))
        after = (rows[-1].margin, rows[-1].account_id)
        yield csv_of(lines)
