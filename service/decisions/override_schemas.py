"""Overrides on the wire."""

from typing import Annotated, Literal

from pydantic import Field

from service.decisions.schemas import DecisionId, NextShown, RulesOwn, Slug, Verdict
from service.decisions.schemas import Instant as InstantShown
from service.web import Instant, Sent, Shown

__all__ = [
    "AccountOverrideSent",
    "OverridePage",
    "OverrideSent",
    "OverrideShown",
    "OverruledRulesShown",
    "WithdrawalSent",
]

OverrideId = Annotated[str, Field(examples=["ovr_01m82amv90f7assrm6pf8d3pr0"])]
Reason = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2_000,
        pattern=r"\S",
        description="Why, for whoever wonders later. It never goes to the person concerned.",
        examples=["they signed the frame contract of 2025"],
    ),
]


class OverrideSent(Sent):
    """What a person decides otherwise, and why."""

    verdict: Literal["qualify", "review", "disqualify"]
    outcome: str | None = Field(
        default=None,
        max_length=64,
        description=(
            "An outcome of the version that decided, with this verdict; its action, address "
            "and message become `next`."
        ),
        examples=["tier_b"],
    )
    action: str | None = Field(
        default=None, min_length=1, max_length=200, description="Instead of the outcome's."
    )
    message: str | None = Field(
        default=None, min_length=1, max_length=2_000, description="Instead of the outcome's."
    )
    reason: Reason
    expires_at: Instant | None = Field(
        default=None,
        description="Until then, five years at most; until withdrawn, where left out.",
    )


class AccountOverrideSent(OverrideSent):
    """What a person decides of an account otherwise, under one rule set."""

    rule_set: Slug


class WithdrawalSent(Sent):
    """Why an override is taken back."""

    reason: Reason


class OverriddenSubject(Shown):
    """One decision, or the key of one account."""

    decision: DecisionId | None
    account: str | None


class PartShown(Shown):
    """A gate, a rule with points, or an outcome."""

    kind: Literal["gate", "points", "outcome"]
    id: str


class EndShown(Shown):
    """Who ended an override and why; `reason` is null where another one replaced it."""

    at: InstantShown
    by: str
    reason: str | None


class OverrideShown(Shown):
    """What one person decided otherwise. Nothing of it ever changes but how it ended."""

    id: OverrideId
    rule_set: Slug
    version: int = Field(description="The version that was overruled.")
    subject: OverriddenSubject
    overruled: DecisionId = Field(
        description="The decision that was overruled; of an account, the one it stood by then."
    )
    rules: RulesOwn
    spoke: list[PartShown] = Field(description="Who spoke in it, the deciding one first.")
    verdict: Literal["qualify", "review", "disqualify"]
    outcome: str | None
    next: NextShown
    reason: str
    person: str
    created_at: InstantShown
    expires_at: InstantShown | None
    state: Literal["in_force", "expired", "withdrawn", "replaced"]
    ended: EndShown | None


class OverridePage(Shown):
    """Overrides, the newest first."""

    data: list[OverrideShown]
    next_cursor: str | None


class DirectionShown(Shown):
    """How often people turned one verdict into another."""

    rules: Verdict
    person: Verdict
    count: int


class OverruledRuleShown(Shown):
    """How often people overrule what a gate, rule or outcome had part in."""

    kind: Literal["gate", "points", "outcome"]
    id: str
    in_live_version: bool | None = Field(
        description="False where it was removed or renamed since; null where nothing is live."
    )
    overruled: int = Field(description="Decisions it had part in that a person overruled.")
    withdrawn: int = Field(description="Of these, how many words were taken back by now.")
    decisions: int = Field(description="Decisions it had part in.")
    share: float = Field(description="`overruled` of `decisions`.")
    directions: list[DirectionShown]
    newest: list[OverrideId] = Field(description="The newest three overrides; read them for why.")


class OverruledRulesShown(Shown):
    """Which rules people overrule, the most overruled first.

    Counted over the decisions made from `from` on and before `to`.
    """

    rule_set: Slug
    since: InstantShown = Field(alias="from")
    until: InstantShown = Field(alias="to")
    decisions: int
    overruled: int
    data: list[OverruledRuleShown]
