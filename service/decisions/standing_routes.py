"""`/v1/accounts/{key}/assessment`: how an account stands, whoever decided it."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from service.accounts import AccountKey
from service.decisions.standing import read_standings
from service.decisions.standing_schemas import AssessmentsShown
from service.storage import transaction
from service.web import REFUSALS, InHouse, StrictRoute

__all__ = ["standing_routes"]

standing_routes = APIRouter(
    prefix="/v1/accounts", tags=["accounts"], route_class=StrictRoute, responses=REFUSALS
)
RuleSetFilter = Annotated[
    str | None,
    Query(pattern=r"^[a-z][a-z0-9_]{0,63}$", description="Only under this rule set."),
]


@standing_routes.get(
    "/{key}/assessment", operation_id="readAssessment", response_model=AssessmentsShown
)
async def read_assessment(
    *, key: AccountKey, house: InHouse, rule_set: RuleSetFilter = None
) -> dict[str, Any]:
    """Show how an account stands under each rule set that judged it, and how it stood before."""
    async with transaction(house.engine) as connection:
        return await read_standings(connection, key, rule_set=rule_set, at=house.clock())
