"""Why accounts moved between two statements: how much rules, data and time did.

Worked out once for all that moved and kept, because each takes eight evaluations. What is kept
of an account is exact of its step between groups, in sixths, and of scores the doubles that are
nearest.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

import anyio.to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from service.decisions import Several, read_several
from service.portfolio.reading import Terms
from service.rules.compare import CAUSES, Attribution, Cause
from service.rulesets import LiveRules

__all__ = ["SCORES", "SIXTHS", "Together", "Why", "added", "kept_of", "pairs_of", "why_moved"]
__all__ += ["why_of", "whys_of"]

Causes = Mapping[Cause, Fraction]

SIXTHS: Final = 6
"""A step between groups is shared in sixths: the Shapley value over three."""
SCORES: Final = ("value", "growth")


@dataclass(frozen=True, slots=True)
class Why:
    """Why one account moved: of the step to its group, and of the change of value and growth.

    *scores* has no entry for one that both versions do not have. *group* is None where it
    cannot be told, and *unknown* says why.
    """

    group: Causes | None
    scores: Mapping[str, Causes] = field(default_factory=dict)
    unknown: str | None = None


@dataclass(frozen=True, slots=True)
class Together:
    """What the causes did to some accounts together.

    *groups* is in accounts: the shares of the steps to another outcome, so that the three add
    up to how many changed it. *scores* is points of value and of growth, added up.
    """

    accounts: int
    unknown: int
    groups: Causes
    scores: Mapping[str, Causes]


async def why_moved(
    engine: AsyncEngine, moved: Sequence[Row[Any]], *, live: LiveRules, terms: Terms
) -> list[Why]:
    """Return why each account that is *moved* did, in order."""
    several = await read_several(engine, pairs_of(moved), live=live)
    return await anyio.to_thread.run_sync(whys_of, several, terms)


def pairs_of(moved: Sequence[Row[Any]]) -> list[tuple[UUID | None, UUID | None]]:
    """Return the decisions between which each account moved."""
    return [(row.decision_before, row.decision_after) for row in moved]


def whys_of(several: Several, terms: Terms) -> list[Why]:
    """Return why each moved, of value and growth by the *terms* of the later statement."""
    scores = {"value": terms.value_score, "growth": terms.growth_score}
    return [_why(one, scores) for one in several.told()]


def _why(told: Attribution | str, scores: Mapping[str, str]) -> Why:
    if isinstance(told, str):
        return Why(None, unknown=told)
    found = {score: told.scores[name] for score, name in scores.items() if name in told.scores}
    return Why(told.outcome, found)


def kept_of(why: Why) -> dict[str, Any]:
    """Return *why* as it is kept."""
    if why.group is None:
        return {"unknown": why.unknown}
    group = {cause: int(share * SIXTHS) for cause, share in why.group.items()}
    scores = {
        score: {cause: float(share) for cause, share in shares.items()}
        for score, shares in why.scores.items()
    }
    return {"group": group, **scores}


def why_of(kept: Mapping[str, Any]) -> Why:
    """Return what `kept_of` kept."""
    if "unknown" in kept:
        return Why(None, unknown=kept["unknown"])
    group = {cause: Fraction(kept["group"][cause], SIXTHS) for cause in CAUSES}
    scores = {
        score: {cause: Fraction(kept[score][cause]) for cause in CAUSES}
        for score in SCORES
        if score in kept
    }
    return Why(group, scores)


def added(parts: Sequence[Together]) -> Together:
    """Return what the causes did to all of them."""
    return Together(
        accounts=sum(part.accounts for part in parts),
        unknown=sum(part.unknown for part in parts),
        groups={cause: _sum(part.groups[cause] for part in parts) for cause in CAUSES},
        scores={
            score: {cause: _sum(part.scores[score][cause] for part in parts) for cause in CAUSES}
            for score in SCORES
        },
    )


def _sum(fractions: Iterable[Fraction]) -> Fraction:
    return sum(fractions, Fraction(0))
