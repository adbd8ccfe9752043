"""Rescorings on the wire."""

from typing import Literal

from pydantic import Field

from service.web import Sent, Shown

__all__ = ["RescoringPage", "RescoringSent", "RescoringShown"]


class RescoringSent(Sent):
    """How to rescore."""

    dry_run: bool = Field(
        default=False, description="Count what would change, and write no decision."
    )


class ProgressShown(Shown):
    """How many accounts were looked at, and of how many; null until they are counted."""

    done: int
    total: int | None


class AccountMovement(Shown):
    """How many accounts went from one verdict to another, or stayed."""

    before: str | None = Field(description="Null for accounts that were never decided.")
    after: str
    accounts: int


class RescoredShown(Shown):
    """What became of the accounts so far; each counts once."""

    written: int = Field(description="New decisions; those that there would be, in a dry run.")
    unchanged: int = Field(description="Stand as before, under the same version.")
    later: int = Field(
        description="Decided later, so that the decision as of the instant only stands before it; "
        "or removed or erased meanwhile."
    )
    verdicts_changed: int
    verdicts: list[AccountMovement] = Field(description="Of what was written.")


class RescoringShown(Shown):
    """Every stored account decided anew, by one version and at one instant."""

    id: str = Field(examples=["rsc_01m86e81e0e00aevvfchk6jx11"])
    rule_set: str
    version: int
    digest: str
    at: str = Field(description="The instant of all its decisions.")
    dry_run: bool
    state: Literal["queued", "running", "done", "cancelled", "failed"]
    progress: ProgressShown
    result: RescoredShown | None = Field(description="Null until some were looked at.")
    failure: str | None = Field(description="In words, where it failed.")
    cause: Literal["request", "release", "daily", "change", "import"] = Field(
        description=(
            "What set it off: somebody, a release, the passing of time, something said of a "
            "source, or more changes than are assessed one by one."
        )
    )
    asked_by: str
    created_at: str
    started_at: str | None
    finished_at: str | None


class RescoringPage(Shown):
    """Rescorings, the newest first."""

    data: list[RescoringShown]
    next_cursor: str | None
