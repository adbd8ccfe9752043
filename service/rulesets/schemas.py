"""Rule sets on the wire."""

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from service.rules.solver import Answer
from service.web import Instant, Sent, Shown

__all__ = [
    "CheckShown",
    "CommitAsked",
    "DraftHead",
    "DraftPage",
    "DraftPatch",
    "DraftSent",
    "DraftShown",
    "FrozenShown",
    "LiveShown",
    "ReleaseAsked",
    "ReleasePage",
    "ReleaseShown",
    "RuleSetAsked",
    "RuleSetPage",
    "RuleSetShown",
    "TryAsked",
    "TryShown",
    "VersionHead",
    "VersionPage",
    "VersionShown",
]

Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$", examples=["fleet_leads"])]
Note = Annotated[str, Field(max_length=2_000, examples=["mid-size fleets convert"])]
Source = Annotated[
    str,
    Field(description="The rule set as YAML or JSON text, kept as written."),
]
Document = Annotated[
    dict[str, Any], Field(description="The rule set as a JSON object instead of text.")
]
InquiryState = Literal["queued", "running", "done", "cancelled", "failed"]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class RuleSetAsked(Sent):
    """A rule set to be made, without rules yet."""

    rule_set: Slug
    subject: Literal["lead", "account"] = "lead"
    title: str = Field(default="", max_length=200, examples=["Fleets we repair"])


class LiveShown(Shown):
    """The version that is live at one instant."""

    version: int
    digest: Digest
    since: str


class FrozenShown(Shown):
    """Since when, by whom and why nobody can release."""

    at: str
    by: str
    reason: str


class RuleSetHead(Shown):
    """A rule set in a list."""

    rule_set: Slug
    id: str = Field(examples=["rs_01m82amv90f7assrm6pf8d3pr0"])
    subject: Literal["lead", "account"]
    title: str
    created_at: str
    created_by: str
    review_required: bool = Field(description="Whether each release needs an approved review.")
    frozen: FrozenShown | None = Field(description="Nobody can release while this is there.")


class RuleSetShown(RuleSetHead):
    """A rule set: its newest version, what is live, and who is editing what."""

    latest_version: int | None
    live: LiveShown | None = Field(description="At `at`, by default now; null before a release.")
    drafts: list[str]


class RuleSetPage(Shown):
    """Rule sets by id."""

    data: list[RuleSetHead]
    next_cursor: str | None


class DraftSent(Sent):
    """A draft's whole content: `source` or `document`."""

    source: Source | None = None
    document: Document | None = None
    note: Note | None = None

    @model_validator(mode="after")
    def _has_one(self) -> "DraftSent":
        """The content comes once."""
        if (self.source is None) == (self.document is None):
            raise ValueError("send one of source and document")
        return self


class DraftPatch(Sent):
    """What to change: a new text, a new note, or a merge patch of the document."""

    source: Source | None = None
    document: Document | None = Field(
        default=None, description="A JSON merge patch (RFC 7396); comments in YAML stay."
    )
    note: Note | None = None

    @model_validator(mode="after")
    def _has_something(self) -> "DraftPatch":
        """Text and patch exclude each other."""
        if self.source is not None and self.document is not None:
            raise ValueError("send source or document, not both")
        return self


class DraftHead(Shown):
    """A draft without its text. `etag` is what `If-Match` takes."""

    rule_set: Slug
    draft: str = Field(examples=["main"])
    etag: str = Field(examples=['"3"'])
    note: str | None
    base_version: int | None = Field(description="The version it was written on top of.")
    author: str
    created_at: str
    updated_at: str
    updated_by: str


class DraftShown(DraftHead):
    """A draft with its text as it was written."""

    source: str


class DraftPage(Shown):
    """Every draft of a rule set, by name."""

    data: list[DraftHead]


class ProblemInDraft(Shown):
    """One thing to mend, with its place."""

    code: str = Field(examples=["unknown-name"])
    severity: Literal["error", "warning"]
    message: str
    pointer: str
    line: int | None = None
    column: int | None = None
    suggestion: str | None = None


