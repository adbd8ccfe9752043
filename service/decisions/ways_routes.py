"""`/v1/decisions/{id}/counterfactuals`: the smallest changes that would decide it otherwise."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from service.decisions.desk import AtDesk
from service.decisions.reaching import ways_around
from service.decisions.replaying import existing_decision, replay
from service.decisions.ways_schemas import CounterfactualsShown
from service.rules import reach_words, ways_told
from service.storage import parse_id
from service.web import REFUSALS, StrictRoute, refusals

__all__ = ["ways_routes"]

_MOST: Final = 3
_NAME: Final = r"^[a-z][a-z0-9_]{0,63}$"

ways_routes = APIRouter(
    prefix="/v1/decisions", tags=["decide"], route_class=StrictRoute, responses=REFUSALS
)


@ways_routes.get(
    "/{id}/counterfactuals",
    operation_id="listCounterfactuals",
    response_model=CounterfactualsShown,
    responses=refusals(409, 410),
)
async def list_them(
    *,
    id: str,  # noqa: A002 - the address calls it so
    desk: AtDesk,
    toward: Annotated[
        str | None, Query(pattern=_NAME, description="An outcome's id; any better one by default.")
    ] = None,
    fixed: Annotated[
        list[str] | None,
        Query(max_length=50, description="Attributes that cannot change.", examples=[["country"]]),
    ] = None,
) -> dict[str, Any]:
    """Say what would have to change: up to three smallest sets of changes, each decided so.

    No part of a set leads there alone. What the rules declare as not `changeable` is never
    proposed, nor anything that would turn a gate.
    """
    row = await existing_decision(parse_id(id, "dec"), desk)
    decision = (await replay(row, desk)).same()
    rules = (await desk.live.version(row.rule_set, row.version)).rules
    reach = await ways_around(rules, decision, fixed=fixed or (), toward=toward)
    best = next((one.id for one in rules.model.outcomes if one.verdict == "qualify"), None)
    is_best = toward is None and decision.outcome == best
    return {
        "decision": id,
        "outcome": decision.outcome,
        "toward": toward,
        "gate": reach.gate,
        "words": reach_words(reach, is_best=is_best),
        "ways": ways_told(rules, reach.better[:_MOST]),
        "near": ways_told(rules, reach.near),
        "is_whole": reach.is_whole,
    }
