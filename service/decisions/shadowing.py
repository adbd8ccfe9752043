"""Judge shadows after the answer: what was decided waits in memory, and nobody waits for it.

A task beside the requests takes what waits, holds the versions in the shadow against it in
one thread, and writes down about once a second what it found. Where too much waits it is
dropped and counted; what a process had not written when it died is lost. A comparison is
worth that: an answer never waits for one and never depends on one.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from time import thread_time
from typing import Final

import anyio
import anyio.to_thread

from service.decisions import shadow_store
from service.decisions.comparing import Held, Original, failed, hold, kind_of
from service.decisions.shadow_counting import Findings
from service.rules import RuleSet
from service.rulesets import LiveRules
from service.storage import DatabaseNotMigrated, DatabaseUnavailable, transaction
from service.web import House, journal, stack_of

__all__ = ["Bounds", "Shadows", "shadowing"]

_AT_ONCE: Final = 64
_AGAIN_S: Final = 60.0
_log = journal("shadows")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much may wait, and how long things take.

    At most *decisions* wait, with facts of *facts_bytes* in all. The thread judges for
    about *chunk_s* at a time and then rests as long, so that shadows never take more than
    half of what the requests could have. *closing_s* is what is left at the end.
    """

    decisions: int = 2_000
    facts_bytes: int = 32 * 1024 * 1024
    chunk_s: float = 0.002
    written_every_s: float = 1.0
    closing_s: float = 2.0


@dataclass(slots=True)
class _Sent:
    """What was on its way to the database when the way broke; *number* is the transaction's."""

    found: Findings
    number: str | None = None


