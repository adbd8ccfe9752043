"""`/v1/portfolio/{slug}/systemic`: it's not them, it's us; and what accounts are held to."""

from datetime import timedelta
from typing import Annotated, Any, ClassVar, Final

from fastapi import APIRouter, Query

from service.decisions import suspension_rows
from service.portfolio import systemic_store
from service.portfolio.reading import read_statement
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
from service.rulesets import Editor, Live, SlugInPath
from service.storage import transaction
from service.web import (
    REFUSALS,
    Fault,
    House,
    InHouse,
    Instant,
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
AtParameter = Annotated[
    Instant | None,
    Query(description="The newest statement then or before; the newest by default."),
]


class UnknownCriterion(Refusal):
    """The live version of a rule set does not blame by this."""

    code: ClassVar[str] = "validation_failed"


@systemic_routes.get("/systemic", operation_id="showSystemic", response_model=SystemicShown)
async def show(
    *, slug: SlugInPath, house: InHouse, live: Live, at: AtParameter = None
) -> dict[str, Any]:
    """Return what unusually many accounts share, so that no single one is to be blamed for it.

    Every rule that takes points off, every gate to a bad outcome and every outcome that
    disqualifies is counted in every group, by the decisions' traces before suspensions.
    """
    found = await _found(slug, house, live, at)
    async with transaction(house.engine) as connection:
        standing = await suspension_rows(connection, slug, at=house.clock())
        row = await systemic_store.find_examination(connection, found.statement.id)
    return systemic_shown(found, standing, is_examined=row is not None)


@systemic_routes.get(
    "/systemic.csv", operation_id="tabulateSystemic", response_class=Csv, responses=refusals(422)
)
async def tabulate(*, slug: SlugInPath, house: InHouse, live: Live, at: AtParameter = None) -> Csv:
    """Return every criterion in every group as a table, found or not."""
    return Csv(csv_of(systemic_lines(await _found(slug, house, live, at))))


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


async def _found(slug: str, house: House, live: Live, at: Instant | None) -> Examination:
    await live.check_there(slug, house.clock())
    async with transaction(house.engine) as connection:
        statement = await read_statement(connection, slug, at=at)
    running = await live.version(slug, statement.version)
    async with transaction(house.engine, within=_LONG) as connection:
        return await examination_of(connection, statement, running.rules.model)
