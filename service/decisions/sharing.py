"""Share transactions: what arrives while one commits goes together into the next.

Being durable costs a commit, and a commit costs the same for one decision as for a
hundred. A lone request never waits for company: where nothing is being written, its
transaction begins at once. There are two lanes, and each writes one transaction at a time:
what one statement can write, and what has to be written carefully (an account, a key that
is in use). So nobody waits for a neighbour's lock, and a process takes two sessions for
all its decisions, however many wait.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar, Final
from uuid import UUID

import psycopg
from prometheus_client import Histogram
from sqlalchemy.ext.asyncio import AsyncEngine

from service.decisions import store
from service.decisions.writing import Entry, ReleasesMoved, write
from service.storage import (
    DatabaseNotMigrated,
    DatabaseUnavailable,
    LoneSession,
    SessionLimits,
    transaction,
)
from service.web import Answer, Metrics, Refusal, journal, stack_of

__all__ = ["Overloaded", "SharedWriter"]

_log = journal("decisions")
_TOGETHER: Final = 128
_FEW: Final = 8
_WAITING: Final = 4_096
# Together under two seconds, which is how soon everybody hears of a database that is away.
_PATIENCE_S: Final = 0.8
_HURRIED: Final = timedelta(seconds=1.2)
_CONNECT: Final = timedelta(seconds=1)
# Whoever meets a lock goes to the other lane: the others must not wait for it.
_LOCK: Final = timedelta(milliseconds=200)


class Overloaded(Refusal):
    """More decisions wait to be written than can be in good time."""

    code: ClassVar[str] = "overloaded"

    def __init__(self) -> None:
        words = "more decisions wait than can be written in time; try again in a second"
        super().__init__(words, headers={"Retry-After": "1"})


Heard = Callable[[Answer | Exception], None]
"""Takes note of how writing ended: with an answer, or with why there is none."""


@dataclass(slots=True, eq=False)
class _Unit:
    """What one caller wants kept, who hears how that ended, and whether that is over."""

    entry: Entry
    heard: Heard
    since_s: float
    is_over: bool = False

    def end(self, ending: Answer | Exception) -> None:
        if self.is_over:  # told already, before its neighbours failed
            return
        self.is_over = True
        try:
            self.heard(ending)
        except Exception as error:  # noqa: BLE001 - a defect of one who hears is not its neighbours'
            _log.error("answer lost", kind=type(error).__qualname__, where=stack_of(error))


class _Lane:
    """Units that wait, and the one task that has *write* write them, many together.

    Whoever waited longer than the patience is refused: nothing of it was kept, and an
    answer so late would help nobody.
    """

    def __init__(
        self,
        write: Callable[[Sequence[_Unit]], Awaitable[None]],
        *,
        name: str,
        sizes: Histogram,
    ) -> None:
        self._write = write
        self._sizes = sizes
        self._name = name
        self._waiting: deque[_Unit] = deque()
        self._written = 0  # by the last transaction
        self._trouble: DatabaseUnavailable | None = None  # of the last transaction
        self._work: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    def add(self, unit: _Unit) -> None:
        """Have *unit* written with the next; at once, where nothing is being written."""
        self._waiting.append(unit)
        if self._work is None:
            self._work = asyncio.create_task(self._write_all(), name=self._name)

    async def drain(self) -> None:
        """Wait until everything that was added is written or refused."""
        while self._work is not None:
            await asyncio.wait([self._work])

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                if units := list(self._next()):
                    self._written = len(units)
                    self._sizes.observe(len(units))
                    await self.write_or_fail(units)
        finally:
            self._work = None

    async def write_or_fail(self, units: Sequence[_Unit]) -> None:
        """Have *units* written; where that raises, each of them that still waits hears it."""
        trouble = None
        try:
            await self._write(units)
        except Exception as error:  # noqa: BLE001 - a defect too is answered to those who wait
            trouble = error if isinstance(error, DatabaseUnavailable) else None
            for unit in units:
                unit.end(error)
        self._trouble = trouble

    def _next(self) -> Iterator[_Unit]:
        """Yield what goes into the next transaction; refuse who waited too long, and say why.

        Of many it is half of those who wait and were just answered: whoever was answered asks
        again, as a rule, and is judged while the other half is written. Were all written
        together, nobody would be left to judge meanwhile.
        """
        now_s, waiting = asyncio.get_running_loop().time(), len(self._waiting)
        half = (waiting + self._written + 1) // 2
        for _ in range(min(_TOGETHER, waiting, max(_FEW, half))):
            unit = self._waiting.popleft()
            if now_s - unit.since_s > _PATIENCE_S:
                unit.end(self._trouble or Overloaded())
            else:
                yield unit


class SharedWriter:
    """Writes the decisions of one process; at most *waiting* of them wait at a time."""

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        limits: SessionLimits,
        metrics: Metrics,
        waiting: int = _WAITING,
    ) -> None:
        url = engine.url.render_as_string(hide_password=False)
        hurried = replace(limits, transaction=_HURRIED, connect=_CONNECT, lock=_LOCK)
        self._engine = engine
        self._session = LoneSession(url, limits=hurried)
        self._limit = waiting
        sizes = metrics.writer_batch
        self._quick = _Lane(self._write_at_once, name="shared writer", sizes=sizes)
        self._careful = _Lane(self._write_carefully, name="careful writer", sizes=sizes)
        metrics.writer_queue.set_function(self._count_waiting)

    async def write(self, entry: Entry) -> Answer:
        """Keep *entry* and return what it is answered, once it is committed.

        Whoever stops waiting takes nothing from the others: what was handed over is written.

        Raises:
            Overloaded: If too much waits already, or *entry* did for too long; nothing is
                kept of it.
            ReleasesMoved, Refusal: As `writing.write` raises or returns them.
            DatabaseUnavailable: If the database is; a retry with the same key finds out
                whether anything was kept.
        """
        ending: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def hear(told: Answer | Exception) -> None:
            if ending.done():  # a caller who left has ended it
                return
            if isinstance(told, Answer):
                ending.set_result(told)
            else:
                ending.set_exception(told)

        self.hand_over(entry, hear)
        return await ending

    @property
    def is_full(self) -> bool:
        """Whether as many wait as may."""
        return len(self._quick) + len(self._careful) >= self._limit

    def hand_over(self, entry: Entry, heard: Heard) -> None:
        """Have *entry* kept; *heard* is called once, later, with what `write` returns or raises.

        Raises:
            Overloaded: If too much waits already; *heard* is not called then.
        """
        if self.is_full:
            raise Overloaded
        self._quick.add(_Unit(entry, heard, asyncio.get_running_loop().time()))

    async def close(self) -> None:
        """Wait until everything that was handed over is written or refused, then leave."""
        await self._quick.drain()
        await self._careful.drain()
        await self._session.close()

    def _count_waiting(self) -> int:
        return len(self._quick) + len(self._careful)

    async def _write_at_once(self, units: Sequence[_Unit]) -> None:
        """Write what one statement can; leave the rest to the other lane."""
        epoch = max((unit.entry.epoch or 0) for unit in units)
        plain = list(_plain(units, epoch))
        written = await self._written(plain, epoch) if plain else ()
        if len(written) == len(units):  # nearly always: nobody has to be looked for
            for unit in units:
                unit.end(Answer(body=unit.entry.answer))
            return
        for unit in units:
            if unit.entry.record.id in written:
                unit.end(Answer(body=unit.entry.answer))
            else:
                unit.since_s = asyncio.get_running_loop().time()
                self._careful.add(unit)

    async def _written(self, units: Sequence[_Unit], epoch: int) -> Sequence[UUID]:
        """Return the ids of those of *units* that one statement could write."""
        writings = [unit.entry for unit in units]
        try:
            return await store.write_at_once(self._session, writings, epoch=epoch)
        except (DatabaseUnavailable, psycopg.Error) as error:
            if not _is_of_one(error):
                raise
            return ()

    async def _write_carefully(self, units: Sequence[_Unit]) -> None:
        """Write *units* in one transaction; where one of them cannot be, find out which.

        Raises:
            DatabaseUnavailable, DatabaseNotMigrated: If none of them can be written now.
        """
        try:
            async with transaction(self._engine) as connection:
                answers = await write(connection, [unit.entry for unit in units])
        except (DatabaseUnavailable, DatabaseNotMigrated):
            raise
        except ReleasesMoved as moved:
            still = [unit for unit in units if unit.entry.record.id not in moved.decisions]
            for unit in units:
                if unit not in still:
                    unit.end(moved)
            if still:
                await self._write_carefully(still)
        # Of any kind: a row that Postgres refuses, or a defect. Raised again for whoever is alone
        # with it, so that nobody's neighbours fail.
        except Exception:
            if len(units) == 1:
                raise
            half = len(units) // 2
            await self._careful.write_or_fail(units[:half])
            await self._careful.write_or_fail(units[half:])
        else:
            for unit, answer in zip(units, answers, strict=True):
                unit.end(answer)


def _plain(units: Sequence[_Unit], epoch: int) -> Iterator[_Unit]:
    """Yield what needs no more than to be written: no account, and the first use of its key."""
    names = set()
    for unit in units:
        entry = unit.entry
        if entry.assessed is not None or entry.epoch not in {None, epoch}:
            continue
        if entry.claim is not None:
            if entry.claim.name in names:
                continue
            names.add(entry.claim.name)
        yield unit


def _is_of_one(error: Exception) -> bool:
    """Return whether a statement failed for what is in it: a key in use, a row that is at fault."""
    if isinstance(error, DatabaseUnavailable):
        return isinstance(error.__cause__, psycopg.errors.LockNotAvailable)
    return True
