"""Outcomes on the wire."""

from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from service.accounts import ForeignId, Reason, SourceName
from service.web import Instant, Sent, Shown

__all__ = [
    "OutcomePage",
    "OutcomeSent",
    "OutcomeShown",
    "OutcomesShown",
    "Result",
    "WithdrawnSent",
]

Result = Literal["won", "lost", "churned", "renewed"]

_AMOUNT: Final = {"anyOf": [{"type": "number"}, {"type": "string"}, {"type": "null"}]}
Name = Annotated[ForeignId, Field(min_length=1)]


class OutcomeSent(Sent):
    """What became of a lead, of an account, or of a lead that is an account by now."""

    external_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=255,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description="The lead's, as it was sent to `/v1/qualify`.",
        examples=["crm-4711"],
    )
    decision: str | None = Field(
        default=None,
        max_length=64,
        description="Instead of `external_id`: the id of the decision.",
        examples=["dec_01m82amv90f7assrm6pf8d3pr0"],
    )
    account: Name | None = Field(
        default=None,
        description="The account's key. It may become known later.",
        examples=["north-haulage"],
    )
    result: Result
    at: Instant = Field(description="When it became so.", examples=["2026-11-20T09:30:00Z"])
    opened_at: Instant | None = Field(
        default=None,
        description=(
            "When the deal was opened. Without it, it is as long as the lead was known to us."
        ),
        examples=["2026-08-03T08:00:00Z"],
    )
    amount: Annotated[object, WithJsonSchema(_AMOUNT)] = Field(
        default=None,
        description="Of the deal: a number or a text with up to six decimal places, read exactly.",
        examples=["12500.00"],
    )
    currency: str | None = Field(
        default=None,
        pattern=r"^[A-Z]{3}$",
        description="Of `amount`. Another one than the deployment's is refused.",
        examples=["EUR"],
    )
    owner: Name | None = Field(
        default=None, description="The salesperson whose it was.", examples=["ann@example.com"]
    )
    product: Name | None = Field(default=None, examples=["fleet care"])
    source: SourceName = Field(examples=["crm"])
    event_id: Name | None = Field(
        default=None,
        description=(
            "The source's own id: a repeat is recognised. Among many it is needed; without one "
            "each call is a new outcome."
        ),
        examples=["deal-812"],
    )

    @model_validator(mode="after")
    def _is_of_somebody(self) -> "OutcomeSent":
        if self.external_id is not None and self.decision is not None:
            words = "a lead is named by `external_id` or by `decision`; give one of them"
            raise PydanticCustomError("one_lead", words)
        if self.external_id is None and self.decision is None and self.account is None:
            words = "an outcome says whose it is: by `external_id`, `decision` or `account`"
            raise PydanticCustomError("no_subject", words)
        return self


class WithdrawnSent(Sent):
    """Why an outcome does not count any more."""

    reason: Reason = Field(examples=["the customer never signed"])


class OutcomeShown(Shown):
    """What became of a lead or an account."""

    id: str = Field(examples=["out_01m82amv90f7assrm6pf8d3pr0"])
    external_id: str | None
    decision: str | None
    account: str | None
    is_known: bool = Field(description="The lead or account it names is known to us by now.")
    result: Result
    at: str
    opened_at: str | None
    amount: str | None = Field(description="Exact, in `currency`.", examples=["12500.00"])
    currency: str
    owner: str | None
    product: str | None
    source: str
    event_id: str = Field(description="The source's own id.")
    recorded_at: str
    recorded_by: str
    withdrawn_at: str | None = Field(description="Since then it counts nowhere.")
    withdrawn_by: str | None
    reason: str | None = Field(description="Why it was withdrawn.")


class OutcomePage(Shown):
    """Outcomes, the latest first."""

    data: list[OutcomeShown]
    next_cursor: str | None


class OutcomeResultShown(Shown):
    """What became of one outcome of many."""

    # Members that say nothing are left out.
    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    line: int
    state: Literal["entered", "repeated", "withdrawn"] | None = None
    outcome: str | None = Field(default=None, description="Its id.")
    problem: dict[str, Any] | None = Field(
        default=None, description="Why nothing of it was kept (RFC 9457)."
    )


class OutcomesShown(Shown):
    """One result for each outcome, in order."""

    data: list[OutcomeResultShown]
