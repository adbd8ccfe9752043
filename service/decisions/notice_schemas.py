"""Notices on the wire."""

from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import Row

from service.storage import to_text
from service.web import Sent, Shown, rfc3339

__all__ = ["ClosingSent", "NoticeKind", "NoticePage", "NoticeShown", "notice_told"]

NoticeKind = Literal["rule_set.drifted"]


class ClosingSent(Sent):
    """Why a notice needs nobody any more."""

    reason: Annotated[str, Field(min_length=1, max_length=1_000, examples=["the form is mended"])]


class SideShown(Shown):
    """How many of the sampled decisions it was."""

    share: float
    count: int
    of: int


class MixShown(Shown):
    """One name of a mix, its share before and now, and how many decisions those are."""

    name: str = Field(examples=["disqualify"])
    before: float
    after: float
    count_before: int
    count_after: int


class NoticeShown(Shown):
    """Something that Goodfit noticed by itself."""

    id: str = Field(examples=["ntc_01m82amv90f7assrm6pf8d3pr0"])
    kind: NoticeKind
    rule_set: str = Field(examples=["fleet_leads"])
    topic: str = Field(
        examples=["missing/vehicles"], description="`verdicts`, or `missing/` and an attribute."
    )
    attribute: str | None
    state: Literal["open", "closed"]
    summary: str
    version: int = Field(description="The version that was live when it was last looked at.")
    moved: str = Field(description="What moved most: a verdict, or `missing`.")
    before: SideShown
    after: SideShown
    mix: list[MixShown]
    new_names: list[str] = Field(description="Undeclared names that are sent since.")
    since: str = Field(description="The first hour in which it was no longer as before.")
    first_at: str = Field(description="When it was noticed.")
    last_at: str = Field(description="When it was last seen so.")
    closed_at: str | None
    closed_by: str | None = Field(description="A person, or `goodfit` where it was over.")
    closed_reason: str | None


class NoticePage(Shown):
    """Notices, the newest first."""

    data: list[NoticeShown]
    next_cursor: str | None


def notice_told(row: Row[Any]) -> dict[str, Any]:
    """Return a notice as JSON members."""
    return {
        "id": to_text("ntc", row.id),
        "kind": row.kind,
        "rule_set": row.rule_set,
        "topic": row.topic,
        "state": "open" if row.closed_at is None else "closed",
        **row.payload,
        "first_at": rfc3339(row.first_at),
        "last_at": rfc3339(row.last_at),
        "closed_at": None if row.closed_at is None else rfc3339(row.closed_at),
        "closed_by": row.closed_by,
        "closed_reason": row.closed_reason,
    }
