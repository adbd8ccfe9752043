"""`/v1/rule-sets/{slug}/shadows`: what versions in the shadow would have decided."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from service.decisions import shadow_store
from service.decisions.desk import AtDesk
from service.decisions.disagreeing import DisagreementNotFound, ShadowNotFound, tell_apart
from service.decisions.schemas import Verdict
from service.decisions.shadow_reading import Overview, overview
from service.decisions.shadow_schemas import (
    After,
    DisagreementPage,
    DisagreementShown,
    ShadowPage,
    ShadowShown,
)
from service.decisions.shadow_showing import disagreement_head, disagreement_shown, found_shown
from service.decisions.shadow_store import Sought
from service.storage import parse_id, transaction
from service.web import (
    REFUSALS,
    Answer,
    CursorParameter,
    LimitParameter,
    StrictRoute,
    instant_after,
    number_after,
    page_of,
)

__all__ = ["shadow_routes"]

shadow_routes = APIRouter(
    prefix="/v1/rule-sets/{slug}/shadows",
    tags=["rule sets"],
    route_class=StrictRoute,
    responses=REFUSALS,
)
Slug = Annotated[str, Path(description="The rule set's id.", examples=["fleet_leads"])]
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="A version.", examples=[2])]


@shadow_routes.get("", operation_id="listShadows", response_model=ShadowPage)
async def list_them(
    *,
    slug: Slug,
    request: Request,
    response: Response,
    desk: AtDesk,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List the versions that are or were in the shadow, the newest first, with their counts."""
    filters = {"shadows": slug}
    below = number_after(cursor, filters=filters)
    found = await overview(slug, desk)
    versions = [number for number in found.versions if below is None or number < below]
    return page_of(
        versions,
        show=found.head,
        position=lambda number: (number,),
        limit=limit,
        filters=filters,
        request=request,
        response=response,
    )


@shadow_routes.get("/{version}", operation_id="readShadow", response_model=ShadowShown)
async def read(
    *,
    slug: Slug,
    version: Number,
    desk: AtDesk,
    live_version: Annotated[
        int | None, Query(ge=1, le=2**31 - 1, description="Movements only from this version.")
    ] = None,
) -> dict[str, Any]:
    """Return a shadow with its movements: how many went from where to where, or stayed."""
    found = await _existing(slug, version, desk)
    async with transaction(desk.house.engine) as connection:
        movements = await shadow_store.read_movements(connection, slug, version)
    return found.head(version) | found_shown(movements, live_version=live_version)


@shadow_routes.get(
    "/{version}/disagreements", operation_id="listDisagreements", response_model=DisagreementPage
)
async def disagreements(
    *,
    slug: Slug,
    version: Number,
    request: Request,
    response: Response,
    desk: AtDesk,
    before: Annotated[Verdict | None, Query(alias="from", description="The live verdict.")] = None,
    after: Annotated[After | None, Query(alias="to", description="The shadow's.")] = None,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List the decisions on which a shadow came out otherwise or failed, the newest first.

    Of each kind, from one verdict and outcome to another, the first 1,000 are kept of a
    release; the counts know of all.
    """
    await _existing(slug, version, desk)
    sought = Sought(rule_set=slug, version=version, before=before, after=after)
    position = instant_after(cursor, filters=sought.to_json())
    async with transaction(desk.house.engine) as connection:
        rows = await shadow_store.list_disagreements(
            connection, sought, before=position, limit=limit + 1
        )
    return page_of(
        rows,
        show=disagreement_head,
        position=lambda row: (row.decided_at, row.decision_id),
        limit=limit,
        filters=sought.to_json(),
        request=request,
        response=response,
    )


@shadow_routes.get(
    "/{version}/disagreements/{decision}",
    operation_id="readDisagreement",
    response_model=DisagreementShown,
)
async def disagreement(
    *,
    slug: Slug,
    version: Number,
    decision: Annotated[str, Path(examples=["dec_01m82amv90f7assrm6pf8d3pr0"])],
    desk: AtDesk,
) -> Response:
    """Return one disagreement with both explanations, and the rules that spoke otherwise."""
    decision_id = parse_id(decision, "dec")
    await _existing(slug, version, desk)
    async with transaction(desk.house.engine) as connection:
        row = await shadow_store.find_disagreement(
            connection, slug, version, decision_id=decision_id
        )
    if row is None:
        raise DisagreementNotFound
    told = await tell_apart(row, desk)
    return Answer.of(disagreement_shown(row, told)).to_response()


async def _existing(slug: str, version: int, desk: AtDesk) -> Overview:
    found = await overview(slug, desk)
    if version not in found.versions:
        raise ShadowNotFound
    return found
