"""The law of `test_law.py` on 3,000 pairs of up to eighty rules, once.

    python -m tests.solver.campaign

It works on one pair after the other in one process, for about an hour of one processor, writes
what it has after every half a minute and goes on from there when started again. It ends at the
first wrong answer; the same pair is looked at again with `--only NUMBER`.
"""

import argparse
import json
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from service.rules import load_rule_set
from service.rules.solver.comparing import compare_meaning
from tests.parity.campaign import ROOT, machine, revision, say
from tests.solver.pairs import pair_of
from tests.solver.test_law import AT, LEADS, assert_right

RESULT: Final = ROOT / "docs" / "measurements" / "meaning.json"
PAIRS: Final = 3_000
LIMIT_S: Final = 120.0
SIZES: Final = (*(5, 10, 5, 10, 15, 20) * 4, 5, 10, 40, 40, 60, 80)
"""The sizes that take turns: most pairs are small, and a hundred have eighty rules."""
_FIRST: Final = 1_000_000
"""Far from the numbers of the gate's pairs."""
_LEADS_KEPT: Final = 8
_SAVE_EVERY_S: Final = 30


@dataclass(frozen=True, slots=True)
class Tried:
    """What was said of one pair, none of it wrong, and the seconds of processor it took."""

    number: int
    size: int
    said: str
    seconds: float


def try_pair(number: int, *, leads: int = LEADS) -> Tried:
    """Compare pair *number*, and try what was said on so many *leads*, a tenth where they differ.

    Raises:
        AssertionError: If anything that was said is wrong.
    """
    size = SIZES[number % len(SIZES)]
    pair = pair_of(_FIRST + number, rules=size)
    before, after = load_rule_set(pair.before), load_rule_set(pair.after)
    began = time.process_time()
    found = compare_meaning(before, after, at=AT, limit_s=LIMIT_S)
    took = time.process_time() - began
    some = leads if found.is_same else leads // 10
    seed = number % _LEADS_KEPT
    assert_right(pair, found, rule_sets=(before, after), leads=some, seed=seed)
    said = "unsettled" if not found.is_settled else "same" if found.is_same else "different"
    return Tried(number, size, said, round(took, 3))


@dataclass
class Result:
    """The file of what was tried."""

    path: Path
    tried: list[Tried]
    runs: list[dict[str, object]]

    @classmethod
    def read(cls, path: Path) -> "Result":
        """Return what *path* holds, nothing where it is not there yet."""
        if not path.exists():
            return cls(path, [], [])
        kept = json.loads(path.read_text("utf-8"))
        tried = [
            Tried(number, SIZES[number % len(SIZES)], said, seconds)
            for number, (said, seconds) in enumerate(kept["tried"])
        ]
        return cls(path, tried, kept["runs"])

    def go_on(self, pairs: int) -> Iterator[Tried]:
        """Try the pairs that follow, up to so many in all."""
        run: dict[str, object] = {"revision": revision(), "first": len(self.tried), **machine()}
        self.runs.append(run)
        began, saved = time.monotonic(), 0.0
        for number in range(len(self.tried), pairs):
            one = try_pair(number)
            self.tried.append(one)
            took = time.monotonic() - began
            if took - saved >= _SAVE_EVERY_S or number == pairs - 1:
                saved = took
                run |= {
                    "pairs": number + 1 - int(str(run["first"])),
                    "seconds": round(took),
                    "of_it_busy": round(time.process_time()),
                }
                self.write()
            yield one

    def write(self) -> None:
        """Replace the file."""
        members = {
            "command": "python -m tests.solver.campaign",
            "goal": PAIRS, "pairs": len(self.tried), "wrong": 0, "leads_each": LEADS,
            "limit_s": LIMIT_S, "sizes": self.by_size(), "runs": self.runs,
            "tried": [[one.said, one.seconds] for one in self.tried],
        }  # fmt: skip
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        text = json.dumps(members, indent=1)
        head, _, rows = text.partition('"tried": ')
        rows = "".join(rows.split()).replace("],[", "],\n  [").removesuffix("}")
        partial.write_text(f'{head}"tried": {rows}\n}}\n', "utf-8")
        partial.replace(self.path)

    def by_size(self) -> dict[str, dict[str, Any]]:
        """Return what was said by size, the share unsettled, and how long it took."""
        found: dict[str, dict[str, Any]] = {}
        for size in sorted(set(SIZES)):
            some = [one for one in self.tried if one.size == size]
            if not some:
                continue
            counts = {
                said: sum(one.said == said for one in some)
                for said in ("same", "different", "unsettled")
            }
            seconds = [one.seconds for one in some]
            found[str(size)] = {
                "pairs": len(some), **counts,
                "share_unsettled": round(counts["unsettled"] / len(some), 4),
                "median_s": round(median(seconds), 2), "slowest_s": round(max(seconds), 2),
            }  # fmt: skip
        return found


def main() -> None:
    """Go on with the campaign, or look at one pair again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=PAIRS, help="how many in all")
    parser.add_argument("--out", type=Path, default=RESULT, help="the file of what was tried")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="try this one pair and stop")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if asked.only is not None:
        say(str(try_pair(asked.only)))
        return
    result = Result.read(asked.out)
    try:
        for one in result.go_on(asked.pairs):
            say(f"{one.number + 1:,} of {asked.pairs:,}: {one.size} rules, {one.said}, "
                f"{one.seconds:.1f} s")  # fmt: skip
    except AssertionError as wrong:
        result.write()
        say(f"pair {len(result.tried)} is wrong: {wrong}; look at it with --only")
        sys.exit(1)


if __name__ == "__main__":
    main()
