"""What is measured together, in which order, and about how long each takes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from benchmarks.figures import Measured
from benchmarks.footprint import measure_memory, measure_start
from benchmarks.ground import Effort, Ground, NotMeasured
from benchmarks.growing_rules import measure_growth
from benchmarks.in_process import measure_engines
from benchmarks.parquet_file import measure_parquet
from benchmarks.serving import measure_serving
from benchmarks.stored_accounts import measure_accounts
from benchmarks.stored_decisions import measure_stored

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
        takes=lambda effort: 28 + 6 * effort.rounds * (effort.seconds + 0.2),
    ),
    Group(
        lines=("P7",),
        name="stored accounts",
        measure=measure_accounts,
        takes=lambda effort: 12 + effort.scale / 6_000,
    ),
    Group(
        lines=("P8",),
        name="a Parquet file",
        measure=measure_parquet,
        takes=lambda effort: 10 + effort.scale / 20_000,
    ),
    Group(
        lines=("P10",),
        name="stored decisions",
        measure=measure_stored,
        takes=lambda effort: (
            20 + effort.scale / 10_000 + 4 * (effort.rounds + 2.5) * effort.seconds
        ),
    ),
    Group(
        lines=("P11",),
        name="starting",
        measure=measure_start,
        takes=lambda _: 26,
    ),
    Group(
        lines=("P12",),
        name="memory",
        measure=measure_memory,
        takes=lambda _: 30,
    ),
)
