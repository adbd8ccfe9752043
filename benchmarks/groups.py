"""What is measured together, in which order, and about how long each takes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from benchmarks.figures import Measured
from benchmarks.footprint import measure_memory, measure_start
from benchmarks.ground import Effort, Ground, NotMeasured
from benchmarks.growing_rules import measure_growth
from benchmarks.in_process import measure_engines
from benchmarks.serving import measure_serving

__all__ = ["GROUPS", "Group"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Lines that one measurement gives.

    Attributes:
        lines: Their ids.
        name: For the line of progress.
        measure: Measures all of them.
        takes: About how many seconds that lasts.
    """

    lines: tuple[str, ...]
    name: str
    measure: Callable[[Ground], Mapping[str, Measured | NotMeasured]]
    takes: Callable[[Effort], float]


GROUPS: Final[tuple[Group, ...]] = (
    Group(
        lines=("P5", "P6"),
        name="judging in process",
        measure=measure_engines,
        takes=lambda effort: 2 + 0.9 * effort.turns,
    ),
    Group(
        lines=("P9",),
        name="growing rules",
        measure=measure_growth,
        takes=lambda effort: 5 + 0.7 * effort.turns,
    ),
    Group(
        lines=("P1", "P2", "P3", "P4"),
        name="servers under load",
        measure=measure_serving,
        takes=lambda effort: 25 + 6 * effort.rounds * (effort.seconds + 0.2),
    ),
    Group(
        lines=("P11",),
        name="starting",
        measure=measure_start,
        takes=lambda effort: 5 + 6 * effort.rounds,
    ),
    Group(
        lines=("P12",),
        name="memory",
        measure=measure_memory,
        takes=lambda effort: 25 + 5 * effort.rounds,
    ),
)
