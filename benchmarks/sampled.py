"""Goodfit's application with a sampler beside it: `benchmarks.profile` serves it.

A timer of the process's own processor time interrupts it some hundred times a second; who
is at work then is counted. That costs little, so what it shows is what happens without it.
"""

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from service.app import Opened
from service.app import open_app as open_own_app
from service.connection import Reply

__all__ = ["open_app"]

_EVERY_S: Final = 0.002
_WARM_S: Final = 1.0
_stacks: Counter[str] = Counter()
_since_s: list[float] = []
"""When the first request came, and when sampling began."""


def open_app() -> ASGIApp:
    """Return the application; what was sampled is written when its lifespan ends."""
    return _Sampled(open_own_app())


class _Sampled:
    """The application and its door, sampled once requests have come for a while."""

    def __init__(self, own: Opened) -> None:
        self._own = own
        self.target = b"" if own.door is None else own.door.target
        self.door = self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or run the server's lifespan."""
        if scope["type"] == "lifespan":
            try:
                await self._own(scope, receive, send)
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
                _keep()
            return
        await self._own(scope, receive, send)

    def take(self, head: Mapping[bytes, bytes], body: bytes, reply: Reply) -> bool:
        """Do as the application's door does."""
        _begin_when_warm()
        door = self._own.door
        return door is not None and door.take(head, body, reply)


def _begin_when_warm() -> None:
    """Begin to sample once requests have come for a while."""
    now_s = time.monotonic()
    if not _since_s:
        _since_s.append(now_s)
    elif len(_since_s) == 1 and now_s - _since_s[0] > _WARM_S:
        _since_s.append(now_s)
        signal.signal(signal.SIGPROF, _sample)
        signal.setitimer(signal.ITIMER_PROF, _EVERY_S, _EVERY_S)


def _keep() -> None:
    Path(os.environ["BENCH_SAMPLES"]).write_text(json.dumps(_stacks), encoding="utf-8")


def _sample(number: int, frame: FrameType | None) -> None:
    """Count the stack that was interrupted, innermost first."""
    del number
    names = []
    while frame is not None:
        module = frame.f_globals.get("__name__", "?")
        names.append(f"{module}:{frame.f_code.co_name}")
        frame = frame.f_back
    _stacks[" ".join(names)] += 1