class TestShown(Shown):
    """How one of the rule set's own tests went."""

    __test__ = False

    name: str
    passed: bool
    differences: list[str]


class FindingsAttached(Shown):
    """What the solver finds in a draft: only what is probably not meant."""

    inquiry: str | None = Field(examples=["inq_01m82amv90f7assrm6pf8d3pr0"])
    state: InquiryState | None
    findings: list[Answer] = Field(description="Empty until the `state` is `done`.")
    words: str = Field(examples=["41 of 41 questions settled"])


class CheckShown(Shown):
    """Every problem of a draft at once, in the order of the text."""

    ok: bool = Field(description="Whether a commit would be accepted.")
    errors: int
    warnings: int
    problems: list[ProblemInDraft] = Field(description="The first 500; `errors` counts all.")
    tests: list[TestShown] = Field(description="Empty while the text cannot be used.")
    digest: Digest | None
    meaning: FindingsAttached | None = Field(
        description="What the solver finds; null while the text cannot be used."
    )


class TryAsked(Sent):
    """Facts to decide on, with nothing stored."""

    facts: dict[str, Any] = Field(examples=[{"vehicles": 120, "country": "DE"}])
    final: bool = False
    at: Instant | None = Field(default=None, description="The decision's clock; now by default.")
    explain: Literal["short", "full"] = "short"


class TryShown(Shown):
    """The decision a draft would make; it has no id, because it is not kept."""

    decision: dict[str, Any]
    digest: Digest


class CommitAsked(Sent):
    """What to say of the version; the draft's own note by default."""

    note: Note | None = None


class VersionHead(Shown):
    """A version in a list."""

    rule_set: Slug
    version: int
    id: str = Field(examples=["ver_01m82amv90f7assrm6pf8d3pr0"])
    digest: Digest
    logic_digest: Digest = Field(description="Without words, notes and tests.")
    author: str
    note: str | None
    base_version: int | None
    meaning: int
    created_at: str


class VersionShown(VersionHead):
    """A version with its document in canonical form, and the text it came from."""

    document: dict[str, Any]
    source: str


class VersionPage(Shown):
    """Versions, the newest first."""

    data: list[VersionHead]
    next_cursor: str | None


class ReleaseAsked(Sent):
    """A version to go live, or into the shadow. Rolling back is releasing an older one."""

    version: int = Field(ge=1, le=2**31 - 1)
    since: Instant | None = Field(
        default=None,
        alias="from",
        description="At the earliest two seconds from now. What a release needs is judged when"
        " it is written.",
    )
    mode: Literal["live", "shadow"] = Field(
        default="live", description="In the shadow it is judged beside the live one, unseen."
    )
    share: Annotated[float, Field(ge=0, le=1, examples=[0.25])] | None = Field(
        default=None,
        validate_default=True,
        description="For a shadow: of how many leads and accounts. 0 ends the shadow.",
    )
    reason: str = Field(min_length=1, max_length=2_000, examples=["Q3 review"])

    @field_validator("share")
    @classmethod
    def _only_for_a_shadow(cls, share: float | None, info: ValidationInfo) -> float | None:
        mode = info.data.get("mode")
        if mode == "shadow" and share is None:
            raise ValueError("a shadow needs a share between 0 and 1; add it")
        if mode == "live" and share is not None:
            raise ValueError("a live version decides everything; leave the share out")
        return share


class ReleaseShown(Shown):
    """One line of a rule set's history."""

    id: str = Field(examples=["rel_01m82amv90f7assrm6pf8d3pr0"])
    rule_set: Slug
    version: int
    mode: Literal["live", "shadow"]
    share: float | None = Field(description="Of a shadow; null for a live version.")
    effective_at: str
    created_at: str
    released_by: str
    reason: str
    approved_by: str | None
    review: str | None = Field(examples=["rev_01m82amv90f7assrm6pf8d3pr0"])


class ReleasePage(Shown):
    """Releases, the newest first; nothing in it ever changes."""

    data: list[ReleaseShown]
    next_cursor: str | None
