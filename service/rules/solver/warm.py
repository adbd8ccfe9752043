"""Processes that have the solver loaded, kept for a while for whoever asks next."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from service.rules.solver.messages import receive, send

# Of this installation, whatever folder the process was started in.
_HOME: Final = str(Path(__file__).resolve().parents[3])
_PROGRAM: Final = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from service.rules.solver.work import main; main()"
)
_KEPT_S: Final = 300.0
_STARTS_WITHIN_S: Final = 30.0


class Gone(Exception):
    """The process had ended before it was asked: it was not needed for long."""


@dataclass(frozen=True, slots=True)
class Worker:
    """One process and the way to it."""

    process: subprocess.Popen[bytes]
    way: socket.socket

    @classmethod
    def start(cls, arguments: Sequence[str]) -> "Worker":
        """Return a process that runs *arguments* with a socket as its standard input."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                arguments,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        return cls(process, ours)

    def ask(self, told: bytes, *, until: float) -> bytes | None:
        """Return the answer; None where there was none by then, or the work ended without.

        Raises:
            Gone: If the process was not there any more.
        """
        try:
            self.way.settimeout(max(until - time.monotonic(), 0.01))
            send(self.way, told)
            self.way.settimeout(max(until - time.monotonic(), 0.01))
            answer = receive(self.way)
        except TimeoutError:
            return None
        except OSError as gone:
            raise Gone from gone
        if answer is None:
            raise Gone
        return answer or None

    def end(self) -> None:
        """Kill the process with all it started."""
        self.way.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass(slots=True)
class Kept:
    """The workers that wait for a task; several may be asked at once."""

    arguments: Sequence[str] = (
        sys.executable, "-P", "-c", _PROGRAM, _HOME, str(_KEPT_S),
    )  # fmt: skip
    _waiting: list[Worker] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, told: bytes, *, limit_s: float) -> bytes | None:
        """Return what comes out of a task; None where it was killed at its limit, or failed."""
        worker = self._taken()
        if worker is not None:
            try:
                return self._asked(worker, told, until=time.monotonic() + limit_s)
            except Gone:
                worker.end()
        worker = Worker.start(self.arguments)
        try:
            return self._asked(worker, told, until=time.monotonic() + limit_s + _STARTS_WITHIN_S)
        except Gone:
            worker.end()
            return None

    def pids(self) -> list[int]:
        """Return the process ids of those that wait."""
        with self._lock:
            return [worker.process.pid for worker in self._waiting]

    def end(self) -> None:
        """End all that wait."""
        while (worker := self._taken()) is not None:
            worker.end()

    def _asked(self, worker: Worker, told: bytes, *, until: float) -> bytes | None:
        answer = worker.ask(told, until=until)
        if answer is None and time.monotonic() >= until:
            worker.end()
            return None
        with self._lock:
            self._waiting.append(worker)
        return answer

    def _taken(self) -> Worker | None:
        with self._lock:
            return self._waiting.pop() if self._waiting else None
