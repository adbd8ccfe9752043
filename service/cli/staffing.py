"""Who serves: processes that answer requests, and one beside them that works on the queue."""

import asyncio
import signal
import socket
from collections.abc import Mapping
from typing import Final

from service.cli.nursing import Nursery
from service.cli.supervising import Workers, note

__all__ = ["Staff"]

_AGAIN_S: Final = 1.0
# Whoever waited for the start asks at once, and the processors are theirs.
_AFTER_S: Final = 1.0


class Staff:
    """*count* processes on a listening socket, and one for jobs; all of them come and go together.

    Requests do not wait for the one for jobs, which begins a second after they are answered.
    """

    def __init__(self, listener: socket.socket, *, count: int, shutdown_s: float) -> None:
        self._nursery = nursery = Nursery()
        self._answering = Workers(nursery, listener, count=count, shutdown_s=shutdown_s)
        self._working = Workers(
            nursery, None, count=1, shutdown_s=shutdown_s, program="service.queue.main"
        )
        self._beginning: asyncio.Task[None] | None = None

    def load(self) -> None:
        """Have what they all need loaded, before there is a database."""
        self._nursery.load()

    async def start(self, environment: Mapping[str, str]) -> bool:
        """Let them all serve; return whether every one that answers came to it."""
        is_answering = await self._answering.start(environment)
        if is_answering:
            self._beginning = asyncio.create_task(self._begin_to_work(environment))
        return is_answering

    async def restart(self) -> bool:
        """Put a fresh process in the place of each; False where one does not come up."""
        self._nursery.renew()
        return await self._answering.restart() and await self._working.restart()

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End them all and wait for it."""
        if self._beginning is not None:
            self._beginning.cancel()
        await asyncio.gather(self._answering.stop(number), self._working.stop(number))
        await self._nursery.end()

    def hurry(self) -> None:
        """Let those that are ending drop what they have."""
        self._answering.hurry()
        self._working.hurry()

    async def _begin_to_work(self, environment: Mapping[str, str]) -> None:
        await asyncio.sleep(_AFTER_S)
        while not await self._working.start(environment):
            await note("no process for jobs came up; trying again", failed=True)
            await asyncio.sleep(_AGAIN_S)
