"""Where serving processes come from: one process loads the service, the others are its children.

See `service.nursery`, which is that process.
"""

import asyncio
import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

__all__ = ["Child", "NobodyBorn", "Nursery", "begin_to_load"]

# Of this installation, whatever folder the command was started in.
_HOME: Final = str(Path(__file__).resolve().parents[2])
# Loading makes some hundred thousand objects that stay: to look through them again and again
# meanwhile takes a seventh of its time.
_PROGRAM: Final = (
    "import gc, sys; gc.disable(); sys.path.insert(0, sys.argv.pop(1));"
    " from service.nursery import main; main()"
)
_LOADED_WITHIN_S: Final = 120.0
_KILLED_AFTER_S: Final = 5.0
_LOOK_S: Final = 0.02
_ANSWER_BYTES: Final = 64


class NobodyBorn(Exception):
    """The service could not be loaded, or what had loaded it is gone."""


class Nursery:
    """Bears processes that have the service loaded already."""

    def __init__(self) -> None:
        self._mothers = [_begun.pop()] if _begun else []

    def load(self) -> None:
        """Begin to load, unless that was begun; it takes longer than a database to start."""
        if not self._mothers or self._mothers[-1].is_over:
            self._mothers = [one for one in self._mothers if not one.is_over]
            self._mothers.append(_Mother.start())

    def renew(self) -> None:
        """Let those that are born from now on have the code that is installed now."""
        for mother in self._mothers:
            mother.retire()
        self._mothers.append(_Mother.start())

    async def bear(self, program: str, listener: socket.socket | None) -> "Child":
        """Return a process that runs *program*, a module, on *listener* where there is one.

        Raises:
            NobodyBorn: If the service cannot be loaded.
        """
        self.load()
        return await asyncio.to_thread(self._mothers[-1].bear, program, listener)

    async def end(self) -> None:
        """Let go of what has loaded the service, once all that was born has ended."""
        for mother in self._mothers:
            mother.end()
        await asyncio.gather(*(asyncio.to_thread(one.process.wait) for one in self._mothers))


@dataclass(slots=True, eq=False)
class _Mother:
    """The process that has loaded the service, and the line on which it is asked."""

    process: subprocess.Popen[bytes]
    line: socket.socket
    children: set["Child"] = field(default_factory=set)
    is_retired: bool = False
    is_over: bool = False
    _asking: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def start(cls) -> "_Mother":
        """Start one; it begins to load."""
        ours, theirs = socket.socketpair()
        ours.settimeout(_LOADED_WITHIN_S)
        with theirs:
            process = subprocess.Popen(  # noqa: S603 - our own program
                (sys.executable, "-P", "-c", _PROGRAM, _HOME, "--line", str(theirs.fileno())),
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                process_group=0,  # Ctrl-C is for us; everybody hears of it from here
            )
        return cls(process, ours)

    def bear(self, program: str, listener: socket.socket | None) -> "Child":
        """Return a child. Runs to its end in a thread, so that nobody closes what it sends."""
        ours, theirs = socket.socketpair()
        given = [theirs.fileno(), *([] if listener is None else [listener.fileno()])]
        with theirs, contextlib.ExitStack() as stack:
            stack.callback(ours.close)
            child = Child(self.ask({"program": program}, *given), ours, self)
            stack.pop_all()
        self.children.add(child)
        return child

    def ask(self, order: dict[str, Any], *descriptors: int) -> Any:  # noqa: ANN401 - JSON
        """Return the answer to *order*, which waits until the service is loaded.

        Raises:
            NobodyBorn: If none comes.
        """
        with self._asking:
            try:
                socket.send_fds(self.line, [json.dumps(order).encode()], descriptors)
                answer = self.line.recv(_ANSWER_BYTES)
            except OSError:  # a timeout too
                answer = b""
        if not answer:
            self.end()
            raise NobodyBorn("the service could not be loaded; the log above says why")
        return json.loads(answer)

    def forget(self, child: "Child") -> None:
        """Know no more of *child*, which has ended."""
        self.children.discard(child)
        if self.is_retired and not self.children:
            self.end()

    def retire(self) -> None:
        """Bear nobody any more, and end when the last child has."""
        self.is_retired = True
        if not self.children:
            self.end()

    def end(self) -> None:
        """End it. Those of its children that live go on; how they end stays unknown."""
        self.is_over = True
        self.process.terminate()
        with contextlib.suppress(OSError):
            self.line.shutdown(socket.SHUT_RDWR)  # whoever waits for an answer hears of it


_begun: list[_Mother] = []


def begin_to_load() -> None:
    """Begin to load the service for this process's first nursery, and end that with it."""
    mother = _Mother.start()
    _begun.append(mother)
    atexit.register(mother.end)


@dataclass(slots=True, eq=False)
class Child:
    """A process that was born, and the line to it."""

    pid: int
    line: socket.socket
    mother: _Mother
    has_ended: bool = False

    def send(self, number: signal.Signals) -> None:
        """Send a signal, where there is anybody still to hear it.

        The number is nobody else's before `ended` has learned how it ended.
        """
        if not self.has_ended:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def ended(self) -> int | None:
        """Wait for its end, which must be near, and return its exit code; None is unknown."""
        loop = asyncio.get_running_loop()
        killed_at = loop.time() + _KILLED_AFTER_S
        code: int | None = None
        order = {"ended": self.pid}
        with contextlib.suppress(NobodyBorn):
            while (code := await asyncio.to_thread(self.mother.ask, order)) is None:
                if loop.time() > killed_at:
                    self.send(signal.SIGKILL)
                await asyncio.sleep(_LOOK_S)
        self.has_ended = True
        self.mother.forget(self)
        return code
