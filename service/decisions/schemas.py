"""Questions and decisions on the wire."""

from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field

from service.web import Sent, Shown

__all__ = [
    "BatchShown",
    "DecisionHead",
    "DecisionPage",
    "DecisionShown",
    "ExplanationForOps",
    "ExplanationForSubject",
    "LineSent",
    "NarrowDecisionShown",
    "OverrideInForce",
    "QuestionSent",
    "ReplayAsked",
    "ReplayShown",
    "ResultShown",
    "RulesOwn",
]

Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$", examples=["fleet_leads"])]
Verdict = Literal["qualify", "review", "disqualify", "undecided"]
Truth = Literal["yes", "no", "unknown"]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
DecisionId = Annotated[str, Field(examples=["dec_01m82amv90f7assrm6pf8d3pr0"])]
Instant = Annotated[str, Field(examples=["2026-11-22T09:30:00.000000Z"])]
_Facts = Annotated[dict[str, Any], Field(examples=[{"vehicles": 120, "country": "DE"}])]
_PRINTABLE: Final = r"^[^\x00-\x1f\x7f]+$"


class QuestionSent(Sent):
    """One lead or account to judge.

    Facts that cannot be read are never an error: they count as missing, and
    `data_problems` lists them.
    """

    rule_set: Slug | None = Field(
        default=None, description="Needed, except with a publishable key, which is bound to one."
    )
    lead: _Facts | None = Field(default=None, description="What is known of a lead.")
    account: _Facts | None = Field(default=None, description="What is known of an account.")
    account_key: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        pattern=_PRINTABLE,
        description=(
            "Instead of facts: the key of a stored account. It is judged on its stored facts, "
            "and the decision becomes its current assessment."
        ),
        examples=["north-haulage"],
    )
    external_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=255,
        pattern=_PRINTABLE,
        description="Your own id of the lead, to find its decisions again.",
        examples=["crm-4711"],
    )
    final: bool = Field(
        default=False, description="No more answers will come: the verdict is never `undecided`."
    )
    source: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        pattern=_PRINTABLE,
        description="Where the question came from.",
        examples=["pricing-page-form"],
    )
    dry_run: bool = Field(default=False, description="Decide, and store nothing.")
    explain: Literal["short", "full"] = Field(
        default="short", description="`full` adds the rules that were no or unknown."
    )
    at_version: int | None = Field(
        default=None, ge=1, le=2**31 - 1, description="This version instead of the live one."
    )


class LineSent(QuestionSent):
    """One element of a batch: a question, with an idempotency key of its own."""

    idempotency_key: str | None = Field(default=None, min_length=1, max_length=255)


class SubjectShown(Shown):
    """Who was judged: `external_id` as it was sent, `account` the key of a stored account."""

    kind: Literal["lead", "account"]
    external_id: str | None
    account: str | None


class VersionOf(Shown):
    """The rules that ran."""

    id: Slug
    version: int
    digest: Digest


class ScoreShown(Shown):
    """A score: between `low` and `high`, and `value` if nothing more is answered."""

    value: float
    low: float
    high: float


class EffectShown(Shown):
    """Points a rule moved a score by."""

    score: str
    points: float


class CheckShown(Shown):
    """One comparison of a rule, its result, and the values it read."""

    expression: str
    result: Truth
    values: dict[str, Any]


class ReasonShown(Shown):
    """One rule's part in a decision. A score's effects add up to its value."""

    rule: str = Field(examples=["medium"])
    kind: Literal["gate", "points", "limit", "outcome", "suspended"]
    result: Truth
    effect: EffectShown | None
    text: str
    tokens: list[dict[str, Any]] = Field(description="The words of `text`, typed.")
    checks: list[CheckShown]


class MissingShown(Shown):
    """A missing attribute that can still change the answer; `ask` is the question for it."""

    attribute: str
    label: str
    ask: str | None
    changes: Literal["verdict", "outcome"]
    swing: dict[str, float] = Field(description="By score, how far the answer can move it.")
    could_lead_to: list[Verdict] = Field(description="Verdicts that some answer settles alone.")


class NextShown(Shown):
    """What to do next, as the outcome's author wrote it; `ask` while undecided."""

    action: str | None
    url: str | None
    message: str | None
    assign: str | None


class DataProblemShown(Shown):
    """A value that could not be read and counts as missing; it is never repeated here."""

    attribute: str
    code: str
    message: str
    suggestion: str | None = None


class RulesOwn(Shown):
    """What the rules themselves decided."""

    verdict: Verdict
    outcome: str


