"""Which version is live at an instant, compiled once per process and kept.

Versions are immutable and stay compiled; the list of releases, and with it what is in the
shadow, is asked for again after a second. A release takes effect more than a second after
its commit, so every process knows of it before it counts. Only a rule set's very first
release counts at once.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Coroutine, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import ClassVar, Final, TypeVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.rules import RuleSet
from service.rulesets import store
from service.rulesets.checking import compile_source
from service.rulesets.missing import RuleSetNotFound, no_rule_set
from service.rulesets.shadows import Period, Shadow, periods_of, shadows_among, shadows_at
from service.storage import transaction
from service.web import Refusal

__all__ = ["LiveRules", "NotLive", "RuleSetNotFound", "Running", "VersionNotFound"]
__all__ += ["LiveSince", "live_for_accounts", "shadow_releases"]

FRESH_S: Final = 1.0
AHEAD_S: Final = 0.75
"""From this age on releases in use are read again beside the requests, so that none waits."""
_KEPT_VERSIONS: Final = 512

Wanted = TypeVar("Wanted", bound=Hashable)
Found = TypeVar("Found")


class VersionNotFound(Refusal):
    """The rule set has no version with this number."""

    code: ClassVar[str] = "version_not_found"

    def __init__(self) -> None:
        super().__init__("the rule set has no such version; GET its /versions for a list")


class NotLive(Refusal):
    """The rule set exists, and no version of it was live at that instant."""

    code: ClassVar[str] = "not_live"

    def __init__(self) -> None:
        super().__init__("no version of this rule set is live yet; release one")


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A version ready to decide. *epoch* is that of the releases it was chosen from.

    *shadows* are other versions in the shadow at that instant; none where it was asked
    for by number.
    """

    rules: RuleSet
    slug: str
    version: int
    digest: str
    epoch: int
    shadows: tuple[Shadow, ...] = ()


@dataclass(frozen=True, slots=True)
class _Step:
    """From *since* on, this version is live."""

    since: datetime
    version: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Timeline:
    """A rule set's releases in the order in which they take effect."""

    steps: tuple[_Step, ...]
    periods: tuple[Period, ...]
    epoch: int
    read_s: float

    def at(self, instant: datetime) -> _Step | None:
        last = self.steps[-1] if self.steps else None
        if last is None or last.since <= instant:  # nearly always the last release counts
            return last
        index = bisect_right(self.steps, instant, key=lambda step: step.since)
        return self.steps[index - 1] if index else None

    def running(self, step: _Step, instant: datetime, *, rules: RuleSet, slug: str) -> Running:
        """Return the version that is live from *step* on, with what is in the shadow then."""
        return Running(
            rules=rules,
            slug=slug,
            version=step.version,
            digest=step.digest,
            epoch=self.epoch,
            shadows=self.beside(step, instant),
        )

    def beside(self, step: _Step, instant: datetime) -> tuple[Shadow, ...]:
        """Return what is in the shadow, without what is live: it would only see itself."""
        if not self.periods:
            return ()
        there = shadows_at(self.periods, instant)
        return tuple(shadow for shadow in there if shadow.version != step.version)


