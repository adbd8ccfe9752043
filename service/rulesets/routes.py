"""`/v1/rule-sets`: the rule sets, their versions, and which went live when."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rulesets import store
from service.rulesets.asking import Editing, Live, SlugInPath
from service.rulesets.drafting import create_rule_set
from service.rulesets.live import VersionNotFound
from service.rulesets.missing import no_rule_set
from service.rulesets.releasing import release
from service.rulesets.schemas import (
    ReleaseAsked,
    ReleasePage,
    ReleaseShown,
    RuleSetAsked,
    RuleSetPage,
    RuleSetShown,
    VersionPage,
    VersionShown,
)
from service.rulesets.showing import (
    answer_with,
    release_shown,
    rule_set_shown,
    version_shown,
)
from service.storage import transaction
from service.web import (
    REFUSALS,
    Answer,
    CursorParameter,
    InHouse,
    Instant,
    LimitParameter,
    StrictRoute,
    WithKey,
    answer_once,
    etag_of,
    is_unchanged,
    number_after,
    page_of,
    rfc3339,
    text_after,
)

__all__ = ["rule_set_routes"]

rule_set_routes = APIRouter(
    prefix="/v1/rule-sets", tags=["rule sets"], route_class=StrictRoute, responses=REFUSALS
)
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="The version's number.", examples=[1])]


@rule_set_routes.post(
    "", operation_id="createRuleSet", status_code=201, response_model=RuleSetShown
)
async def create(
    *, asked: RuleSetAsked, request: Request, house: InHouse, caller: WithKey, editor: Editing
) -> Response:
    """Make a rule set; its rules come as a draft."""

    async def work(connection: AsyncConnection) -> Answer:
        await create_rule_set(
            connection, asked.rule_set, subject=asked.subject, title=asked.title, editor=editor
        )
        row = await store.find_rule_set(connection, asked.rule_set)
        if row is None:
            raise AssertionError("a rule set that was just inserted is not there")
        shown = rule_set_shown(row) | {"latest_version": None, "live": None, "drafts": []}
        where = f"/v1/rule-sets/{asked.rule_set}"
        return answer_with(RuleSetShown, shown, status=201, Location=where)

    return await answer_once(request, work, house=house, caller=caller)


@rule_set_routes.get("", operation_id="listRuleSets", response_model=RuleSetPage)
async def list_them(
    *,
    request: Request,
    response: Response,
    house: InHouse,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List rule sets by id."""
    after = text_after(cursor, filters={})
    async with transaction(house.engine) as connection:
        rows = await store.list_rule_sets(connection, after=after, limit=limit + 1)
    return page_of(
        rows,
        show=rule_set_shown,
        position=lambda row: (row.slug,),
        limit=limit,
        filters={},
        request=request,
        response=response,
    )


@rule_set_routes.get("/{slug}", operation_id="readRuleSet", response_model=RuleSetShown)
async def read(
    *,
    slug: SlugInPath,
    house: InHouse,
    at: Annotated[Instant | None, Query(description="Which version is live then.")] = None,
) -> dict[str, Any]:
    """Return a rule set: its newest version, its drafts, and what is live at an instant."""
    async with transaction(house.engine) as connection:
        row = await store.find_rule_set(connection, slug)
        if row is None:
            raise await no_rule_set(connection, slug)
        latest = await store.latest_number(connection, slug)
        drafts = await store.list_drafts(connection, slug)
        found = await store.find_live(connection, slug, at or house.clock())
    live = None
    if found is not None:
        since = rfc3339(found.effective_at)
        live = {"version": found.version, "digest": found.digest, "since": since}
    names = [draft.name for draft in drafts]
    return rule_set_shown(row) | {"latest_version": latest, "live": live, "drafts": names}


@rule_set_routes.get("/{slug}/versions", operation_id="listVersions", response_model=VersionPage)
async def versions(
    *,
    slug: SlugInPath,
    request: Request,
    response: Response,
    house: InHouse,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List a rule set's versions, the newest first."""
    filters = {"versions": slug}
    below = number_after(cursor, filters=filters)
    async with transaction(house.engine) as connection:
        if await store.find_rule_set(connection, slug) is None:
            raise await no_rule_set(connection, slug)
        rows = await store.list_versions(connection, slug, below=below, limit=limit + 1)
    return page_of(
        rows,
        show=lambda row: version_shown(row, whole=False),
        position=lambda row: (row.number,),
        limit=limit,
        filters=filters,
        request=request,
        response=response,
    )


@rule_set_routes.get(
    "/{slug}/versions/{number}", operation_id="readVersion", response_model=VersionShown
)
async def version(
    *, slug: SlugInPath, number: Number, request: Request, house: InHouse
) -> Response:
    """Return a version: canonical document and text; with `Accept: application/yaml`, the text."""
    async with transaction(house.engine) as connection:
        row = await store.find_version(connection, slug, number=number)
        if row is None:
            is_there = await store.find_rule_set(connection, slug) is not None
            raise VersionNotFound if is_there else await no_rule_set(connection, slug)
    headers = {
        "ETag": etag_of(row.digest),
        "Cache-Control": "private, max-age=31536000, immutable",
        "Vary": "Accept, Authorization",
    }
    if is_unchanged(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    if "application/yaml" in request.headers.get("accept", ""):
        return Response(row.source, media_type="application/yaml", headers=headers)
    answer = answer_with(VersionShown, version_shown(row))
    return Answer(body=answer.body, headers=headers).to_response()


@rule_set_routes.post(
    "/{slug}/releases", operation_id="releaseVersion", status_code=201, response_model=ReleaseShown
)
async def release_version(
    *,
    slug: SlugInPath,
    asked: ReleaseAsked,
    request: Request,
    house: InHouse,
    caller: WithKey,
    editor: Editing,
    live: Live,
) -> Response:
    """Put a version live, from an instant on; a rollback is a release of an older one.

    In the shadow it is judged beside the live version on a share of real traffic, and
    changes no answer.
    """

    async def work(connection: AsyncConnection) -> Answer:
        row = await release(
            connection,
            slug,
            asked.version,
            reason=asked.reason,
            since=asked.since,
            share=asked.share,
            editor=editor,
        )
        return answer_with(ReleaseShown, release_shown(row), status=201)

    answer = await answer_once(request, work, house=house, caller=caller)
    live.forget_releases(slug)
    return answer


@rule_set_routes.get("/{slug}/releases", operation_id="listReleases", response_model=ReleasePage)
async def releases(
    *,
    slug: SlugInPath,
    request: Request,
    response: Response,
    house: InHouse,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List what went live when, by whom and why, the newest first."""
    filters = {"releases": slug}
    below = number_after(cursor, filters=filters)
    async with transaction(house.engine) as connection:
        if await store.find_rule_set(connection, slug) is None:
            raise await no_rule_set(connection, slug)
        rows = await store.list_releases(connection, slug, below=below, limit=limit + 1)
    return page_of(
        rows,
        show=release_shown,
        position=lambda row: (row.sequence,),
        limit=limit,
        filters=filters,
        request=request,
        response=response,
    )
