"""`/v1/decisions`: look back at what was decided, and why."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Body, Query, Request, Response
from sqlalchemy import Row

from service.decisions import store
from service.decisions.desk import AtDesk
from service.decisions.override_store import list_of_decisions
from service.decisions.replaying import existing_decision, replay
from service.decisions.schemas import (
    DecisionHead,
    DecisionPage,
    DecisionShown,
    ExplanationForOps,
    ExplanationForSubject,
    ReplayAsked,
    ReplayShown,
    Verdict,
)
from service.decisions.showing import (
    decision_shown,
    explained_to_ops,
    explained_to_subject,
    head_of,
    head_shown,
)
from service.decisions.store import Filters
from service.decisions.unmeasured import unmeasured_shown
from service.decisions.word import InForce
from service.storage import parse_id, transaction
from service.web import (
    REFUSALS,
    Answer,
    CursorParameter,
    Instant,
    LimitParameter,
    StrictRoute,
    instant_after,
    page_of,
    refusals,
)

__all__ = ["history_routes"]

history_routes = APIRouter(
    prefix="/v1/decisions", tags=["decide"], route_class=StrictRoute, responses=REFUSALS
)
_GONE: Final = refusals(410)
_Name = Annotated[str | None, Query(max_length=64)]
_Text = Annotated[str | None, Query(max_length=255)]


@history_routes.get("", operation_id="listDecisions", response_model=DecisionPage)
async def list_them(
    *,
    request: Request,
    response: Response,
    desk: AtDesk,
    rule_set: _Name = None,
    verdict: Annotated[Verdict | None, Query()] = None,
    outcome: _Name = None,
    external_id: _Text = None,
    account: Annotated[_Text, Query(description="An account's key.")] = None,
    since: Annotated[Instant | None, Query(alias="from", description="From then on.")] = None,
    until: Annotated[Instant | None, Query(alias="to", description="Before then.")] = None,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List decisions, the newest first.

    `verdict` and `outcome` ask for what the rules decided, whoever decided otherwise since.
    """
    filters = Filters(
        rule_set=rule_set,
        verdict=verdict,
        outcome=outcome,
        external_id=external_id,
        account=account,
        since=since,
        until=until,
    )
    before = instant_after(cursor, filters=filters.to_json())
    async with transaction(desk.house.engine) as connection:
        rows = await store.list_decisions(connection, filters, before=before, limit=limit + 1)
        words = await list_of_decisions(connection, rows, at=desk.house.clock())
    return page_of(
        rows,
        show=lambda row: head_shown(row, words.get(row.id)),
        position=lambda row: (row.decided_at, row.id),
        limit=limit,
        filters=filters.to_json(),
        request=request,
        response=response,
    )


@history_routes.get(
    "/{id}", operation_id="readDecision", response_model=DecisionShown | DecisionHead
)
async def read(
    *,
    id: str,  # noqa: A002 - the address calls it so
    desk: AtDesk,
    explain: Literal["short", "full"] = "short",
) -> Response:
    """Return a decision as it was answered; one whose facts were erased, as far as it is left.

    Where a person decided otherwise since, and that stands, it says so.
    """
    row, word = await _told(id, desk)
    if row.facts is None:
        return Answer.of(head_shown(row, word)).to_response()
    replayed = await replay(row, desk)
    if replayed.differences:  # its words would explain another decision than was made
        return Answer.of(head_shown(row, word)).to_response()
    shown = decision_shown(replayed.decision, head_of(row, word), explain=explain)
    return Answer.of(shown).to_response()


@history_routes.get(
    "/{id}/explanation",
    operation_id="explainDecision",
    response_model=ExplanationForOps | ExplanationForSubject,
    responses=_GONE,
)
async def explain(
    *,
    id: str,  # noqa: A002 - the address calls it so
    desk: AtDesk,
    audience: Literal["ops", "subject"] = "ops",
) -> Response:
    """Say why: every rule for ops; for the person concerned, what they may be told."""
    row, word = await _told(id, desk)
    decision = (await replay(row, desk, word=word)).same()
    if audience == "subject":
        return Answer.of(explained_to_subject(decision, head_of(row, word))).to_response()
    rules = (await desk.live.version(row.rule_set, row.version)).rules
    unmeasured = await unmeasured_shown(row, rules, desk)
    shown = explained_to_ops(decision, head_of(row, word)) | {"unmeasured": unmeasured}
    return Answer.of(shown).to_response()


@history_routes.post(
    "/{id}/replay", operation_id="replayDecision", response_model=ReplayShown, responses=_GONE
)
async def replay_it(
    *,
    id: str,  # noqa: A002 - the address calls it so
    desk: AtDesk,
    asked: Annotated[ReplayAsked | None, Body()] = None,
) -> Response:
    """Decide again from the stored facts, version and clock, and say whether it is the same."""
    del asked
    row, word = await _told(id, desk)
    replayed = await replay(row, desk, word=word)
    shown = {
        "identical": not replayed.differences,
        "differences": [difference.to_json() for difference in replayed.differences],
        "decision": decision_shown(replayed.decision, head_of(row)),
    }
    return Answer.of(shown).to_response()


async def _told(text: str, desk: AtDesk) -> tuple[Row[Any], InForce | None]:
    """Return a stored decision, and a person's word in it where that stands."""
    row = await existing_decision(parse_id(text, "dec"), desk)
    async with transaction(desk.house.engine) as connection:
        words = await list_of_decisions(connection, [row], at=desk.house.clock())
    return row, words.get(row.id)
