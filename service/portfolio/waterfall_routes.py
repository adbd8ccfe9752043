"""`/v1/decisions/{id}/waterfall/{score}.svg`: how one score came about, as a picture."""

from typing import Annotated

from fastapi import APIRouter, Path

from service.decisions import AtDesk, existing_decision, replay
from service.portfolio.drawing import Svg, day_shown, svg_answer, waterfall_of
from service.portfolio.pictures import waterfall
from service.storage import parse_id
from service.web import REFUSALS, StrictRoute, refusals

__all__ = ["waterfall_routes"]

waterfall_routes = APIRouter(
    prefix="/v1/decisions", tags=["decide"], route_class=StrictRoute, responses=REFUSALS
)


@waterfall_routes.get(
    "/{id}/waterfall/{score}.svg",
    operation_id="drawScore",
    response_class=Svg,
    responses=refusals(410),
)
async def draw(
    *,
    id: str,  # noqa: A002 - the address calls it so
    score: Annotated[str, Path(max_length=64)],
    desk: AtDesk,
) -> Svg:
    """Draw what each rule added to a score of a decision, of a lead or an account.

    The words are those of the explanation. Where not everything was known, the picture
    also shows what the score may still become.
    """
    row = await existing_decision(parse_id(id, "dec"), desk)
    decision = (await replay(row, desk)).same()
    day = day_shown(row.decided_at)
    subject = day if row.account_key is None else f"{row.account_key} · {day}"
    return svg_answer(waterfall(waterfall_of(decision, score, subject=subject)))
