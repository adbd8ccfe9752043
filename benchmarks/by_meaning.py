"""How long it takes to compare two rule sets by meaning: a table of its own after the lines.

Each pair differs by one edit: the points of a rule, or where a rule begins. Measured is what
whoever asks waits for everything that is decided otherwise, and the regions: two documents go to
the solver's process, which is started by the first and kept; nothing else does this, so there is
no peer but the clock.
"""

import argparse
import copy
import statistics
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from random import Random
from typing import Any, Final

import psutil

from benchmarks.rules import rule_set
from service.rules import load_rule_set
from service.rules.solver import Limits, compare_apart
from service.rules.solver.warm import Kept

__all__ = ["Compared", "compare_sizes", "edited"]

_BARS_S: Final = {20: 1.0, 40: 2.0, 80: 5.0, 200: None}
_LIMIT_S: Final = 60.0
_PAIRS: Final = 9
_CONDITIONS: Final = 2
_AT: Final = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Compared:
    """Pairs of one size: the seconds of each, and how many were not settled within the limit.

    *processor* are the seconds that its process had the processor for: on a busy machine far
    fewer.
    """

    rules: int
    seconds: tuple[float, ...]
    processor: tuple[float, ...]
    unsettled: int
    bar: float | None

    @property
    def median(self) -> float:
        """The middle of the seconds."""
        return statistics.median(self.seconds)


def edited(document: dict[str, Any], chance: Random) -> dict[str, Any]:
    """Return *document* with one rule that gives other points, or begins elsewhere."""
    after = copy.deepcopy(document)
    rule = chance.choice(after["scores"]["fit"]["groups"][0]["rules"])
    if chance.random() < 0.5:
        rule["points"] += chance.choice([-1, 1, 2])
    else:
        head, _, limit = rule["when"].rpartition(" ")
        rule["when"] = f"{head} {(int(limit) + 1) % 100}"
    return after


def compare_sizes(sizes: tuple[int, ...], *, pairs: int, limit_s: float) -> list[Compared]:
    """Return what comparing so many one-edit *pairs* of each size takes."""
    kept, limits = Kept(), Limits(seconds=limit_s)
    try:
        smallest = load_rule_set(rule_set(min(sizes), conditions=_CONDITIONS))
        compare_apart(smallest, smallest, at=_AT, limits=limits, run=kept.run)
        return [_compared(kept, size, pairs, limits) for size in sizes]
    finally:
        kept.end()


def _compared(kept: Kept, size: int, pairs: int, limits: Limits) -> Compared:
    seconds: list[float] = []
    processor: list[float] = []
    unsettled = 0
    before = rule_set(size, conditions=_CONDITIONS)
    old = load_rule_set(before)
    for number in range(pairs):
        new = load_rule_set(edited(before, Random(number)))
        began, used = time.perf_counter(), _busy(kept)
        found = compare_apart(old, new, at=_AT, limits=limits, run=kept.run)
        seconds.append(time.perf_counter() - began)
        processor.append(_busy(kept) - used)
        unsettled += not found.is_settled
    return Compared(size, tuple(seconds), tuple(processor), unsettled, _BARS_S.get(size))


def _busy(kept: Kept) -> float:
    """Return the seconds of processor that the workers and their forks have had."""
    times = [psutil.Process(pid).cpu_times() for pid in kept.pids()]
    return sum(t.user + t.system + t.children_user + t.children_system for t in times)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three pairs of each size")
    asked, _ = parser.parse_known_args()
    if find_spec("z3") is None:
        print("compared by meaning: not measured, the extra `solver` is not installed")
        sys.exit(0)
    print("\ncompared by meaning: pairs that differ by one edit")
    print(
        f"{'rules':>6}  {'median':>9}  {'of it busy':>10}  {'slowest':>9}  {'bar':>5}  not settled"
    )
    for one in compare_sizes(tuple(_BARS_S), pairs=3 if asked.quick else _PAIRS, limit_s=_LIMIT_S):
        busy = statistics.median(one.processor)
        bar = "" if one.bar is None else f"{one.bar:.0f} s"
        settled = f"{one.unsettled} of {len(one.seconds)}"
        times = f"{one.median:>7.2f} s  {busy:>8.2f} s  {max(one.seconds):>7.2f} s"
        print(f"{one.rules:>6}  {times}  {bar:>5}  {settled}")


if __name__ == "__main__":
    main()
