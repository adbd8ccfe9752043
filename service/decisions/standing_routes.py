"""How an account stands, whoever decided it, and how it stood: `/v1/accounts/{key}/assessment`."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from service.accounts import AccountKey
from service.decisions.desk import AtDesk
from service.decisions.past import read_past
from service.decisions.standing import read_standings
from service.decisions.standing_schemas import AssessmentPage, AssessmentsShown
from service.web import REFUSALS, CursorParameter, StrictRoute, page_of, read_cursor

__all__ = ["standing_routes"]

standing_routes = APIRouter(
    prefix="/v1/accounts", tags=["accounts"], route_class=StrictRoute, responses=REFUSALS
)
_SLUG = r"^[a-z][a-z0-9_]{0,63}$"
RuleSetFilter = Annotated[str | None, Query(pattern=_SLUG, description="Only under this rule set.")]


@standing_routes.get(
    "/{key}/assessment", operation_id="readAssessment", response_model=AssessmentsShown
)
async def read_assessment(
    *, key: AccountKey, desk: AtDesk, rule_set: RuleSetFilter = None
) -> dict[str, Any]:
    """Show how an account stands under each rule set that judged it, and how it stood before.

    `moved` says how much of the difference new rules, new data and the passing of time made.
    """
    return await read_standings(key, rule_set=rule_set, at=desk.house.clock(), desk=desk)


@standing_routes.get(
    "/{key}/assessments", operation_id="listAssessments", response_model=AssessmentPage
)
async def list_assessments(
    *,
    key: AccountKey,
    rule_set: Annotated[str, Query(pattern=_SLUG, description="Under which rule set.")],
    request: Request,
    response: Response,
    desk: AtDesk,
    limit: Annotated[int, Query(ge=1, le=50, description="Rows a page, at most.")] = 20,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List how an account stood under a rule set, the newest first, and why each time.

    `moved` holds each decision beside the one before it: how much new rules, new data and the
    passing of time did, in shares that add up exactly.
    """
    filters = {"assessments": key, "rule_set": rule_set}
    before = None
    if cursor is not None:
        match read_cursor(cursor, filters=filters, shape=(datetime, UUID)):
            case (datetime() as at, UUID() as decision_id):
                before = at, decision_id
    past = await read_past(key, rule_set=rule_set, before=before, limit=limit, desk=desk)
    page = page_of(
        past.rows,
        show=lambda row: past.shown[row.id],
        position=lambda row: (row.decided_at, row.id),
        limit=limit,
        filters=filters,
        request=request,
        response=response,
    )
    return {"key": past.key, "rule_set": rule_set, **page}
