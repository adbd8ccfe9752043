"""What a serving process asks the database anew twice a second, in one statement.

Whether a key was revoked, whether releases were made, whether work waits in a table: each is
nearly always no, and to ask for one of them through the pool costs ten times what all of them
cost together on a session of their own. Whoever hears yes asks in its own words.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from service.storage import DatabaseNotMigrated, DatabaseUnavailable, LoneSession
from service.web.journal import journal, stack_of
from service.web.keyring import KeyRing
from service.web.pulse_store import ask, question_about

__all__ = ["HearEpoch", "Pulse"]

HearEpoch = Callable[[int, float], None]
"""Is told the epoch of the releases, and an instant of the timer at which it was not older."""

_EVERY_S: Final = 0.5
_WITHOUT_S: Final = 1.0
_KEYS: Final = 64
_log = journal("pulse")


class Pulse:
    """Tells *keys*, and whoever waits for work, what is new. *timer* is that of *keys*.

    What it does not come to say in time is asked for by whoever needs it: it makes questions
    rare, and no promise rests on it.
    """

    def __init__(
        self,
        session: LoneSession,
        *,
        keys: KeyRing,
        timer: Callable[[], float],
        every_s: float = _EVERY_S,
    ) -> None:
        self._session = session
        self._keys = keys
        self._timer = timer
        self._every_s = every_s
        self._hearers: list[HearEpoch] = []
        self._question = question_about(())
        self._waited_for: dict[type[Any], asyncio.Event] = {}
        self._is_beating = False

    def tell_epochs(self, hear: HearEpoch) -> None:
        """Have *hear* told of the epoch with each beat."""
        self._hearers.append(hear)

    async def until_open(self, table: type[Any]) -> None:
        """Return once a row of *table* may be open: queued, or running for whomever.

        That is half a second after it was added. Where the database does not say, and where
        no pulse beats, that may be at any time.
        """
        if not self._is_beating:
            await asyncio.sleep(_WITHOUT_S)
            return
        if table not in self._waited_for:
            self._waited_for[table] = asyncio.Event()
            self._question = question_about(self._waited_for)
        event = self._waited_for[table]
        event.clear()
        await event.wait()

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Ask again and again until the block ends."""
        task = asyncio.create_task(self._beat_for_ever(), name="pulse")
        self._is_beating = True
        try:
            yield
        finally:
            self._is_beating = False
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self._wake()
            await self._session.close()

    async def _beat_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self._beat()
            except (DatabaseUnavailable, DatabaseNotMigrated):
                self._wake()  # to hear of it themselves
            except Exception as error:  # noqa: BLE001 - a defect, here or in who hears, must not end it
                _log.error("pulse failed", kind=type(error).__qualname__, where=stack_of(error))
                self._wake()

    async def _beat(self) -> None:
        asked_s, tables = self._timer(), tuple(self._waited_for)
        told = await ask(self._session, self._question, self._keys.take_busy(most=_KEYS))
        self._keys.confirm(told.valid, asked_s)
        for hear in self._hearers:
            hear(told.epoch, asked_s)
        for table, is_open in zip(tables, told.is_open, strict=True):
            if is_open:
                self._waited_for[table].set()

    def _wake(self) -> None:
        for event in self._waited_for.values():
            event.set()
