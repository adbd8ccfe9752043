"""`/v1/rule-sets/{slug}/overrides`: which rules people keep overruling."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response

from service.decisions.desk import AtDesk, Desk
from service.decisions.override_schemas import OverruledRulesShown
from service.decisions.overruling import OverruledPart, count_overruled, in_model
from service.rules.model import Model
from service.rulesets import NotLive
from service.storage import to_text
from service.web import REFUSALS, Answer, Instant, StrictRoute, rfc3339

__all__ = ["overruled_routes"]

overruled_routes = APIRouter(
    prefix="/v1/rule-sets", tags=["overrides"], route_class=StrictRoute, responses=REFUSALS
)
_USUAL: Final = timedelta(days=90)
_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""No decision's id can be older."""
_NEWEST: Final = 3


@overruled_routes.get(
    "/{slug}/overrides", operation_id="countOverrides", response_model=OverruledRulesShown
)
async def count_them(
    *,
    slug: Annotated[str, Path(description="The rule set's id.", examples=["fleet_leads"])],
    desk: AtDesk,
    since: Annotated[
        Instant | None, Query(alias="from", description="90 days before `to`, where left out.")
    ] = None,
    until: Annotated[Instant | None, Query(alias="to", description="Now, where left out.")] = None,
) -> Response:
    """Count, rule by rule, what people decided otherwise, the most overruled first.

    A gate, rule or outcome is counted in a decision where it decided or added points. A
    decision counts once, by the newest word on it; an account's override counts for the
    decision it overruled, not for those after it.
    """
    at = desk.house.clock()
    until = max(at if until is None else until, _FIRST)
    since = max(until - _USUAL if since is None else since, _FIRST)
    model = await _live_model(slug, desk, at=at)
    found = await count_overruled(desk, slug, since=since, until=until, at=at)
    shown = {
        "rule_set": slug,
        "from": rfc3339(since),
        "to": rfc3339(until),
        "decisions": found.decisions,
        "overruled": found.overruled,
        "data": [_shown(one, model) for one in found.parts],
    }
    return Answer.of(shown).to_response()


async def _live_model(slug: str, desk: Desk, *, at: datetime) -> Model | None:
    try:
        return (await desk.live.version_at(slug, at)).rules.model
    except NotLive:
        return None


def _shown(one: OverruledPart, model: Model | None) -> dict[str, Any]:
    return {
        "kind": one.part.kind,
        "id": one.part.id,
        "in_live_version": None if model is None else in_model(one.part, model),
        "overruled": one.overruled,
        "withdrawn": one.withdrawn,
        "decisions": one.decisions,
        "share": round(one.share, 6),
        "directions": [
            {"rules": rules, "person": person, "count": count}
            for (rules, person), count in one.directions.most_common()
        ],
        "newest": [to_text("ovr", each) for each in one.overrides[:_NEWEST]],
    }
