"""Time several pieces of work in turns, so that what shakes the machine shakes all of them."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from benchmarks.figures import Spread

__all__ = ["average", "in_turns"]

Given = TypeVar("Given")


def average(work: Callable[[Given], object], given: Sequence[Given], *, seconds: float) -> float:
    """Return the seconds that *work* takes for one of *given*, over about *seconds* of it."""
    count, began = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < seconds:
        for one in given:
            work(one)
        count += len(given)
    return elapsed / count


def in_turns(works: Mapping[str, Callable[[], float]], *, turns: int) -> dict[str, Spread]:
    """Return the times in microseconds of each of *works*, which return seconds.

    The first turn warms up and is not counted. Every other turn goes backwards.
    """
    times: dict[str, list[float]] = {name: [] for name in works}
    names = list(works)
    for turn in range(turns + 1):
        for name in names if turn % 2 else reversed(names):
            seconds = works[name]()
            if turn:
                times[name].append(seconds * 1e6)
    return {name: Spread(tuple(values), "us") for name, values in times.items()}
