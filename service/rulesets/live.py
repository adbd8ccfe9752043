"""Which version is live at an instant, compiled once per process and kept.

Versions are immutable and stay compiled; the list of releases is asked for again after a
second. A release takes effect more than a second after its commit, so every process
knows of it before it counts. Only a rule set's very first release counts at once.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from service.rules import RuleSet
from service.rulesets import store
from service.rulesets.checking import compile_source
from service.storage import transaction
from service.web import Refusal

__all__ = ["LiveRules", "NotLive", "RuleSetNotFound", "Running", "VersionNotFound"]

FRESH_S: Final = 1.0
_KEPT_VERSIONS: Final = 512


class RuleSetNotFound(Refusal):
    """No rule set has this id."""

    code: ClassVar[str] = "rule_set_not_found"

    def __init__(self) -> None:
        super().__init__("there is no rule set with this id; GET /v1/rule-sets lists them")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A version ready to decide. *epoch* is that of the releases it was chosen from."""

    rules: RuleSet
    slug: str
    version: int
    digest: str
    epoch: int


@dataclass(frozen=True, slots=True)
class _Step:
    """From *since* on, this version is live."""

    since: datetime
    version: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Timeline:
    """A rule set's live releases in the order in which they take effect."""

    steps: tuple[_Step, ...]
    epoch: int
    read_s: float

    def at(self, instant: datetime) -> _Step | None:
        index = bisect_right(self.steps, instant, key=lambda step: step.since)
        return self.steps[index - 1] if index else None


class LiveRules:
    """The rule sets of one process. *timer* is a monotonic clock in seconds."""

    def __init__(self, engine: AsyncEngine, *, timer: Callable[[], float]) -> None:
        self._engine = engine
        self._timer = timer
        self._timelines: dict[str, _Timeline] = {}
        self._versions: dict[tuple[str, int], RuleSet] = {}
        self._asking: dict[tuple[str, int | None], asyncio.Task[None]] = {}

    async def version_at(self, slug: str, at: datetime) -> Running:
        """Return the version of *slug* that is live at *at*.

        Raises:
            RuleSetNotFound: If there is no such rule set.
            NotLive: If nothing of it was live at *at*.
        """
        timeline = self._timelines.get(slug)
        step = None
        if timeline is not None and self._timer() - timeline.read_s < FRESH_S:
            step = timeline.at(at)
        if timeline is None or step is None:
            # "Nothing is live" is never answered from memory: a first release counts at once.
            await self._once((slug, None))
            timeline = self._timelines[slug]
            step = timeline.at(at)
            if step is None:
                raise NotLive
        rules = self._versions.get((slug, step.version))
        if rules is None:
            await self._once((slug, step.version))
            rules = self._versions[slug, step.version]
        return Running(
            rules=rules,
            slug=slug,
            version=step.version,
            digest=step.digest,
            epoch=timeline.epoch,
        )

    async def version(self, slug: str, number: int) -> Running:
        """Return one version of *slug*, live or not: for replays and `at_version`.

        Raises:
            RuleSetNotFound: If there is no such rule set.
            VersionNotFound: If it has no such version.
        """
        if (slug, number) not in self._versions:
            await self._once((slug, number))
        rules = self._versions[slug, number]
        return Running(rules=rules, slug=slug, version=number, digest=rules.digest, epoch=0)

    def forget_releases(self) -> None:
        """Ask for every rule set's releases anew; for this process's own releases."""
        self._timelines.clear()

    async def _once(self, wanted: tuple[str, int | None]) -> None:
        """Read or compile what is *wanted*, once for all who ask meanwhile."""
        task = self._asking.get(wanted)
        if task is None:
            slug, number = wanted
            work = self._read(slug) if number is None else self._compile(slug, number)
            task = asyncio.ensure_future(work)
            self._asking[wanted] = task
            task.add_done_callback(lambda done: self._done(wanted, done))
        # A caller who leaves must not take the answer from the others.
        await asyncio.shield(task)

    def _done(self, wanted: tuple[str, int | None], task: asyncio.Task[None]) -> None:
        self._asking.pop(wanted, None)
        if not task.cancelled():
            task.exception()

    async def _read(self, slug: str) -> None:
        read_s = self._timer()
        async with transaction(self._engine) as connection:
            # The epoch first: releases read after it may only be newer than it says.
            epoch = await store.read_epoch(connection)
            rows = await store.read_releases(connection, slug)
            if not rows and await store.find_rule_set(connection, slug) is None:
                self._timelines.pop(slug, None)
                raise RuleSetNotFound
        steps = tuple(_Step(row.effective_at, row.version, row.digest) for row in rows)
        self._timelines[slug] = _Timeline(steps=_in_force(steps), epoch=epoch, read_s=read_s)

    async def _compile(self, slug: str, number: int) -> None:
        async with transaction(self._engine) as connection:
            row = await store.find_version(connection, slug, number=number)
            if row is None:
                is_there = await store.find_rule_set(connection, slug) is not None
                raise VersionNotFound if is_there else RuleSetNotFound
        rules = await compile_source(row.canonical)
        while len(self._versions) >= _KEPT_VERSIONS:
            del self._versions[next(iter(self._versions))]
        self._versions[slug, number] = rules


def _in_force(steps: Sequence[_Step]) -> tuple[_Step, ...]:
    """Of several releases effective at one instant keep the last, which counts."""
    kept = {step.since: step for step in steps}
    return tuple(kept.values())
