"""Share transactions: what arrives while one commits goes together into the next.

Being durable costs a commit, and a commit costs the same for one decision as for a
hundred. A lone request never waits for company: where nothing is being written, its
transaction begins at once. One transaction runs at a time in a process, so this takes one
session of the pool, however many wait.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from service.decisions.writing import Entry, ReleasesMoved, write
from service.storage import DatabaseNotMigrated, DatabaseUnavailable, transaction
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


@dataclass(frozen=True, slots=True)
class _Unit:
    """What one caller wants kept, and who waits for it."""

    entries: Sequence[Entry]
    ending: asyncio.Future[list[Answer | Refusal]]


class SharedWriter:
    """Writes the decisions of one process. At most *waiting* decisions wait at a time."""

    def __init__(self, engine: AsyncEngine, *, waiting: int = _WAITING) -> None:
        self._engine = engine
        self._limit = waiting
        self._waiting: deque[_Unit] = deque()
        self._count = 0
        self._work: asyncio.Task[None] | None = None

    async def write(self, entries: Sequence[Entry]) -> list[Answer | Refusal]:
        """Keep *entries* and return what each is answered, once they are committed.

        Whoever stops waiting takes nothing from the others: what was handed over is written.

        Raises:
            Overloaded: If too much waits already; nothing of *entries* is kept.
            ReleasesMoved, IdempotencyInProgress: As `writing.write` raises them.
            DatabaseUnavailable: If the database is; a retry with the same key finds out
                whether anything was kept.
        """
        if self._count + len(entries) > self._limit:
            raise Overloaded
        unit = _Unit(entries, asyncio.get_running_loop().create_future())
        self._waiting.append(unit)
        self._count += len(entries)
        if self._work is None:
            self._work = asyncio.create_task(self._write_all(), name="shared writer")
        return await unit.ending

    async def drain(self) -> None:
        """Wait until everything that was handed over is written or refused."""
        while self._work is not None:
            await asyncio.wait([self._work])

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                await self._commit(self._take())
        finally:
            self._work = None

    def _take(self) -> list[_Unit]:
        """Return what goes into the next transaction: the oldest, and at least one unit."""
        units = [self._waiting.popleft()]
        size = len(units[0].entries)
        while self._waiting and size + len(self._waiting[0].entries) <= _TOGETHER:
            units.append(self._waiting.popleft())
            size += len(units[-1].entries)
        self._count -= size
        return units

    async def _commit(self, units: Sequence[_Unit]) -> None:
        """Write *units* in one transaction; where one of them cannot be, find out which."""
        entries = [entry for unit in units for entry in unit.entries]
        try:
            async with transaction(self._engine) as connection:
                answers = iter(await write(connection, entries))
        except ReleasesMoved as moved:
            await self._judge_again(units, moved)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            if len(units) == 1 or not _is_of_one(error):
                for unit in units:
                    _fail(unit, error)
                return
            half = len(units) // 2
            await self._commit(units[:half])
            await self._commit(units[half:])
        else:
            for unit in units:
                answered = [next(answers) for _ in unit.entries]
                if not unit.ending.done():
                    unit.ending.set_result(answered)

    async def _judge_again(self, units: Sequence[_Unit], moved: ReleasesMoved) -> None:
        """Send back whoever chose by the releases; the others are written without them."""
        fixed = [unit for unit in units if all(entry.epoch is None for entry in unit.entries)]
        for unit in units:
            if unit not in fixed:
                _fail(unit, moved)
        if fixed:
            await self._commit(fixed)


def _is_of_one(error: Exception) -> bool:
    """Return whether one entry can be at fault, rather than the database for all."""
    return not isinstance(error, DatabaseUnavailable | DatabaseNotMigrated)


def _fail(unit: _Unit, error: Exception) -> None:
    if not unit.ending.done():
        unit.ending.set_exception(error)