class OverrideInForce(Shown):
    """A person's word: who decided otherwise, why and until when, and what the rules said."""

    id: str = Field(examples=["ovr_01m82amv90f7assrm6pf8d3pr0"])
    person: str
    reason: str
    expires_at: Instant | None
    rules: RulesOwn


_Override = Annotated[
    OverrideInForce | None,
    Field(
        description=(
            "Where a person decided otherwise: `verdict`, `outcome` and `next` are that "
            "person's then, everything else is the rules'."
        )
    ),
]


class SuspendedShown(Shown):
    """A part of the rules that counted as no: too many accounts share what it asks for."""

    part: str = Field(description="A rule's or gate's id, or `outcome:` and an outcome's.")
    suspension: str = Field(examples=["sus_01m82amv90f7assrm6pf8d3pr0"])
    cause: str


_Outcome = Annotated[
    str | None,
    Field(
        description="Null only where a person decided otherwise and named none.",
        examples=["tier_a"],
    ),
]


class DecisionShown(Shown):
    """A decision. Branch on `verdict`; `id` is null where nothing was stored."""

    id: DecisionId | None
    decided_at: Instant
    subject: SubjectShown
    verdict: Verdict
    outcome: _Outcome
    certain: bool = Field(description="No missing fact can still change the verdict.")
    outcome_certain: bool
    possible_outcomes: list[str]
    exact: bool
    scores: dict[str, ScoreShown]
    grades: dict[str, list[str]]
    reasons: list[ReasonShown]
    missing: list[MissingShown] = Field(description="The most decisive first.")
    next: NextShown
    data_problems: list[DataProblemShown]
    override: _Override
    suspended: list[SuspendedShown]
    rule_set: VersionOf
    summary: str


class NarrowNext(Shown):
    """What a web page is told to do next."""

    action: str | None
    url: str | None
    message: str | None


class QuestionToAsk(Shown):
    """A question still worth asking."""

    attribute: str
    label: str
    ask: str


class NarrowDecisionShown(Shown):
    """What a publishable key is told: nothing that the rules could be learnt from."""

    id: DecisionId
    verdict: Verdict
    next: NarrowNext
    missing: list[QuestionToAsk] = Field(description="The most decisive first.")


class DecisionHead(Shown):
    """What stays of a decision for ever, whether or not its facts were erased."""

    id: DecisionId
    decided_at: Instant
    subject: SubjectShown
    verdict: Verdict
    outcome: _Outcome
    certain: bool
    outcome_certain: bool
    scores: dict[str, ScoreShown]
    override: _Override
    suspended: list[SuspendedShown]
    rule_set: VersionOf
    final: bool
    source: str | None
    facts_erased_at: Instant | None


class DecisionPage(Shown):
    """Decisions, the newest first."""

    data: list[DecisionHead]
    next_cursor: str | None


class UnmeasuredShown(Shown):
    """Why a metric was not known."""

    attribute: str
    label: str
    code: Literal["not_reported", "no_events", "unsaid"] = Field(
        description=(
            "No source of the account reports one of `kinds`; none of them counts within the "
            "window; or one that counts does not say what is asked of it."
        )
    )
    kinds: list[str]
    message: str


class ExplanationForOps(DecisionShown):
    """The decision with every rule, and the facts it was made on."""

    facts: dict[str, Any]
    unmeasured: list[UnmeasuredShown] = Field(
        description="Of a stored account: the metrics that were not known."
    )


class ValueShown(Shown):
    """One of the person's own values."""

    label: str
    value: Any


class ExplanationForSubject(Shown):
    """What the person concerned may be told.

    `reasons` are the words that the rules' author wrote for people. No rule, score or
    threshold is named. Where a person decided otherwise, there are none: those words would
    explain another verdict.
    """

    id: DecisionId
    decided_at: Instant
    verdict: Verdict
    by_person: bool = Field(description="Whether a person decided, other than the rules did.")
    message: str | None
    url: str | None
    reasons: list[str]
    values: list[ValueShown]
    questions: list[str] = Field(description="What we would ask next.")


class ReplayAsked(Sent):
    """Nothing has to be said to replay a decision."""


class DifferenceShown(Shown):
    """A member that came out otherwise."""

    member: str
    stored: Any
    replayed: Any


class ReplayShown(Shown):
    """The same facts, version and clock, decided again: by the rules, without overrides."""

    identical: bool
    differences: list[DifferenceShown]
    decision: DecisionShown


class ResultShown(Shown):
    """What became of one element: a decision or a problem. `line` counts from 1."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    line: int
    replayed: bool = Field(default=False, description="Decided before, under the same key.")
    decision: DecisionShown | None = None
    problem: dict[str, Any] | None = None


class BatchShown(Shown):
    """One result for each element, in order."""

    data: list[ResultShown]
