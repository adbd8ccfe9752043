"""The law of `test_law.py` on thousands of pairs, up to eighty rules each.

    python -m tests.solver.campaign --pairs 3000 --out docs/measurements/solver.json

It goes on where it stopped, writes after every pair, and ends at the first wrong answer.
"""

import argparse
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from service.rules import load_rule_set
from service.rules.solver.comparing import compare_meaning
from tests.parity.campaign import machine, revision
from tests.solver.pairs import pair_of
from tests.solver.test_law import AT, LEADS, assert_right

_SIZES: Final = (5, 10, 20, 40, 60, 80)
_LIMIT_S: Final = 60.0
_FIRST: Final = 1_000_000
"""Far from the numbers of the gate's pairs."""


@dataclass
class Tally:
    """What came out, by size."""

    done: int = 0
    sizes: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, size: int, said: str, seconds: float) -> None:
        """Count one pair."""
        row = self.sizes.setdefault(
            str(size), {"same": 0, "other": 0, "unsettled": 0, "slowest": 0.0}
        )
        row[said] += 1
        row["slowest"] = max(row["slowest"], round(seconds, 2))
        self.done += 1


def one_pair(number: int) -> tuple[int, str, float]:
    """Compare pair *number* and try what was said; return its size, what it was, and how long.

    Raises:
        AssertionError: If anything that was said is wrong.
    """
    size = _SIZES[number % len(_SIZES)]
    pair = pair_of(_FIRST + number, rules=size)
    before, after = load_rule_set(pair.before), load_rule_set(pair.after)
    began = time.perf_counter()
    found = compare_meaning(before, after, at=AT, limit_s=_LIMIT_S)
    took = time.perf_counter() - began
    assert_right(pair, found, leads=LEADS, seed=1)
    said = "unsettled" if not found.is_settled else "same" if found.is_same else "other"
    return size, said, took


def main() -> None:
    """Go on with the campaign."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3_000)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    tally = Tally()
    if asked.out.exists():
        kept = json.loads(asked.out.read_text("utf-8"))
        tally = Tally(kept["pairs"], kept["sizes"])
    workers = os.cpu_count() or 1
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for size, said, took in pool.map(one_pair, range(tally.done, asked.pairs)):
            tally.add(size, said, took)
            told = {
                "command": "python -m tests.solver.campaign", "pairs": tally.done, "wrong": 0,
                "leads_each": LEADS, "first_seed": _FIRST, "limit_s": _LIMIT_S,
                "sizes": tally.sizes, "revision": revision(), **machine(),
            }  # fmt: skip
            asked.out.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
            sys.stdout.write(f"{tally.done} of {asked.pairs}: {size} rules, {said}, {took:.1f} s\n")


if __name__ == "__main__":
    main()
