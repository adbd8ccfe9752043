"""`/v1/rule-sets/{slug}`: what a release needs, and nobody releasing for a while."""

from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rulesets import gate_store, store
from service.rulesets.asking import Editing, SlugInPath
from service.rulesets.freezing import freeze, unfreeze
from service.rulesets.missing import no_rule_set
from service.rulesets.policy import FlipBudget, ReleasePolicy, put_policy
from service.rulesets.review_schemas import FreezeAsked, FreezeShown, PolicySent, PolicyShown
from service.rulesets.review_showing import freeze_shown, policy_shown
from service.rulesets.showing import answer_with
from service.storage import read_clock, transaction
from service.web import REFUSALS, Answer, InHouse, StrictRoute, WithKey, answer_once

__all__ = ["policy_routes"]

policy_routes = APIRouter(
    prefix="/v1/rule-sets/{slug}",
    tags=["rule sets"],
    route_class=StrictRoute,
    responses=REFUSALS,
)


@policy_routes.get("/release-policy", operation_id="readReleasePolicy", response_model=PolicyShown)
async def read(*, slug: SlugInPath, house: InHouse) -> dict[str, Any]:
    """Return what is asked of every release."""
    async with transaction(house.engine) as connection:
        row = await store.find_rule_set(connection, slug)
        if row is None:
            raise await no_rule_set(connection, slug)
    return policy_shown(row)


@policy_routes.put("/release-policy", operation_id="writeReleasePolicy", response_model=PolicyShown)
async def write(
    *, slug: SlugInPath, sent: PolicySent, house: InHouse, editor: Editing
) -> dict[str, Any]:
    """Ask for a review of every release, or of those above a flip budget, from now on."""
    budget = None if sent.flip_budget is None else FlipBudget(**sent.flip_budget.model_dump())
    policy = ReleasePolicy(review_required=sent.review_required, flip_budget=budget)
    async with transaction(house.engine) as connection:
        return policy_shown(await put_policy(connection, slug, policy, editor=editor))


@policy_routes.post("/freeze", operation_id="freezeRuleSet", response_model=FreezeShown)
async def freeze_it(
    *,
    slug: SlugInPath,
    asked: FreezeAsked,
    request: Request,
    house: InHouse,
    caller: WithKey,
    editor: Editing,
) -> Response:
    """Let nobody release anything, live or into the shadow, rollbacks included."""

    async def work(connection: AsyncConnection) -> Answer:
        row = await freeze(connection, slug, reason=asked.reason, editor=editor)
        return await _answer(connection, row)

    return await answer_once(request, work, house=house, caller=caller)


@policy_routes.post("/unfreeze", operation_id="unfreezeRuleSet", response_model=FreezeShown)
async def unfreeze_it(
    *,
    slug: SlugInPath,
    asked: FreezeAsked,
    request: Request,
    house: InHouse,
    caller: WithKey,
    editor: Editing,
) -> Response:
    """Let releases through again."""

    async def work(connection: AsyncConnection) -> Answer:
        row = await unfreeze(connection, slug, reason=asked.reason, editor=editor)
        return await _answer(connection, row)

    return await answer_once(request, work, house=house, caller=caller)


async def _answer(connection: AsyncConnection, row: Row[Any]) -> Answer:
    now = await read_clock(connection)
    planned = await gate_store.list_planned(connection, row.slug, after=now)
    return answer_with(FreezeShown, freeze_shown(row, planned=planned))
