"""A person's word: where it is in force it is what an answer says, beside the rules' own."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from service.rules import Decision
from service.rules.decided import Next
from service.storage import to_text
from service.web import rfc3339

__all__ = ["InForce", "Said", "override_shown", "said_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """What a person decided otherwise, as it stands in an answer.

    *outcome* is None where the person named none.
    """

    id: UUID
    verdict: str
    outcome: str | None
    next: Next
    reason: str
    person: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer says: the person's word where there is one, else the rules'."""

    verdict: str
    outcome: str | None
    next: Next


def said_of(decision: Decision, override: InForce | None) -> Said:
    """Return what to say of *decision*."""
    if override is None:
        return Said(decision.verdict, decision.outcome, decision.next)
    return Said(override.verdict, override.outcome, override.next)


def override_shown(
    override: InForce | None, *, verdict: str, outcome: str
) -> dict[str, Any] | None:
    """Return who said so and why, and the rules' own *verdict* and *outcome*."""
    if override is None:
        return None
    expires_at = override.expires_at
    return {
        "id": to_text("ovr", override.id),
        "person": override.person,
        "reason": override.reason,
        "expires_at": None if expires_at is None else rfc3339(expires_at),
        "rules": {"verdict": verdict, "outcome": outcome},
    }
