"""`/v1/portfolio/{slug}/systemic`: it's not them, it's us; and what accounts are held to."""

from datetime import timedelta
from typing import Any, ClassVar, Final

from fastapi import APIRouter

from service.decisions import suspension_rows
from service.portfolio import systemic_store
from service.portfolio.systemic_criteria import criteria_of
from service.portfolio.systemic_examining import Examination, examination_of
from service.portfolio.systemic_policy import (
    CriterionPolicy,
    SystemicPolicy,
    put_systemic_policy,
    read_systemic_policy,
)
from service.portfolio.systemic_schemas import (
    SystemicPolicySent,
    SystemicPolicyShown,
    SystemicShown,
)
from service.portfolio.systemic_showing import systemic_lines, systemic_shown
from service.portfolio.view_routes import Csv
from service.portfolio.viewing import Looking, Viewed
from service.rulesets import Editor, Live, SlugInPath
from service.storage import transaction
from service.web import (
    REFUSALS,
    Fault,
    InHouse,
    Refusal,
    StrictRoute,
    WithKey,
    csv_of,
    pointer_to,
    refusals,
)

__all__ = ["systemic_routes"]

systemic_routes = APIRouter(
    prefix="/v1/portfolio/{slug}",
    tags=["portfolio"],
    route_class=StrictRoute,
    responses=REFUSALS,
)
_LONG: Final = timedelta(seconds=30)
"""Until it is examined, a moment after it is taken, every account of a statement is counted."""


class UnknownCriterion(Refusal):
    """The live version of a rule set does not blame by this."""

    code: ClassVar[str] = "validation_failed"


@systemic_routes.get("/systemic", operation_id="showSystemic", response_model=SystemicShown)
async def show(*, viewed: Viewed) -> dict[str, Any]:
    """Return what unusually many accounts share, so that no single one is to be blamed for it.

    Every rule that takes points off, every gate to a bad outcome and every outcome that
    disqualifies is counted in every group, by the decisions' traces before suspensions. Within
    a slice groups are held against the others in it, and all of it against those outside;
    nothing is suspended for what a slice shows.
    """
    async with viewed.looking(within=_LONG) as looking:
        found = await _found(viewed, looking)
        at = viewed.house.clock()
        standing = await suspension_rows(looking.connection, viewed.slug, at=at)
        row = await systemic_store.find_examination(looking.connection, found.statement.id)
    return systemic_shown(found, standing, is_examined=row is not None)


@systemic_routes.get(
    "/systemic.csv", operation_id="tabulateSystemic", response_class=Csv, responses=refusals(422)
)
async def tabulate(*, viewed: Viewed) -> Csv:
    """Return every criterion in every group as a table, found or not."""
    async with viewed.looking(within=_LONG) as looking:
        found = await _found(viewed, looking)
    return Csv(csv_of(systemic_lines(found)))


@systemic_routes.get(
    "/systemic-policy", operation_id="readSystemicPolicy", response_model=SystemicPolicyShown
)
async def read_policy(*, slug: SlugInPath, house: InHouse, live: Live) -> dict[str, Any]:
    """Return by which names groups are made, and which baselines are declared."""
    await live.check_there(slug, house.clock())
    async with transaction(house.engine) as connection:
        policy = await read_systemic_policy(connection, slug)
    return {"rule_set": slug, **policy.to_json()}


@systemic_routes.put(
    "/systemic-policy", operation_id="writeSystemicPolicy", response_model=SystemicPolicyShown
)
async def write_policy(
    *,
    slug: SlugInPath,
    sent: SystemicPolicySent,
    house: InHouse,
    live: Live,
    caller: WithKey,
) -> dict[str, Any]:
    """Declare baselines and groups; the next statement is examined by them."""
    editor = Editor(person=caller.person, at=house.clock(), new_uuid=house.new_uuid)
    running = await live.version_at(slug, editor.at)
    known = [one.name for one in criteria_of(running.rules.model)]
    _check_known(list(sent.criteria), known)
    policy = SystemicPolicy(
        slices=tuple(dict.fromkeys(sent.slices)),
        criteria={name: CriterionPolicy(**one.model_dump()) for name, one in sent.criteria.items()},
    )
    async with transaction(house.engine) as connection:
        await put_systemic_policy(connection, slug, policy, editor=editor)
    return {"rule_set": slug, **policy.to_json()}


def _check_known(names: list[str], known: list[str]) -> None:
    listed = ", ".join(f"`{name}`" for name in known) or "nothing"
    faults = [
        Fault(
            code="unknown_criterion",
            message=f"the live version does not blame by this; it does by {listed}",
            pointer=pointer_to("criteria", name),
        )
        for name in names
        if name not in known
    ]
    if faults:
        raise UnknownCriterion("the policy names what no account is blamed for", faults=faults)


async def _found(viewed: Viewed, looking: Looking) -> Examination:
    statement = looking.statement
    model = (await viewed.live.version(statement.rule_set, statement.version)).rules.model
    return await examination_of(looking.connection, statement, model, slices=looking.slices)
