"""Systemic problems on the wire."""

from typing import Annotated, Literal

from pydantic import Field

from service.web import Sent, Shown

__all__ = ["SystemicPolicySent", "SystemicPolicyShown", "SystemicShown"]

SliceName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class CriterionPolicySent(Sent):
    """What is said of one criterion."""

    baseline: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="The share of accounts that usually meets it. Where none is declared, a "
        "group is held against the other accounts, and everybody against an earlier statement.",
        examples=[0.11],
    )
    words: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        pattern=r"\S",
        description='What follows "19 of 42 accounts" in a sentence.',
        examples=["ask for more than 6 support hours a month"],
    )
    suspend: bool | None = Field(
        default=None,
        description="Whether it may not blame while it is systemic. Null leaves it to the kind: "
        "rules and outcomes are suspended, gates are not.",
    )


class SystemicPolicySent(Sent):
    """By which names groups are made, and what is said of criteria."""

    slices: list[SliceName] = Field(
        default=["cohort", "product"], max_length=8, examples=[["cohort", "product"]]
    )
    criteria: dict[str, CriterionPolicySent] = Field(
        default_factory=dict,
        max_length=500,
        description="By a rule's or gate's id, or `outcome:` and an outcome's.",
    )


class CriterionPolicyShown(Shown):
    """What is said of one criterion."""

    baseline: float | None
    words: str | None
    suspend: bool | None


class SystemicPolicyShown(Shown):
    """By which names groups are made, and what is said of criteria."""

    rule_set: str
    slices: list[str]
    criteria: dict[str, CriterionPolicyShown]


class SystemicGroup(Shown):
    """Accounts with one value of a slice."""

    slice: str = Field(examples=["cohort"])
    value: str = Field(examples=["2026-Q1"])


class HeldAgainst(Shown):
    """The baseline; where it is estimated, from how many."""

    kind: Literal["declared", "rest", "history"]
    baseline: float
    yes: int | None
    known: int | None


class CountedShown(Shown):
    """One criterion in one group."""

    criterion: str = Field(examples=["much_custom_work"])
    kind: Literal["points", "gate", "outcome"]
    condition: str
    group: SystemicGroup | None = Field(description="Null stands for all accounts.")
    accounts: int
    known: int = Field(description="Of how many it is known whether they meet it.")
    yes: int
    text: str


class NearlySameShown(Shown):
    """A stronger finding of the same criterion, in a group of nearly the same accounts."""

    group: SystemicGroup
    shared: int = Field(description="Accounts that are in both groups.")
    together: int = Field(description="Accounts that are in either.")


class FindingShown(CountedShown):
    """A problem that looks like ours."""

    rate: float
    interval: list[float] = Field(
        min_length=2, max_length=2, description="Exact, of 95 % confidence (Clopper-Pearson)."
    )
    against: HeldAgainst
    test: Literal["exact binomial", "Fisher's exact"]
    p: float
    q: float = Field(description="The false discovery rate at which it would just be found.")
    nearly_same_as: NearlySameShown | None = Field(
        description="Where four of five accounts of both groups are the same, the group with the "
        "stronger evidence; it may be one problem told twice."
    )
    suspension: str | None = Field(
        description="What suspends it now: its own, or that of all accounts.",
        examples=["sus_01m82amv90f7assrm6pf8d3pr0"],
    )


class NotEnoughShown(CountedShown):
    """What there is not enough data for; this is neither a yes nor a no."""

    lack: Literal["no_baseline", "few_known", "mostly_unknown", "few_others", "could_not_tell"]


class SystemicShown(Shown):
    """What unusually many accounts share, in one statement."""

    rule_set: str
    version: int
    statement: str = Field(examples=["st_01m82amv90f7assrm6pf8d3pr0"])
    at: str
    examined: bool = Field(
        description="Whether suspensions were started and ended by it; a moment after it is taken."
    )
    slices: list[str] = Field(description="As they were asked for.", examples=[["segment:core"]])
    suspends: bool = Field(
        description="Whether what is found here may suspend: of the whole portfolio, never a slice."
    )
    false_discovery_rate: float
    tests: int = Field(description="How many criteria in how many groups were tested, together.")
    slices_alike: int = Field(
        description="How many slices by the same names there are, any of which could have been "
        "asked for; 1 of the whole. Every q is multiplied by it."
    )
    hypotheses: int = Field(
        description="How many q answers for: the tests, times the slices they could have been of."
    )
    findings: list[FindingShown] = Field(description="The surest first.")
    not_enough_data: list[NotEnoughShown]
