"""What each event holds, as the API's description tells it: a webhook each.

Members may be added and none is taken away, so a receiver reads what it knows.
"""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Header, Response
from pydantic import Field, create_model

from service.delivery.event_types import EventType
from service.web import Shown, StrictRoute

__all__ = ["PAYLOADS", "webhooks"]

_Decision = Annotated[str, Field(examples=["dec_01m82amv90f7assrm6pf8d3pr0"])]
_RuleSet = Annotated[str, Field(description="The id of the rule set.", examples=["fleet_leads"])]
_Verdict = Literal["qualify", "review", "disqualify", "undecided"]
_Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class ScoreTold(Shown):
    """A score: between `low` and `high`, and `value` if nothing more is answered."""

    value: float
    low: float
    high: float


class DecisionCreated(Shown):
    """A decision by ids, outcome and scores; ask the API for it by its id."""

    decision: _Decision
    rule_set: _RuleSet
    version: int
    subject: Literal["lead", "account"]
    account: str | None = Field(description="The account's key.")
    external_id: str | None
    verdict: _Verdict
    outcome: str
    certain: bool = Field(description="No missing fact can still change the verdict.")
    final: bool
    scores: dict[str, ScoreTold]
    source: str | None


class OutcomeBefore(Shown):
    """The decision before."""

    decision: _Decision
    version: int
    verdict: _Verdict
    outcome: str
    at: _Instant


class OutcomeChanged(Shown):
    """An account's outcome, and the one before it."""

    account: str | None = Field(description="The account's key.")
    rule_set: _RuleSet
    decision: _Decision
    version: int
    verdict: _Verdict
    outcome: str
    before: OutcomeBefore


class RuleSetReleased(Shown):
    """A release; a rollback is one of an older version."""

    release: str = Field(examples=["rel_01m82amv90f7assrm6pf8d3pr0"])
    rule_set: _RuleSet
    version: int
    digest: str
    mode: Literal["live", "shadow"]
    share: float | None = Field(description="Which share of decisions a shadow looks at.")
    effective_at: _Instant
    released_by: str
    approved_by: str | None


class ConnectionDegraded(Shown):
    """A connection, and why it needs somebody."""

    connection: str = Field(examples=["con_01m82amv90f7assrm6pf8d3pr0"])
    name: str
    why: str


class EndpointOff(Shown):
    """An endpoint, and why it was switched off."""

    endpoint: str = Field(examples=["whe_01m82amv90f7assrm6pf8d3pr0"])
    because: Literal["asked", "gone", "failing"]
    at: _Instant


class BacktestFinished(Shown):
    """A backtest; ask the API for its result by its id."""

    backtest: str = Field(examples=["bt_01m82amv90f7assrm6pf8d3pr0"])
    rule_set: _RuleSet
    state: Literal["done", "failed"]


class ErasureCompleted(Shown):
    """An erasure: what was cleared, and not whose it was."""

    erasure: str = Field(examples=["era_01m82amv90f7assrm6pf8d3pr0"])
    cause: Literal["request", "notice"]
    cleared: dict[str, int] = Field(description="In how many rows of each table.")


class EndpointTest(Shown):
    """An event of no meaning."""

    endpoint: str = Field(examples=["whe_01m82amv90f7assrm6pf8d3pr0"])
    asked_by: str


PAYLOADS: Final[dict[EventType, tuple[type[Shown], str]]] = {
    EventType.DECISION_CREATED: (
        DecisionCreated,
        "A lead or account was decided, by a request or a rescoring.",
    ),
    EventType.ACCOUNT_OUTCOME_CHANGED: (
        OutcomeChanged,
        "An account's outcome is another one than before.",
    ),
    EventType.RULE_SET_RELEASED: (
        RuleSetReleased,
        "A version was released, live or into the shadow.",
    ),
    EventType.CONNECTION_DEGRADED: (
        ConnectionDegraded,
        "A connection needs somebody; once, until it works again.",
    ),
    EventType.ENDPOINT_DISABLED: (EndpointOff, "An endpoint was switched off; others hear of it."),
    EventType.BACKTEST_FINISHED: (BacktestFinished, "A backtest is done or has failed."),
    EventType.ERASURE_COMPLETED: (ErasureCompleted, "Somebody's data was erased."),
    EventType.ENDPOINT_TEST: (EndpointTest, "Somebody asked for a test of this endpoint."),
}


class SignedHeaders(Shown):
    """Standard Webhooks, version 1."""

    webhook_id: str = Field(description="The event's id, the same at every attempt.")
    webhook_timestamp: int = Field(description="When this attempt was signed, in seconds.")
    webhook_signature: str = Field(
        description="`v1,` and the signature of id, timestamp and body in base64; two of them, "
        "apart by a space, while a secret is exchanged."
    )


def _webhooks() -> APIRouter:
    router = APIRouter(tags=["events"], route_class=StrictRoute)
    for kind, (payload, words) in PAYLOADS.items():
        router.add_api_route(
            kind.value,
            _receiver_of(kind, payload),
            methods=["POST"],
            operation_id=f"hear{payload.__name__}",
            description=words,
            status_code=204,
            response_class=Response,
            response_description="Any 2xx, within 15 seconds: it has arrived.",
            responses={
                410: {"description": "The endpoint is gone: it is switched off at once."},
                "default": {"description": "It is sent again later, under the same id."},
            },
        )
    return router


def _receiver_of(kind: EventType, payload: type[Shown]) -> Any:  # noqa: ANN401 - a function to be read
    """Return a function that nobody calls, of the parameters that a receiver has."""
    event = _event_of(kind, payload)

    def hear(signed: Annotated[SignedHeaders, Header()], event: Any) -> None:  # noqa: ANN401
        """Hear of it."""

    hear.__annotations__["event"] = event
    return hear


def _event_of(kind: EventType, payload: type[Shown]) -> type[Shown]:
    """Return the whole body of an event of *kind*."""
    return create_model(
        f"{payload.__name__}Event",
        __base__=Shown,
        __doc__=PAYLOADS[kind][1],
        id=(str, Field(description="The same as `webhook-id`.")),
        type=(str, Field(json_schema_extra={"const": kind.value})),
        timestamp=(_Instant, Field(description="When it happened.")),
        data=(payload, ...),
    )


webhooks: Final = _webhooks()
