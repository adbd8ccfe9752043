"""Decisions as shadows get them, made up: for tests of the queue and of what is written."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from service.decisions.comparing import Disagreement, Held, Original
from service.rulesets import Shadow

__all__ = ["NOON", "disagreement", "held", "original", "shadow"]

NOON: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)


def shadow(version: int = 1, *, share: float = 1.0, release: int = 1) -> Shadow:
    """Return a version in the shadow since noon."""
    return Shadow(
        version=version,
        digest=f"sha256:{version:064x}",
        release_id=UUID(int=release),
        share=share,
        since=NOON,
    )


def original(
    number: int = 1,
    *,
    shadows: Sequence[Shadow] = (shadow(),),
    facts: dict[str, object] | None = None,
) -> Original:
    """Return a decision of the worked example, so many seconds after noon."""
    return Original(
        decision_id=UUID(int=number),
        decided_at=NOON + timedelta(seconds=number),
        rule_set="fleet_leads",
        live_version=1,
        facts=json.dumps(facts or {}).encode(),
        final=False,
        suspended=(),
        verdict="qualify",
        outcome="tier_a",
        scores={},
        shadows=tuple(shadows),
    )


def disagreement(of: Original, shadow: Shadow) -> Disagreement:
    """Return that *shadow* would have had a look instead."""
    return Disagreement(
        decided_at=of.decided_at,
        decision_id=of.decision_id,
        release_id=shadow.release_id,
        rule_set=of.rule_set,
        version=shadow.version,
        live_version=of.live_version,
        verdict_before=of.verdict,
        outcome_before=of.outcome,
        verdict="review",
        outcome="tier_b",
        scores="{}",
        facts="{}",
    )


def held(of: Original, shadow: Shadow, *, is_alike: bool = True) -> Held:
    """Return what *shadow* made of a decision, in ten microseconds."""
    return Held(
        original=of,
        shadow=shadow,
        took_us=10,
        verdict=of.verdict if is_alike else "review",
        outcome=of.outcome if is_alike else "tier_b",
        disagreement=None if is_alike else disagreement(of, shadow),
    )