class LiveRules:
    """The rule sets of one process. *timer* is a monotonic clock in seconds."""

    def __init__(self, engine: AsyncEngine, *, timer: Callable[[], float]) -> None:
        self._engine = engine
        self._timer = timer
        self._timelines: dict[str, _Timeline] = {}
        self._versions: dict[tuple[str, int], RuleSet] = {}
        self._reading: dict[str, asyncio.Task[_Timeline]] = {}
        self._compiling: dict[tuple[str, int], asyncio.Task[RuleSet]] = {}

    async def version_at(self, slug: str, at: datetime) -> Running:
        """Return the version of *slug* that is live at *at*.

        Raises:
            RuleSetNotFound: If there is no such rule set.
            NotLive: If nothing of it was live at *at*.
        """
        known = self.known_at(slug, at)
        if known is not None:
            return known
        timeline = self._fresh(slug)
        step = None if timeline is None else timeline.at(at)
        if timeline is None or step is None:
            # "Nothing is live" is never answered from memory: a first release counts at once.
            timeline = await _shared(self._reading, slug, work=partial(self._read, slug))
            step = timeline.at(at)
            if step is None:
                raise NotLive
        rules = await self._compiled(slug, step.version)
        return timeline.running(step, at, rules=rules, slug=slug)

    def known_at(self, slug: str, at: datetime) -> Running | None:
        """Return what `version_at` does where that takes no waiting; else None."""
        timeline = self._fresh(slug)
        step = None if timeline is None else timeline.at(at)
        if timeline is None or step is None:
            return None
        rules = self._versions.get((slug, step.version))
        return None if rules is None else timeline.running(step, at, rules=rules, slug=slug)

    async def version(self, slug: str, number: int) -> Running:
        """Return one version of *slug*, live or not: for replays and `at_version`.

        Raises:
            RuleSetNotFound: If there is no such rule set.
            VersionNotFound: If it has no such version.
        """
        rules = await self._compiled(slug, number)
        return Running(rules=rules, slug=slug, version=number, digest=rules.digest, epoch=0)

    async def check_there(self, slug: str, at: datetime) -> None:
        """Check that there is a rule set *slug*, whether or not anything of it is live at *at*.

        Raises:
            RuleSetNotFound: If there is none.
        """
        try:
            await self.version_at(slug, at)
        except NotLive:
            return

    def forget_releases(self, slug: str | None = None) -> None:
        """Ask for the releases anew: those of *slug* after one of its own, else all.

        What is being read already is not kept: it may be from before the release.
        """
        if slug is not None:
            self._timelines.pop(slug, None)
            self._reading.pop(slug, None)
            return
        self._timelines.clear()
        self._reading.clear()

    def confirm(self, epoch: int, at_s: float) -> None:
        """Take note that no release was made since *epoch* at *at_s* or before."""
        for slug, timeline in self._timelines.items():
            if timeline.epoch == epoch and timeline.read_s < at_s:
                self._timelines[slug] = replace(timeline, read_s=at_s)

    def _fresh(self, slug: str) -> _Timeline | None:
        """Return the releases as they were read less than a second ago; None without them."""
        timeline = self._timelines.get(slug)
        if timeline is None or (age_s := self._timer() - timeline.read_s) >= FRESH_S:
            return None
        if age_s >= AHEAD_S:
            _task(self._reading, slug, work=partial(self._read, slug))
        return timeline

    async def _compiled(self, slug: str, number: int) -> RuleSet:
        wanted = (slug, number)
        rules = self._versions.get(wanted)
        if rules is None:
            compile_it = partial(self._compile, slug, number)
            rules = await _shared(self._compiling, wanted, work=compile_it)
        return rules

    async def _read(self, slug: str) -> _Timeline:
        read_s = self._timer()
        async with transaction(self._engine) as connection:
            # The epoch first: releases read after it may only be newer than it says.
            epoch = await store.read_epoch(connection)
            rows = await store.read_releases(connection, slug)
            if not rows and await store.find_rule_set(connection, slug) is None:
                self._timelines.pop(slug, None)
                raise await no_rule_set(connection, slug)
        live = [row for row in rows if row.mode == "live"]
        steps = tuple(_Step(row.effective_at, row.version, row.digest) for row in live)
        periods = periods_of(shadows_among(rows))
        timeline = _Timeline(steps=_in_force(steps), periods=periods, epoch=epoch, read_s=read_s)
        if self._reading.get(slug) is asyncio.current_task():
            self._timelines[slug] = timeline
        return timeline

    async def _compile(self, slug: str, number: int) -> RuleSet:
        async with transaction(self._engine) as connection:
            row = await store.find_version(connection, slug, number=number)
            if row is None:
                is_there = await store.find_rule_set(connection, slug) is not None
                raise VersionNotFound if is_there else await no_rule_set(connection, slug)
        rules = await compile_source(row.canonical)
        while len(self._versions) >= _KEPT_VERSIONS:
            del self._versions[next(iter(self._versions))]
        self._versions[slug, number] = rules
        return rules


async def _shared(
    asking: dict[Wanted, asyncio.Task[Found]],
    wanted: Wanted,
    *,
    work: Callable[[], Coroutine[None, None, Found]],
) -> Found:
    """Return what *work* finds, which is done once for all who want it meanwhile."""
    # A caller who leaves must not take the answer from the others.
    return await asyncio.shield(_task(asking, wanted, work=work))


def _task(
    asking: dict[Wanted, asyncio.Task[Found]],
    wanted: Wanted,
    *,
    work: Callable[[], Coroutine[None, None, Found]],
) -> asyncio.Task[Found]:
    """Return the task that does *work*, begun now where nobody else wants the same."""
    task = asking.get(wanted)
    if task is None:
        task = asyncio.create_task(work())
        asking[wanted] = task
        task.add_done_callback(lambda done: _over(asking, wanted, done))
    return task


def _over(
    asking: dict[Wanted, asyncio.Task[Found]], wanted: Wanted, task: asyncio.Task[Found]
) -> None:
    if asking.get(wanted) is task:
        del asking[wanted]
    if not task.cancelled():
        task.exception()


@dataclass(frozen=True, slots=True)
class LiveSince:
    """A rule set of which the version that is live has been so *since* an instant."""

    slug: str
    since: datetime


async def live_for_accounts(connection: AsyncConnection, at: datetime) -> tuple[LiveSince, ...]:
    """Return the rule sets that judge accounts and of which a version is live at *at*."""
    rows = await store.list_live_of_accounts(connection, at)
    return tuple(LiveSince(row.rule_set, row.since) for row in rows)


async def shadow_releases(connection: AsyncConnection, slug: str) -> tuple[Shadow, ...]:
    """Return every shadow release of *slug* in the order in which they take effect.

    Raises:
        RuleSetNotFound: If there is no such rule set.
    """
    rows = await store.read_releases(connection, slug)
    if not rows and await store.find_rule_set(connection, slug) is None:
        raise await no_rule_set(connection, slug)
    return shadows_among(rows)


def _in_force(steps: Sequence[_Step]) -> tuple[_Step, ...]:
    """Of several releases effective at one instant keep the last, which counts."""
    kept = {step.since: step for step in steps}
    return tuple(kept.values())
