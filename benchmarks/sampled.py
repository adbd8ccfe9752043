"""Goodfit's application with a sampler beside it: `benchmarks.profile` serves it.

A timer of the process's own processor time interrupts it some hundred times a second; who
is at work then is counted. That costs little, so what it shows is what happens without it.
"""

import json
import os
import signal
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from service.app import open_app as open_own_app

__all__ = ["open_app"]

_EVERY_S: Final = 0.002
_stacks: Counter[str] = Counter()


def open_app() -> ASGIApp:
    """Return the application; what was sampled is written when its lifespan ends."""
    application = open_own_app()

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await application(scope, receive, send)
            return
        signal.signal(signal.SIGPROF, _sample)
        signal.setitimer(signal.ITIMER_PROF, _EVERY_S, _EVERY_S)
        try:
            await application(scope, receive, send)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            _keep()

    return served


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