class Shadows:
    """The shadows of one process. *timer* is a monotonic clock in seconds."""

    def __init__(
        self,
        house: House,
        live: LiveRules,
        *,
        timer: Callable[[], float],
        bounds: Bounds | None = None,
    ) -> None:
        self._house = house
        self._live = live
        self._timer = timer
        self._bounds = bounds or Bounds()
        self._waiting: deque[Original] = deque()
        self._bytes = 0
        self._is_some = asyncio.Event()
        self._found = Findings()
        self._unsure: _Sent | None = None
        self._broken: dict[tuple[str, int], tuple[str, float]] = {}
        # One thread: the requests beside it keep most of the processor.
        self._turn = anyio.CapacityLimiter(1)
        self._judging, self._writing = asyncio.Lock(), asyncio.Lock()

    def offer(self, original: Original) -> None:
        """Have the shadows of *original* judge it later; call this once it is committed.

        It costs the caller no more than a place in a queue, and is dropped where that is full.
        """
        size = len(original.facts)
        is_full = len(self._waiting) >= self._bounds.decisions
        if is_full or self._bytes + size > self._bounds.facts_bytes:
            self._drop(original)
            return
        self._waiting.append(original)
        self._bytes += size
        self._house.metrics.shadow_queue.set(len(self._waiting))
        self._is_some.set()

    async def judge_for_ever(self) -> None:
        """Judge whatever is offered, a little at a time."""
        while True:
            await self._is_some.wait()
            began_s = self._timer()
            await self._judge_some()
            await asyncio.sleep(self._timer() - began_s)

    async def write_for_ever(self) -> None:
        """Write down what was found, again and again."""
        while True:
            await asyncio.sleep(self._bounds.written_every_s)
            await self._try_to_write()

    async def judge_all(self) -> None:
        """Judge all that waits, without a rest."""
        while self._waiting:
            await self._judge_some()

    async def catch_up(self) -> None:
        """Judge all that waits now, and write down all that was found."""
        await self.judge_all()
        await self._try_to_write()

    async def finish(self) -> None:
        """Judge and write what can be in the time that is left; the rest is dropped."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._bounds.closing_s):
                await self.judge_all()
        while self._waiting:
            self._drop(self._take_first())
        with suppress(TimeoutError):
            async with asyncio.timeout(self._bounds.closing_s):
                await self._try_to_write()

    async def write(self) -> None:
        """Write down what was found since the last time: once and whole, or not at all yet.

        Where it is unknown whether the last transaction was committed, that is found out
        first: nothing is counted twice.

        Raises:
            DatabaseUnavailable, DatabaseNotMigrated: As any transaction; what was found
                stays for the next time.
        """
        async with self._writing:
            if not await self._is_sure() or not self._found.counts:
                return
            sent = self._unsure = _Sent(self._found)
            self._found = Findings()
            async with transaction(self._house.engine) as connection:
                sent.number = await shadow_store.start_transaction(connection)
                await shadow_store.add_findings(connection, sent.found)
            self._unsure = None

    async def _judge_some(self) -> None:
        """Judge the first of what waits. Nothing is taken from the queue before it is judged."""
        async with self._judging:
            some = list(islice(self._waiting, _AT_ONCE))
            held = await self._hold_aside(some)
            if held is None:
                for _ in some:
                    self._drop(self._take_first())
                return
            for one in held:
                self._found.add(one)
                self._house.metrics.shadow_comparisons.labels(one.result).inc()
            for _ in {one.original.decision_id for one in held}:
                self._take_first()

    async def _hold_aside(self, some: Sequence[Original]) -> list[Held] | None:
        """Judge the first of *some* in the thread; None where they cannot be judged now."""
        try:
            ready = {each: await self._rules_of(each) for each in _versions_in(some)}
            return await anyio.to_thread.run_sync(self._hold, some, ready, limiter=self._turn)
        except (DatabaseUnavailable, DatabaseNotMigrated) as error:
            _log.warning("shadows dropped", why=str(error))
        except Exception as error:  # noqa: BLE001 - the front door of this work: a bug drops a comparison, no more
            _log.error("shadows failed", kind=type(error).__qualname__, where=stack_of(error))
        return None

    def _hold(
        self, some: Sequence[Original], ready: dict[tuple[str, int], RuleSet | str]
    ) -> list[Held]:
        """Judge the first of *some*, at least one, until it has taken long enough."""
        began_s = self._timer()
        held: list[Held] = []
        for original in some:
            for shadow in original.shadows:
                rules = ready[original.rule_set, shadow.version]
                if isinstance(rules, str):
                    held.append(failed(original, shadow, rules))
                else:
                    held.append(hold(original, shadow, rules, timer=thread_time))
            if self._timer() - began_s >= self._bounds.chunk_s:
                break
        return held

    async def _rules_of(self, wanted: tuple[str, int]) -> RuleSet | str:
        """Return a version ready to judge, or what kind of error keeps it from being so."""
        kind, until_s = self._broken.get(wanted, ("", 0.0))
        if kind and self._timer() < until_s:
            return kind
        slug, version = wanted
        try:
            return (await self._live.version(slug, version)).rules
        except (DatabaseUnavailable, DatabaseNotMigrated):
            raise
        except Exception as error:  # noqa: BLE001 - whatever a version is made of, it fails alone
            self._broken[wanted] = (kind_of(error), self._timer() + _AGAIN_S)
            return kind_of(error)

    async def _try_to_write(self) -> None:
        try:
            await self.write()
        except (DatabaseUnavailable, DatabaseNotMigrated) as error:
            _log.warning("shadows delayed", why=str(error))
        except Exception as error:  # noqa: BLE001 - the front door of this work: a bug loses counts, no more
            self._unsure = None
            _log.error("shadows lost", kind=type(error).__qualname__, where=stack_of(error))

    async def _is_sure(self) -> bool:
        """Find out whether what was sent last was kept; if not, it is found still."""
        if self._unsure is None:
            return True
        was_kept: bool | None = False
        if self._unsure.number is not None:
            async with transaction(self._house.engine) as connection:
                was_kept = await shadow_store.was_committed(connection, self._unsure.number)
        if was_kept is None:
            return False
        if not was_kept:
            self._found.absorb(self._unsure.found)
        self._unsure = None
        return True

    def _drop(self, original: Original) -> None:
        self._found.drop(original)
        self._house.metrics.shadow_comparisons.labels("dropped").inc(len(original.shadows))

    def _take_first(self) -> Original:
        original = self._waiting.popleft()
        self._bytes -= len(original.facts)
        self._house.metrics.shadow_queue.set(len(self._waiting))
        if not self._waiting:
            self._is_some.clear()
        return original


@asynccontextmanager
async def shadowing(shadows: Shadows) -> AsyncIterator[None]:
    """Judge and write in the background until the block ends, then finish."""
    tasks = [
        asyncio.create_task(shadows.judge_for_ever(), name="shadows"),
        asyncio.create_task(shadows.write_for_ever(), name="shadow counts"),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await shadows.finish()


def _versions_in(some: Sequence[Original]) -> set[tuple[str, int]]:
    return {(original.rule_set, one.version) for original in some for one in original.shadows}
