"""`/integrations/salesforce`: one question in the flat shape that Flow's External Services reads.

Flow takes texts, numbers and lists of them, and no maps; it reads OpenAPI 3.0 and camel-case
names. So a record's fields come as pairs, all of them texts, and the answer has no depth. The
rule set's own door makes numbers and dates of the texts.
"""

from datetime import timedelta
from time import perf_counter
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from service.decisions import AtDesk, Case, Question, qualify
from service.intake.salesforce_description import salesforce_description
from service.web import REFUSALS, Answer, Sent, StrictRoute, WithKey, claim_of

__all__ = ["describe_salesforce", "salesforce_facade"]

salesforce_facade = APIRouter(
    prefix="/integrations/salesforce", tags=["decide"], route_class=StrictRoute, responses=REFUSALS
)
_QUALIFY: Final = "/v1/qualify"


class SalesforceField(Sent):
    """One field of a record; Flow sends everything as text."""

    name: Annotated[str, Field(min_length=1, max_length=64, description="The attribute.")]
    value: Annotated[str, Field(max_length=8_192)] | None = None


class SalesforceQuestion(Sent):
    """A record to be decided."""

    recordId: Annotated[str, Field(min_length=1, max_length=200)]  # noqa: N815 - as Flow names things
    objectType: Annotated[  # noqa: N815 - the same
        str, Field(min_length=1, max_length=64, description="An `Account` is one; all else a lead.")
    ] = "Lead"
    ruleSet: Annotated[str, Field(min_length=1, max_length=64)]  # noqa: N815 - the same
    dryRun: bool = False  # noqa: N815 - the same
    fields: Annotated[list[SalesforceField], Field(max_length=256)]


class SalesforceAnswer(BaseModel):
    """The decision, flat. `scoreNames` and `scoreValues` go together, place by place."""

    model_config = ConfigDict(frozen=True)

    decisionId: str = ""  # noqa: N815 - the same; empty where it was only tried
    verdict: str
    outcome: str
    action: str
    score: float
    scoreNames: list[str]  # noqa: N815 - the same
    scoreValues: list[float]  # noqa: N815 - the same
    ruleVersion: int  # noqa: N815 - the same
    decidedAt: str  # noqa: N815 - the same
    explanation: str
    reasonCodes: list[str]  # noqa: N815 - the same
    problems: list[str]


@salesforce_facade.get("/openapi.json", include_in_schema=False)
async def describe_for_salesforce() -> Response:
    """Return what External Services is to be registered with."""
    return Response(describe_salesforce(), media_type="application/json")


@salesforce_facade.post(
    _QUALIFY, operation_id="qualifySalesforceRecord", response_model=SalesforceAnswer
)
async def qualify_record(
    sent: SalesforceQuestion, request: Request, desk: AtDesk, caller: WithKey
) -> Response:
    """Decide a record that a Salesforce flow sends, finally, and answer flat."""
    began_s = perf_counter()
    house = desk.house
    now = house.clock()
    claim = claim_of(
        request.headers.get("idempotency-key"),
        key_id=caller.key_id,
        route=f"POST {request.url.path}",
        body=await request.body(),
        kept=timedelta(hours=house.settings.idempotency_kept_h),
    )
    question = Question(
        rule_set=sent.ruleSet,
        subject="account" if sent.objectType == "Account" else "lead",
        facts={one.name: one.value for one in sent.fields if one.value},
        account_key=None,
        external_id=sent.recordId,
        final=True,
        source="salesforce",
        is_dry=sent.dryRun,
        explain="short",
        at_version=None,
        is_narrow=False,
    )
    case = Case(
        question=question,
        at=now,
        decision_id=house.new_uuid(now),
        claim=None if sent.dryRun else claim,
        began_s=began_s,
    )
    told = await qualify(case, desk)
    flat = _flat(orjson.loads(told.body))
    return Answer(body=flat.model_dump_json().encode(), is_replayed=told.is_replayed).to_response()


def _flat(decision: dict[str, Any]) -> SalesforceAnswer:
    scores = {name: span["value"] for name, span in decision["scores"].items()}
    return SalesforceAnswer(
        decisionId=decision["id"] or "",
        verdict=decision["verdict"],
        outcome=decision["outcome"] or "",
        action=decision["next"].get("action") or "",
        score=next(iter(scores.values()), 0.0),
        scoreNames=list(scores),
        scoreValues=list(scores.values()),
        ruleVersion=decision["rule_set"]["version"],
        decidedAt=decision["decided_at"],
        explanation=decision["summary"],
        reasonCodes=[reason["rule"] for reason in decision["reasons"]],
        problems=[problem["message"] for problem in decision["data_problems"]],
    )


def describe_salesforce() -> bytes:
    """Return the facade's description, as it is committed and served."""
    return salesforce_description(SalesforceQuestion, SalesforceAnswer)
