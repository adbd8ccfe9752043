"""`/v1/decisions/{id}/waterfall/{score}`: how one score came about, as a picture or a table."""

import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Path

from service.decisions import AtDesk, existing_decision, replay
from service.portfolio.drawing import Svg, day_shown, svg_answer, waterfall_of
from service.portfolio.pictures import Waterfall, waterfall
from service.portfolio.view_routes import Csv
from service.storage import parse_id
from service.web import REFUSALS, Cell, StrictRoute, csv_of, refusals

__all__ = ["waterfall_routes"]

waterfall_routes = APIRouter(
    prefix="/v1/decisions", tags=["decide"], route_class=StrictRoute, responses=REFUSALS
)
Score = Annotated[str, Path(max_length=64)]
_HEAD: Final = ("step", "kind", "points", "total")


@waterfall_routes.get(
    "/{id}/waterfall/{score}.svg",
    operation_id="drawScore",
    response_class=Svg,
    responses=refusals(410),
)
async def draw(
    *,
    id: str,  # noqa: A002 - the address calls it so
    score: Score,
    desk: AtDesk,
) -> Svg:
    """Draw what each rule added to a score of a decision, of a lead or an account.

    The words are those of the explanation. Where not everything was known, the picture
    also shows what the score may still become.
    """
    return svg_answer(waterfall(await _drawn(id, score, desk)))


@waterfall_routes.get(
    "/{id}/waterfall/{score}.csv",
    operation_id="tabulateScore",
    response_class=Csv,
    responses=refusals(410),
)
async def tabulate(
    *,
    id: str,  # noqa: A002 - the address calls it so
    score: Score,
    desk: AtDesk,
) -> Csv:
    """Give the picture's numbers: each step in its order, what it added, and the score so far."""
    return Csv(csv_of(_lines(await _drawn(id, score, desk))))


async def _drawn(id_: str, score: str, desk: AtDesk) -> Waterfall:
    row = await existing_decision(parse_id(id_, "dec"), desk)
    decision = (await replay(row, desk)).same()
    day = day_shown(row.decided_at)
    subject = day if row.account_key is None else f"{row.account_key} · {day}"
    return waterfall_of(decision, score, subject=subject)


def _lines(drawn: Waterfall) -> Iterator[Sequence[Cell]]:
    yield _HEAD
    steps = drawn.steps
    for count, step in enumerate(steps, start=1):
        total = round(math.fsum(one.points for one in steps[:count]), 6)
        yield step.words, "limit" if step.is_limit else "rule", step.points, total
    yield drawn.label, "score", None, drawn.value
