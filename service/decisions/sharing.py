"""Share transactions: what arrives while one commits goes together into the next.

Being durable costs a commit, and a commit costs the same for one decision as for a
hundred. A lone request never waits for company: where nothing is being written, its
transaction begins at once. One transaction runs at a time in a process, however many wait.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine

from service.decisions import store
from service.decisions.store import Writing
from service.decisions.writing import Entry, ReleasesMoved, write
from service.storage import DatabaseNotMigrated, DatabaseUnavailable, LoneSession, transaction
from service.web import Answer, Refusal

__all__ = ["Overloaded", "SharedWriter"]

_TOGETHER: Final = 128
_WAITING: Final = 4_096


class Overloaded(Refusal):
    """More decisions wait to be written than can be in good time."""

    code: ClassVar[str] = "overloaded"

    def __init__(self) -> None:
        words = "more decisions wait than can be written in time; try again in a second"
        super().__init__(words, headers={"Retry-After": "1"})


@dataclass(frozen=True, slots=True, eq=False)
class _Unit:
    """What one caller wants kept, and the ending it waits for."""

    entry: Entry
    ending: asyncio.Future[Answer | Refusal]

    def end(self, ending: Answer | Refusal) -> None:
        if not self.ending.done():  # a caller who left has ended it
            self.ending.set_result(ending)

    def fail(self, error: Exception) -> None:
        if not self.ending.done():
            self.ending.set_exception(error)


class SharedWriter:
    """Writes the decisions of one process; at most *waiting* of them wait at a time.

    *session* is its own; for what one statement cannot do it takes one of *engine*'s.
    """

    def __init__(
        self, engine: AsyncEngine, session: LoneSession, *, waiting: int = _WAITING
    ) -> None:
        self._engine = engine
        self._session = session
        self._limit = waiting
        self._waiting: deque[_Unit] = deque()
        self._work: asyncio.Task[None] | None = None

    async def write(self, entry: Entry) -> Answer | Refusal:
        """Keep *entry* and return what it is answered, once it is committed.

        Whoever stops waiting takes nothing from the others: what was handed over is written.

        Raises:
            Overloaded: If too much waits already; nothing is kept of *entry*.
            ReleasesMoved, IdempotencyInProgress: As `writing.write` raises them.
            DatabaseUnavailable: If the database is; a retry with the same key finds out
                whether anything was kept.
        """
        if len(self._waiting) >= self._limit:
            raise Overloaded
        unit = _Unit(entry, asyncio.get_running_loop().create_future())
        self._waiting.append(unit)
        if self._work is None:
            self._work = asyncio.create_task(self._write_all(), name="shared writer")
        return await unit.ending

    async def close(self) -> None:
        """Wait until everything that was handed over is written or refused, then leave."""
        while self._work is not None:
            await asyncio.wait([self._work])
        await self._session.close()

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                size = min(_TOGETHER, len(self._waiting))
                units = [self._waiting.popleft() for _ in range(size)]
                try:
                    await self._write_carefully(await self._write_at_once(units))
                except Exception as error:  # noqa: BLE001 - whatever it is, those who wait hear of it
                    for unit in units:
                        unit.fail(error)
        finally:
            self._work = None

    async def _write_at_once(self, units: Sequence[_Unit]) -> list[_Unit]:
        """Write what one statement can; return what is left."""
        epoch = max((unit.entry.epoch or 0) for unit in units)
        plain = list(_plain(units, epoch))
        if not plain:
            return list(units)
        writings = [
            Writing(record=one.entry.record, claim=one.entry.claim, answer=one.entry.answer)
            for one in plain
        ]
        try:
            written = await store.write_at_once(self._session, writings, epoch=epoch)
        except (DatabaseUnavailable, psycopg.Error) as error:
            if not _is_of_one(error):
                raise
            written = set()
        for unit in plain:
            if unit.entry.record.id in written:
                unit.end(Answer(body=unit.entry.answer))
        return [unit for unit in units if unit.entry.record.id not in written]

    async def _write_carefully(self, units: Sequence[_Unit]) -> None:
        """Write *units* in one transaction; where one of them cannot be, find out which."""
        if not units:
            return
        try:
            async with transaction(self._engine) as connection:
                answers = await write(connection, [unit.entry for unit in units])
        except ReleasesMoved as moved:
            still = [unit for unit in units if unit.entry.record.id not in moved.decisions]
            for unit in units:
                if unit not in still:
                    unit.fail(moved)
            await self._write_carefully(still)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait hear of it
            if len(units) == 1 or isinstance(error, DatabaseUnavailable | DatabaseNotMigrated):
                for unit in units:
                    unit.fail(error)
                return
            half = len(units) // 2
            await self._write_carefully(units[:half])
            await self._write_carefully(units[half:])
        else:
            for unit, answer in zip(units, answers, strict=True):
                unit.end(answer)


def _plain(units: Iterable[_Unit], epoch: int) -> Iterable[_Unit]:
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
