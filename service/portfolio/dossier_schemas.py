"""Dossiers on the wire."""

from typing import Annotated, Literal

from pydantic import Field

from service.decisions import PastAssessment, WayTold
from service.web import Shown

__all__ = ["DossierShown"]

Amount = Annotated[str, Field(description="Exact, in the currency.", examples=["1250.40"])]
Day = Annotated[str, Field(examples=["2026-11-26T09:30:00.000000Z"])]
Verdict = Literal["qualify", "review", "disqualify", "undecided"]


class OfAccount(Shown):
    """Whose dossier it is."""

    key: str
    id: str = Field(examples=["acc_01m82amv90f7assrm6pf8d3pr0"])
    name: str | None = Field(description="From its facts, where one of them is a name.")
    merged: list[str] = Field(description="The keys of accounts that were merged into it.")
    created_at: Day
    updated_at: Day


class OfRules(Shown):
    """The version that judged it."""

    id: str
    title: str
    version: int
    digest: str


class ReasonTold(Shown):
    """What decided, or what moved a score."""

    rule: str
    kind: Literal["gate", "points", "limit", "outcome", "suspended"]
    result: Literal["yes", "no", "unknown"]
    score: str | None
    points: float | None
    words: str
    note: str | None = Field(description="The author's note on the rule.")


class StandingShown(Shown):
    """How it stands: by the rules, or by a person's word."""

    decision: str = Field(examples=["dec_01m82amv90f7assrm6pf8d3pr0"])
    decided_at: Day
    verdict: Verdict
    outcome: str | None
    label: str | None
    certain: bool
    in_grace: bool = Field(description="A gate of grace decided: nothing bad is said of it.")
    by_person: str | None = Field(description="Who decided otherwise, where that is in force.")
    person_said: str | None
    rules_verdict: Verdict
    rules_outcome: str
    rules_label: str
    summary: str | None
    untold: str | None = Field(
        description="Why the rules' words cannot be told: facts were erased, or rules moved on."
    )
    action: str | None
    assign: str | None
    url: str | None
    for_the_customer: str | None = Field(description="The outcome's message.")
    for_the_board: str | None = Field(description="The outcome's note.")
    reasons: list[ReasonTold]


class StepTold(Shown):
    """What one rule, formula or limit added."""

    rule: str
    words: str
    points: float
    is_limit: bool


class ScoreTold(Shown):
    """A score, and what moved it in the order in which it counts."""

    name: str
    label: str
    value: float
    low: float
    high: float
    floor: float | None
    ceiling: float | None
    steps: list[StepTold]
    picture: str | None = Field(description="Where it is drawn.")


class OtherWordTold(Shown):
    """What another source said last, which does not stand; null where it said there is none."""

    source: str
    at: Day
    by: str | None
    value: object


class FactTold(Shown):
    """A fact, who said it, and when it was true."""

    attribute: str
    label: str
    value: object
    unit: str | None
    words: str
    source: str | None = Field(description="`ledger` for what the rules measured there.")
    at: Day | None
    by: str | None = Field(description="Whose key, which connection or which import brought it.")
    others: list[OtherWordTold]
    is_read: bool = Field(description="Whether the rules declare it.")


class UnknownTold(Shown):
    """What nobody knows yet, and could change the answer."""

    attribute: str
    label: str
    ask: str | None
    changes: Literal["verdict", "outcome"]
    could_lead_to: list[Verdict]


class StretchShown(Shown):
    """Revenue and costs of some time."""

    revenue: Amount
    cost: Amount
    margin: Amount
    costs: dict[str, Amount] = Field(description="By driver.")


class MonthShown(StretchShown):
    """One UTC month."""

    month: str = Field(examples=["2026-11"])


class MoneyShown(Shown):
    """What it brought and cost, by the ledger: the months and `earlier` add up to `total`."""

    currency: str
    cost_metric: str | None = Field(
        description="The metric whose rates count; null where only what was spent is known."
    )
    revenue_metric: str | None
    rates: dict[str, dict[str, str]] = Field(description="By kind of event and quantity.")
    drivers: list[str] = Field(description="The dearest of the last twelve months first.")
    months: list[MonthShown]
    recent: StretchShown = Field(description="The twelve months together.")
    earlier: StretchShown
    total: StretchShown


class PossibleTold(Shown):
    """An outcome that what is not known could lead to."""

    outcome: str
    label: str


class ReachShown(Shown):
    """What lies around the decision."""

    words: str
    better: list[WayTold]
    near: list[WayTold] = Field(description="For each other outcome near, the smallest change.")
    possible: list[PossibleTold]
    is_whole: bool = Field(description="False where the rules are too many to try everything.")


class PastTold(PastAssessment):
    """One decision by which it stood, and what came between it and the one before."""

    label: str | None = Field(description="What its outcome is called now.")


class DossierShown(Shown):
    """Everything that is known of one account."""

    account: OfAccount
    as_of: Day
    facts_erased_at: Day | None
    rule_set: OfRules | None
    standing: StandingShown | None = Field(description="Null where no rules have judged it.")
    scores: list[ScoreTold]
    facts: list[FactTold]
    unknown: list[UnknownTold]
    money: MoneyShown
    reach: ReachShown | None
    history: list[PastTold]
    overrides: list[dict[str, object]] = Field(
        description="What people decided otherwise, ended or not, as `/v1/overrides` shows it."
    )
