"""How tests stop work as a kill would: at a look at the clock."""

import time
from collections.abc import Callable

__all__ = ["Stopped", "stopping_timer"]


class Stopped(BaseException):
    """What a process that is killed in the middle looks like from inside it."""


def stopping_timer(stop_after: int | None) -> Callable[[], float]:
    """Return a clock that raises `Stopped` after so many looks at it; never for None."""
    looks = 0

    def timer() -> float:
        nonlocal looks
        looks += 1
        if stop_after is not None and looks > stop_after:
            raise Stopped
        return time.monotonic()

    return timer
