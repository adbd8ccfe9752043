"""Which versions are in the shadow at an instant, and for which share of subjects.

A version in the shadow is judged beside the live one and answers nobody. The newest of
its shadow releases decides its share, and a share of nought ends it.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rulesets import store
from service.web import Fault, Refusal

__all__ = ["MOST_SHADOWS", "NoShadow", "Period", "Shadow", "TooManyShadows"]
__all__ += ["check_shadow", "periods_of", "shadows_among", "shadows_at"]

MOST_SHADOWS: Final = 5
"""How many versions of one rule set may be in the shadow at once."""


class TooManyShadows(Refusal):
    """As many versions are in the shadow already as may be."""

    code: ClassVar[str] = "too_many_shadows"


class NoShadow(Refusal):
    """A shadow is to end that is not there."""

    code: ClassVar[str] = "no_shadow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """One shadow release: from *since* on, *version* is judged on that *share* of subjects."""

    version: int
    digest: str
    release_id: UUID
    share: float
    since: datetime


@dataclass(frozen=True, slots=True)
class Period:
    """From *since* on, these are in the shadow, by version."""

    since: datetime
    shadows: tuple[Shadow, ...]


def periods_of(releases: Iterable[Shadow]) -> tuple[Period, ...]:
    """Return what is in the shadow when, for releases in the order in which they take effect."""
    in_force: dict[int, Shadow] = {}
    periods: dict[datetime, Period] = {}
    for one in releases:
        in_force.pop(one.version, None)
        if one.share > 0:
            in_force[one.version] = one
        periods[one.since] = Period(one.since, tuple(in_force[v] for v in sorted(in_force)))
    return tuple(periods.values())


def shadows_at(periods: Sequence[Period], at: datetime) -> tuple[Shadow, ...]:
    """Return what is in the shadow at *at*."""
    index = bisect_right(periods, at, key=lambda period: period.since)
    return periods[index - 1].shadows if index else ()


def shadows_among(releases: Iterable[Row[*tuple[Any, ...]]]) -> tuple[Shadow, ...]:
    """Return the shadow releases among stored *releases*, in their order."""
    return tuple(
        Shadow(
            version=row.version,
            digest=row.digest,
            release_id=row.id,
            share=row.share,
            since=row.effective_at,
        )
        for row in releases
        if row.mode == "shadow"
    )


async def check_shadow(connection: AsyncConnection, slug: str, *, new: Shadow) -> None:
    """Check that *new* may be released; the transaction has locked the rule set.

    Raises:
        NoShadow: If it ends what is not in the shadow by then.
        TooManyShadows: If there would be too many at any time from then on.
    """
    before = shadows_among(await store.read_releases(connection, slug))
    is_there = any(one.version == new.version for one in shadows_at(periods_of(before), new.since))
    if new.share == 0 and not is_there:
        words = "this version is not in the shadow; GET the rule set's /shadows for those that are"
        fault = Fault(code="no_shadow", message=words, pointer="/version")
        raise NoShadow(words, faults=[fault])
    periods = periods_of(sorted((*before, new), key=lambda one: one.since))
    if any(len(p.shadows) > MOST_SHADOWS for p in periods if p.since >= new.since):
        words = f"at most {MOST_SHADOWS} versions may be in the shadow at once; end one of them"
        fault = Fault(code="too_many_shadows", message=words, pointer="/version")
        raise TooManyShadows(words, faults=[fault])
