"""Why accounts moved between two statements: how much rules, data and time did."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from service.decisions import (
    DecisionNotFound,
    Desk,
    FactsErased,
    NotReplayable,
    attribute,
    existing_decision,
)
from service.rules.compare import CAUSES, Attribution, Cause

__all__ = ["Together", "Why", "together_of", "why_moved"]


@dataclass(frozen=True, slots=True)
class Why:
    """Why one account moved; *unknown* says why that cannot be told."""

    attribution: Attribution | None
    unknown: str | None = None


@dataclass(frozen=True, slots=True)
class Together:
    """What the causes did to some accounts together.

    *groups* is in accounts: the shares of the steps to another outcome, so that the three add
    up to how many changed it. *scores* is points of value and of growth, added up.
    """

    accounts: int
    unknown: int
    groups: Mapping[Cause, Fraction]
    scores: Mapping[str, Mapping[Cause, Fraction]] = field(default_factory=dict)


async def why_moved(moved: Sequence[Row[Any]], *, desk: Desk) -> list[Why]:
    """Return why each account that is *moved* did, in order; each from eight evaluations."""
    return [await _why(row.decision_before, row.decision_after, desk=desk) for row in moved]


async def _why(before_id: UUID | None, after_id: UUID | None, *, desk: Desk) -> Why:
    if before_id is None or after_id is None:
        return Why(None, "not_assessed")
    try:
        before = await existing_decision(before_id, desk)
        after = await existing_decision(after_id, desk)
        return Why((await attribute(before, after, desk=desk)).attribution)
    except (DecisionNotFound, FactsErased, NotReplayable) as refusal:
        return Why(None, refusal.code)


def together_of(found: Iterable[Why], *, scores: Sequence[str]) -> Together:
    """Return what the causes did to all of them, exactly."""
    every = list(found)
    known = [one.attribution for one in every if one.attribution is not None]
    return Together(
        accounts=len(every),
        unknown=len(every) - len(known),
        groups={cause: _sum(one.outcome[cause] for one in known) for cause in CAUSES},
        scores={
            name: {
                cause: _sum(one.scores[name][cause] for one in known if name in one.scores)
                for cause in CAUSES
            }
            for name in scores
        },
    )


def _sum(fractions: Iterable[Fraction]) -> Fraction:
    return sum(fractions, Fraction(0))
