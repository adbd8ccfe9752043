"""The processes that serve: started, watched, replaced, and ended together.

Those that answer requests share one listening socket, which stays open here whatever becomes
of them: a client that connects while one of them is being replaced waits a moment and is never
refused.
"""

import asyncio
import json
import signal
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from service.cli.nursing import Child, NobodyBorn, Nursery
from service.settings import read_settings

__all__ = ["Workers", "note"]

_READY_WITHIN_S: Final = 120.0
_SILENT_S: Final = 30.0
_SLACK_S: Final = 5.0
_FIRST_WAIT_S: Final = 0.1
_LONGEST_WAIT_S: Final = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class _Worker:
    """One serving process, which says on a line that it lives.

    *ready* tells whether it came to accept requests.
    """

    child: Child
    hears: asyncio.StreamReader
    line: asyncio.StreamWriter
    ready: asyncio.Future[bool] = field(default_factory=asyncio.Future)

    async def live(self) -> int | None:
        """Listen to it until its end and return its exit code; one that falls silent is killed."""
        try:
            async with asyncio.timeout(_READY_WITHIN_S):
                self.ready.set_result(await self.hears.readline() == b"ready\n")
            is_heard = self.ready.result()
            while is_heard:
                async with asyncio.timeout(_SILENT_S):
                    is_heard = await self.hears.read(256) != b""
        except (TimeoutError, OSError):
            self.send(signal.SIGKILL)
        if not self.ready.done():
            self.ready.set_result(False)
        self.line.close()
        return await self.child.ended()

    def send(self, number: signal.Signals) -> None:
        """Send a signal, where there is anybody still to hear it."""
        self.child.send(number)


class Workers:
    """So many processes of one program, from *nursery*; *shutdown_s* is what each has to end.

    With a *listener* they answer the requests that come in by it.
    """

    def __init__(
        self,
        nursery: Nursery,
        listener: socket.socket | None,
        *,
        count: int,
        shutdown_s: float,
        program: str = "service.server",
    ) -> None:
        self._nursery = nursery
        self._listener = listener
        self._program = program
        self._count = count
        self._environment = b""
        self._shutdown_s = shutdown_s
        self._serving: list[_Worker] = []
        self._living: dict[_Worker, asyncio.Task[None]] = {}
        self._replacing: list[asyncio.Task[None]] = []
        self._restarting = asyncio.Lock()
        self._is_over = False

    async def start(self, environment: Mapping[str, str]) -> bool:
        """Let them all serve, with *environment* beside ours; return whether all came to it."""
        self._environment = json.dumps(dict(environment)).encode() + b"\n"
        await asyncio.gather(*(self._add_one() for _ in range(self._count)))
        return len(self._serving) == self._count

    async def restart(self) -> bool:
        """Put a fresh process in the place of each, one after the other.

        Each leaves when its successor accepts requests, and finishes meanwhile what it has.
        Where a successor does not come up, whoever serves goes on; False then.
        """
        async with self._restarting:
            for old in tuple(self._serving):
                if old not in self._serving:  # it died meanwhile, and has a successor
                    continue
                successor = await self._start_one()
                if successor is None or self._is_over:
                    return False
                self._exchange(old, successor)
            return True

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End them all, and those that are leaving already, and wait for it."""
        self._is_over = True
        for worker in self._living:
            worker.send(number)
        if self._living:
            patience_s = self._shutdown_s + _SLACK_S
            await asyncio.wait(self._living.values(), timeout=patience_s)
        while self._living:
            for worker in self._living:
                worker.send(signal.SIGKILL)
            await asyncio.wait(self._living.values())

    def hurry(self) -> None:
        """Let those that are ending drop what they have."""
        for worker in self._living:
            worker.send(signal.SIGINT)

    async def _add_one(self) -> None:
        worker = await self._start_one()
        if worker is not None:
            self._serving.append(worker)

    async def _start_one(self) -> _Worker | None:
        """Return a process that accepts requests; None where it does not come up."""
        try:
            child = await self._nursery.bear(self._program, self._listener)
        except NobodyBorn:
            return None
        worker = _Worker(child, *await asyncio.open_connection(sock=child.line))
        worker.line.write(self._environment)
        self._living[worker] = asyncio.create_task(self._attend(worker))
        if self._is_over:
            worker.send(signal.SIGTERM)
        return worker if await asyncio.shield(worker.ready) and not self._is_over else None

    def _exchange(self, old: _Worker, successor: _Worker) -> None:
        """Let *successor* take the place of *old*, where nobody else has it by now."""
        if old in self._serving:
            self._serving[self._serving.index(old)] = successor
            old.send(signal.SIGTERM)
        else:
            successor.send(signal.SIGTERM)

    async def _attend(self, worker: _Worker) -> None:
        """Wait for the end of *worker*, and replace it where nobody told it to end."""
        code = await worker.live()
        del self._living[worker]
        if worker in self._serving and not self._is_over:
            self._replacing = [one for one in self._replacing if not one.done()]
            self._replacing.append(asyncio.create_task(self._replace(worker)))
            await note("worker died", failed=True, pid=worker.child.pid, code=code)

    async def _replace(self, dead: _Worker) -> None:
        """Start another one in the place of *dead*, again and again until one comes up."""
        wait_s = _FIRST_WAIT_S
        while dead in self._serving and not self._is_over:
            successor = await self._start_one()
            if successor is not None:
                self._exchange(dead, successor)
                return
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


async def note(event: str, *, failed: bool = False, **fields: object) -> None:
    """Write a line into the log; what that needs is loaded once there is something to say."""

    def write() -> None:
        from service.web import configure_logs, journal

        settings = read_settings()
        configure_logs(level=settings.log_level, style=settings.log_format)
        log = journal("workers")
        (log.error if failed else log.info)(event, **fields)

    await asyncio.to_thread(write)
