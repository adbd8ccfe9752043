"""What changed between versions, and a draft brought onto a newer one."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Request, Response
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.compare import compare
from service.rulesets import store
from service.rulesets.asking import DraftName, Editing, SlugInPath
from service.rulesets.change_schemas import ComparisonShown, RebaseAsked
from service.rulesets.checking import compile_source
from service.rulesets.live import VersionNotFound
from service.rulesets.missing import no_rule_set
from service.rulesets.rebasing import keep_rebase, prepare_rebase
from service.rulesets.schemas import DraftShown
from service.rulesets.showing import answer_with, draft_shown
from service.storage import transaction
from service.web import (
    REFUSALS,
    Answer,
    House,
    InHouse,
    StrictRoute,
    WithKey,
    answer_once,
    etag_of,
    refusals,
)

__all__ = ["change_routes"]

change_routes = APIRouter(
    prefix="/v1/rule-sets/{slug}",
    tags=["rule sets"],
    route_class=StrictRoute,
    responses=REFUSALS,
)
Before = Annotated[int, Path(ge=1, le=2**31 - 1, description="The version before.", examples=[1])]
After = Annotated[int, Path(ge=1, le=2**31 - 1, description="The version after.", examples=[2])]


@change_routes.get(
    "/versions/{a}/compare/{b}", operation_id="compareVersions", response_model=ComparisonShown
)
async def compare_versions(
    *, slug: SlugInPath, a: Before, b: After, house: InHouse
) -> dict[str, Any]:
    """Return what changed from one version to another, by id and member by member."""
    old, new = await _versions(house, slug, (a, b))
    before, after = await compile_source(old.canonical), await compile_source(new.canonical)
    comparison = compare(before, after)
    return {
        "rule_set": slug,
        "before": {"version": a, "digest": old.digest},
        "after": {"version": b, "digest": new.digest},
        "is_same": comparison.is_same,
        "is_same_logic": comparison.is_same_logic,
        "changes": [asdict(change) for change in comparison.changes],
    }


@change_routes.post(
    "/drafts/{draft}/rebase",
    operation_id="rebaseDraft",
    response_model=DraftShown,
    responses=refusals(409, 412, 428),
)
async def rebase(
    *,
    slug: SlugInPath,
    draft: DraftName,
    request: Request,
    house: InHouse,
    caller: WithKey,
    editor: Editing,
    asked: Annotated[RebaseAsked, Body(default_factory=RebaseAsked)],
) -> Response:
    """Bring a draft onto a newer version under `If-Match`: both edits, matched by id.

    Where both changed the same thing, and not alike, the answer is 409 `rebase_conflict`;
    its `conflicts` hold a name and three values each. Send the names back with a side.
    """
    choose = asked.choose
    prepared = await prepare_rebase(house.engine, slug, draft, onto=asked.version, choose=choose)

    async def work(connection: AsyncConnection) -> Answer:
        if_match = request.headers.get("if-match")
        row = await keep_rebase(
            connection, prepared, choose=choose, if_match=if_match, editor=editor
        )
        return answer_with(DraftShown, draft_shown(row), ETag=etag_of(row.row_version))

    return await answer_once(request, work, house=house, caller=caller)


async def _versions(house: House, slug: str, numbers: tuple[int, ...]) -> list[Row[Any]]:
    async with transaction(house.engine) as connection:
        if await store.find_rule_set(connection, slug) is None:
            raise await no_rule_set(connection, slug)
        found = [await store.find_version(connection, slug, number=n) for n in numbers]
    rows = [row for row in found if row is not None]
    if len(rows) < len(numbers):
        raise VersionNotFound
    return rows
