"""Suspensions on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import Row

from service.decisions.schemas import Instant as InstantShown
from service.decisions.schemas import Slug
from service.decisions.suspension_store import is_in_force
from service.storage import to_text
from service.web import Sent, Shown, rfc3339

__all__ = ["EndingSent", "SuspensionPage", "SuspensionShown", "suspension_told"]


class EndingSent(Sent):
    """Why a suspension ends."""

    reason: Annotated[
        str,
        Field(
            min_length=1,
            max_length=2_000,
            pattern=r"\S",
            description="For whoever wonders later. It is told to nobody outside.",
            examples=["the cohort was sold another product; this is theirs after all"],
        ),
    ]


class GroupShown(Shown):
    """Accounts with one value of a slice."""

    slice: str = Field(examples=["cohort"])
    value: str = Field(examples=["2026-Q1"])


class SuspensionEndShown(Shown):
    """Who ended a suspension and why."""

    at: InstantShown
    by: str
    reason: str


class SuspensionShown(Shown):
    """A part of a rule set that counts as no for the accounts of a group, while it lasts."""

    id: str = Field(examples=["sus_01m82amv90f7assrm6pf8d3pr0"])
    rule_set: Slug
    part: str = Field(
        description="A rule's or gate's id, or `outcome:` and an outcome's.",
        examples=["much_custom_work"],
    )
    group: GroupShown | None = Field(description="Null stands for all accounts.")
    cause: str
    evidence: dict[str, Any] | None = Field(description="What showed it, in numbers.")
    made_by: str
    since: InstantShown
    until: InstantShown | None
    state: Literal["in_force", "over", "ended"]
    ended: SuspensionEndShown | None


class SuspensionPage(Shown):
    """Suspensions, the newest first."""

    data: list[SuspensionShown]
    next_cursor: str | None


def suspension_told(row: Row[Any], *, at: datetime) -> dict[str, Any]:
    """Return a suspension as it stands at *at*."""
    is_ended = row.ended_at is not None
    state = "ended" if is_ended else "in_force" if is_in_force(row, at=at) else "over"
    ended = {"by": row.ended_by, "reason": row.ended_reason}
    return {
        "id": to_text("sus", row.id),
        "rule_set": row.rule_set,
        "part": row.part,
        "group": None if row.slice == "" else {"slice": row.slice, "value": row.value},
        "cause": row.cause,
        "evidence": row.evidence,
        "made_by": row.made_by,
        "since": rfc3339(row.since),
        "until": None if row.until is None else rfc3339(row.until),
        "state": state,
        "ended": {"at": rfc3339(row.ended_at), **ended} if is_ended else None,
    }
