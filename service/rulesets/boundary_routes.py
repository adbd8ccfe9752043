"""`/v1/rule-sets/{slug}/drafts/{draft}/boundary-tests`: each rule just inside and just outside."""

from typing import Any

import anyio.to_thread
from fastapi import APIRouter, Request, Response

from service.rules import RuleSet, boundary_tests, edges_of, read_source
from service.rulesets.asking import DraftName, Editing, SlugInPath
from service.rulesets.boundary_schemas import BoundariesShown
from service.rulesets.checking import compile_source
from service.rulesets.drafting import Edit, existing_draft, put_draft, refuse_stale
from service.rulesets.rewriting import rewritten
from service.rulesets.schemas import DraftShown
from service.rulesets.showing import answer_with, draft_shown
from service.storage import transaction
from service.web import REFUSALS, InHouse, StrictRoute, check_match, etag_of, refusals

__all__ = ["boundary_routes"]

_NOTE = "tests on both sides of each rule's thresholds"

boundary_routes = APIRouter(
    prefix="/v1/rule-sets/{slug}/drafts/{draft}/boundary-tests",
    tags=["rule sets"],
    route_class=StrictRoute,
    responses=REFUSALS,
)


@boundary_routes.get("", operation_id="listBoundaryTests", response_model=BoundariesShown)
async def list_them(*, slug: SlugInPath, draft: DraftName, house: InHouse) -> dict[str, Any]:
    """List tests that the draft has not yet: each rule on both sides of each of its thresholds."""
    async with transaction(house.engine) as connection:
        row = await existing_draft(connection, slug, draft)
    return await anyio.to_thread.run_sync(_found, await compile_source(row.source))


@boundary_routes.post(
    "", operation_id="addBoundaryTests", response_model=DraftShown, responses=refusals(412, 428)
)
async def add(
    *, slug: SlugInPath, draft: DraftName, request: Request, house: InHouse, editor: Editing
) -> Response:
    """Write those tests into the draft under `If-Match`; what is there stays as written."""
    async with transaction(house.engine) as connection:
        row = await existing_draft(connection, slug, draft)
    if_match, etag = request.headers.get("if-match"), etag_of(row.row_version)
    if if_match is None:
        check_match(if_match, etag)
    rules = await compile_source(row.source)
    source = await anyio.to_thread.run_sync(_with_tests, row.source, rules)
    await refuse_stale(row, sent=source, if_match=if_match)
    async with transaction(house.engine) as connection:
        changed, _ = await put_draft(
            connection,
            slug,
            draft,
            edit=Edit(source=source, note=_NOTE),
            if_match=etag,
            editor=editor,
        )
    shown = draft_shown(changed)
    return answer_with(DraftShown, shown, ETag=etag_of(changed.row_version)).to_response()


def _found(rules: RuleSet) -> dict[str, Any]:
    edges = edges_of(rules)
    tests = boundary_tests(edges.found, beside=rules.document.tests)
    return {
        "tests": [
            {"name": test.name, "facts": test.facts, "expect": {"rules": test.expect.rules}}
            for test in tests
        ],
        "without": list(edges.without),
    }


def _with_tests(source: str, rules: RuleSet) -> str:
    """Return *source* with the tests that it lacks at the end of its own."""
    document: dict[str, Any] = dict(read_source(source).data)  # type: ignore[call-overload]  # it was compiled
    document["tests"] = [*document.get("tests", ()), *_found(rules)["tests"]]
    return rewritten(source, document)
