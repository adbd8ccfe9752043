"""Endpoints and deliveries on the wire."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import Row

from service.delivery.event_types import EventType
from service.storage import to_text
from service.web import Instant, Sent, Shown, rfc3339

__all__ = ["AttemptShown", "DeliveryPage", "DeliveryShown", "EndpointChanged", "EndpointPage"]
__all__ += ["EndpointSent", "EndpointShown", "NewEndpointShown", "RangeSent", "RangeShown"]
__all__ += ["RotationSent", "State", "delivery_told", "endpoint_told"]

State = Literal["waiting", "sending", "delivered", "failed", "cancelled"]
Kind = Literal[
    "decision.created",
    "account.outcome_changed",
    "rule_set.released",
    "connection.degraded",
    "endpoint.disabled",
    "backtest.finished",
    "erasure.completed",
]
_Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2_000,
        description="Where to send: over HTTPS, to a public address. No redirect is followed.",
        examples=["https://example.com/goodfit"],
    ),
]
_Events = Annotated[
    list[Kind],
    Field(max_length=20, description="Which events it takes; none named is all of them."),
]
_Outcomes = Annotated[
    list[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$", examples=["safety_pause"])]],
    Field(
        max_length=50,
        description="Of events about an outcome, only those about one of these; none named is any.",
    ),
]
_Words = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$", examples=["the warehouse"])]


class EndpointSent(Sent):
    """An endpoint as it is made."""

    url: _Url
    description: _Words = ""
    events: _Events = Field(default_factory=list)
    outcomes: _Outcomes = Field(default_factory=list)


class EndpointChanged(Sent):
    """What changes of an endpoint; what is left out stays."""

    url: _Url | None = None
    description: _Words | None = None
    events: _Events | None = None
    outcomes: _Outcomes | None = None
    state: Literal["enabled", "disabled"] | None = None


class RotationSent(Sent):
    """How long the secret there was signs beside the new one."""

    old_lasts_h: Annotated[int, Field(ge=0, le=168, description="0 is not at all.")] = 24

    @property
    def lasts(self) -> timedelta:
        """The same as a duration."""
        return timedelta(hours=self.old_lasts_h)


class RangeSent(Sent):
    """Which deliveries are sent again, by when the events happened."""

    since: Instant
    until: Instant | None = None
    states: list[Literal["delivered", "failed", "cancelled"]] = Field(
        default=["failed"], min_length=1, max_length=3
    )


class RangeShown(Shown):
    """How many deliveries go out again."""

    redelivered: int
    more: bool = Field(description="There are more: ask again.")


class EndpointShown(Shown):
    """An address that receives our events."""

    id: str = Field(examples=["whe_01m82amv90f7assrm6pf8d3pr0"])
    url: str
    description: str
    events: list[str]
    outcomes: list[str]
    state: Literal["enabled", "disabled"]
    disabled_at: str | None
    disabled_because: Literal["asked", "gone", "failing"] | None = Field(
        description="`gone`: it answered 410. `failing`: nothing succeeded for three days."
    )
    failing_since: str | None = Field(description="Since when not one attempt succeeded.")
    old_secret_until: str | None = Field(description="Until when the secret before this one signs.")
    created_at: str
    created_by: str


class NewEndpointShown(EndpointShown):
    """An endpoint with its secret, which is shown this once."""

    secret: str = Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])


class EndpointPage(Shown):
    """Endpoints, the newest first."""

    data: list[EndpointShown]
    next_cursor: str | None


class AttemptShown(Shown):
    """One attempt to deliver."""

    number: int
    at: str
    took_ms: int | None
    status: int | None = Field(description="What the endpoint answered.")
    problem: Literal["timeout", "connection", "address", "secret", "cut_off"] | None = Field(
        description="Why there is no status. `address`: nothing may be sent there. `secret`: ours "
        "cannot be opened. `cut_off`: our own process ended meanwhile."
    )
    excerpt: str | None = Field(description="How its answer begins, where that is text.")


class DeliveryShown(Shown):
    """One event on its way to one endpoint."""

    id: str = Field(examples=["dlv_01m82amv90f7assrm6pf8d3pr0"])
    endpoint: str
    event: str = Field(description="`webhook-id`, the same at every attempt.")
    type: str
    at: str = Field(description="When it happened.")
    state: State
    attempts: list[AttemptShown]
    next_attempt_at: str | None
    delivered_at: str | None
    erased: bool = Field(description="What it told was erased, and is not sent any more.")


class DeliveryPage(Shown):
    """Deliveries, the newest first."""

    data: list[DeliveryShown]
    next_cursor: str | None


def endpoint_told(row: Row[Any]) -> dict[str, Any]:
    """Return an endpoint as JSON members, without any secret."""
    instants = ("disabled_at", "failing_since", "old_secret_until", "created_at")
    plain = ("url", "description", "events", "outcomes", "state", "disabled_because", "created_by")
    told: dict[str, Any] = {"id": to_text("whe", row.id)}
    told |= {name: getattr(row, name) for name in plain}
    for name in instants:
        at = getattr(row, name)
        told[name] = None if at is None else rfc3339(at)
    return told


def delivery_told(row: Row[Any], attempts: list[Row[Any]]) -> dict[str, Any]:
    """Return a delivery as JSON members, with its *attempts*."""
    is_open = row.state in {"waiting", "sending"}
    return {
        "id": to_text("dlv", row.id),
        "endpoint": to_text("whe", row.endpoint_id),
        "event": to_text("msg", row.event_id),
        "type": EventType(row.event_type).value,
        "at": rfc3339(row.event_at),
        "state": "cancelled" if is_open and row.is_erased else row.state,
        "attempts": [_attempt_told(row, one) for one in attempts],
        "next_attempt_at": rfc3339(row.next_at) if is_open and not row.is_erased else None,
        "delivered_at": None if row.delivered_at is None else rfc3339(row.delivered_at),
        "erased": row.is_erased,
    }


def _attempt_told(row: Row[Any], one: Row[Any]) -> dict[str, Any]:
    is_running = row.state == "sending" and one.number == row.attempts
    is_silent = one.status is None and one.problem is None
    return {
        "number": one.number,
        "at": rfc3339(one.began_at),
        "took_ms": one.took_ms,
        "status": one.status,
        "problem": "cut_off" if is_silent and not is_running else one.problem,
        "excerpt": one.excerpt,
    }
