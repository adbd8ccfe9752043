"""Events, kinds and sources on the wire."""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from service.accounts.schemas import check_name
from service.web import Instant, Sent, Shown

__all__ = [
    "EventLineSent",
    "EventPage",
    "EventSent",
    "EventShown",
    "EventsShown",
    "IdentitySent",
    "MendedSent",
    "ParkedPage",
    "ParkedShown",
    "ReasonShown",
    "ReplaySent",
    "ReplayedShown",
    "ReversalSent",
    "SourceName",
]

_SCALARS: Final = [{"type": kind} for kind in ("string", "number", "boolean", "null")]
_QUANTITIES: Final = {"hours": 2.5, "severity": "high", "cause": "setup"}


def _scalar(value: object) -> object:
    if isinstance(value, dict | list):
        words = "a quantity is a number, a text, true or false; send one of them"
        raise PydanticCustomError("quantity_type", words)
    return value


def _visible(text: str) -> str:
    """Let through what can be read aloud. A pattern for this would be no OpenAPI 3.0."""
    if not text.strip() or text != text.strip() or not text.isprintable():
        words = "this is a text without blanks around it and without control characters"
        raise PydanticCustomError("not_visible", words)
    return text


Quantity = Annotated[object, AfterValidator(_scalar), WithJsonSchema({"anyOf": _SCALARS})]
Name = Annotated[str, AfterValidator(check_name)]
SourceName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,63}$", examples=["zendesk"])]
ForeignId = Annotated[str, Field(max_length=200), AfterValidator(_visible)]
Reason = Annotated[str, Field(min_length=1, max_length=1_000), AfterValidator(_visible)]


class IdentitySent(Sent):
    """An account's id in another system."""

    system: SourceName
    id: ForeignId = Field(examples=["0015g00000XyZ12"])


class _Told(Sent):
    """What a source tells of an event."""

    kind: Name = Field(examples=["support_case"])
    at: Instant = Field(description="When it happened.", examples=["2026-11-20T09:30:00Z"])
    quantities: dict[Name, Quantity] = Field(
        default_factory=dict,
        max_length=64,
        description=(
            "What the kind declares. `amount` is money: a number or a text with up to six "
            "decimal places, read exactly."
        ),
        examples=[_QUANTITIES],
    )
    currency: str | None = Field(
        default=None,
        pattern=r"^[A-Z]{3}$",
        description="Of `amount`. Another one than the deployment's is refused.",
        examples=["EUR"],
    )


class EventSent(_Told):
    """One event of one account."""

    source: SourceName = "api"
    event_id: ForeignId | None = Field(
        default=None,
        description=(
            "The source's own id: a repeat is recognised. Without one each call is a new event."
        ),
        examples=["case-4711"],
    )


class EventLineSent(_Told):
    """One event of many: it says whose it is, by `account` or by `identity`."""

    account: str | None = Field(default=None, max_length=200, examples=["north-haulage"])
    identity: IdentitySent | None = None
    source: SourceName
    event_id: ForeignId = Field(
        description="The source's own id: a repeat is recognised.", examples=["case-4711"]
    )

    @model_validator(mode="after")
    def _is_of_one(self) -> "EventLineSent":
        if (self.account is None) == (self.identity is None):
            words = "an event says whose it is by `account` or by `identity`; give one of them"
            raise PydanticCustomError("one_account", words)
        return self


class ReversalSent(Sent):
    """Why an entry is taken back."""

    reason: Reason = Field(examples=["the invoice was cancelled"])


class ReasonShown(Shown):
    """One thing for which an event waits."""

    code: str = Field(examples=["unknown_kind"])
    message: str
    pointer: str | None = None


class EventShown(Shown):
    """One entry of the ledger."""

    id: str = Field(examples=["evt_01m82amv90f7assrm6pf8d3pr0"])
    account: str = Field(description="The key of the account that the source named.")
    kind: str
    at: str
    amount: str | None = Field(description="Exact, in `currency`.", examples=["1250.40"])
    currency: str
    quantities: dict[str, Quantity] = Field(
        description="What was told, and the kind's defaults for what was not.",
        examples=[_QUANTITIES],
    )
    source: str
    event_id: str = Field(description="The source's own id.")
    recorded_at: str
    recorded_by: str
    reverses: str | None = Field(description="The entry that this one takes back.")
    reversed_by: str | None = Field(description="The entry that takes this one back.")
    reason: str | None = Field(description="Why it was taken back.")


class EventPage(Shown):
    """Entries, the latest first."""

    data: list[EventShown]
    next_cursor: str | None


class ParkedShown(Shown):
    """An event that could not be entered."""

    id: str = Field(examples=["prk_01m82amv90f7assrm6pf8d3pr0"])
    state: Literal["parked", "entered", "dropped"]
    event: dict[str, Any] = Field(description="As it came, or as somebody mended it.")
    reasons: list[ReasonShown]
    first_at: str
    last_at: str
    parked_by: str
    closed_at: str | None
    closed_by: str | None
    closed_reason: str | None
    entered_as: str | None = Field(description="The entry it became.")


class ParkedPage(Shown):
    """Parked events, the newest first."""

    data: list[ParkedShown]
    next_cursor: str | None


class MendedSent(Sent):
    """An event to put in the place of a parked one."""

    event: EventLineSent


class ReplaySent(Sent):
    """Which parked events to try again: all, those of a source, or of a reason's code."""

    source: SourceName | None = None
    reason: str | None = Field(default=None, max_length=64, examples=["unknown_account"])
    cursor: str | None = Field(default=None, max_length=1_000)


class ReplayedShown(Shown):
    """What became of the events that were tried again."""

    entered: int
    parked: int = Field(description="They still wait.")
    conflicts: int = Field(description="Something else was entered under their ids.")
    next_cursor: str | None


class EventResultShown(Shown):
    """What became of one event of many."""

    # Members that say nothing are left out.
    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    line: int
    state: Literal["entered", "repeated", "parked", "dropped"] | None = None
    event: str | None = Field(default=None, description="The entry, where there is one.")
    parked: str | None = Field(default=None, description="The parked event, where it waits.")
    reasons: list[ReasonShown] | None = None
    problem: dict[str, Any] | None = Field(
        default=None, description="Why it is neither entered nor parked (RFC 9457)."
    )


class EventsShown(Shown):
    """One result for each event, in order."""

    data: list[EventResultShown]
