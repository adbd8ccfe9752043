"""`make bench`: Goodfit beside its peers, twelve lines measured side by side in one run.

Never fails for a figure: what is slow here may be fast elsewhere, and the other way round.
It stops where a peer comes to other verdicts than ours, because then nothing is compared.
"""

import argparse
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Final

from rich.console import Console

from benchmarks import intake, portfolio
from benchmarks.environment import install_peers
from benchmarks.ground import Effort, Ground, NotMeasured, OutputsDiffer
from benchmarks.groups import GROUPS, Group
from benchmarks.lines import LINES
from benchmarks.machine import name_machine
from benchmarks.pages import keep
from benchmarks.results import Results, as_text, write_results
from benchmarks.table import show

Tell = Callable[[str], None]

_WIDTH: Final = 130
"""Of the table, where there is no terminal."""


def main() -> None:
    """Measure what is asked for and print it."""
    if "--portfolio" in sys.argv:
        portfolio.main([one for one in sys.argv[1:] if one != "--portfolio"])
        return
    if "--intake" in sys.argv:
        intake.main([one for one in sys.argv[1:] if one != "--intake"])
        return
    asked = _arguments()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        results = measure(_effort(asked), wanted=asked.only, tell=_tell)
    except KeyboardInterrupt:
        _tell("stopped; nothing is left running")
        sys.exit(130)
    except OutputsDiffer as difference:
        _tell(f"not comparable: {difference}")
        sys.exit(1)
    if asked.json:
        print(as_text(results), end="")
    else:
        show(results, Console(width=None if sys.stdout.isatty() else _WIDTH))
    if asked.out is not None:
        write_results(results, asked.out)
    if asked.keep:
        keep(results)
    sys.exit(1 if results.has_failed else 0)


def measure(effort: Effort, *, wanted: frozenset[str], tell: Tell) -> Results:
    """Return the results of the *wanted* lines; *tell* hears how far it is.

    Raises:
        OutputsDiffer: If a peer does other work than ours.
    """
    began = time.monotonic()
    peers = install_peers(tell)
    groups = [group for group in GROUPS if wanted & set(group.lines)]
    results = Results(machine=name_machine(), effort=effort)
    with Ground(effort=effort, peers=peers) as ground:
        for place, group in enumerate(groups):
            left = sum(one.takes(effort) for one in groups[place:])
            tell(
                f"[{place + 1}/{len(groups)}] {group.name} ({', '.join(group.lines)}),"
                f" about {group.takes(effort):.0f} s; about {left / 60:.1f} minutes to go"
            )
            _measure_group(group, ground, results, wanted)
    results.took_s = time.monotonic() - began
    return results


def _measure_group(group: Group, ground: Ground, results: Results, wanted: frozenset[str]) -> None:
    lines = wanted & set(group.lines)
    try:
        found = group.measure(ground)
    except NotMeasured as reason:
        found = dict.fromkeys(lines, reason)
    except OutputsDiffer:
        raise
    except Exception as error:  # noqa: BLE001 - the other lines are worth having all the same
        traceback.print_exc()
        found = dict.fromkeys(lines, NotMeasured(f"failed: {error}"))
        results.has_failed = True
    for line in lines:
        measured = found[line]
        if isinstance(measured, NotMeasured):
            results.why_not[line] = str(measured)
        else:
            results.measured[line] = measured


def _effort(asked: argparse.Namespace) -> Effort:
    effort = Effort.quick() if asked.quick else Effort()
    return replace(effort, scale=asked.scale) if asked.scale else effort


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench", description=(__doc__ or "").partition(":")[2].strip()
    )
    parser.add_argument("--only", type=_lines, default=_lines(""), metavar="P1,P4")
    parser.add_argument("--quick", action="store_true", help="a few minutes, rough figures")
    parser.add_argument("--scale", type=int, help="accounts and stored decisions, else a million")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the JSON there, too")
    parser.add_argument(
        "--keep",
        action="store_true",
        help="renew docs/measurements/bench.json, the chart and the pages from this run",
    )
    parser.add_argument(
        "--portfolio",
        action="store_true",
        help="measure a large portfolio instead; see `--portfolio --help`",
    )
    asked = parser.parse_args()
    if asked.keep and (asked.quick or asked.scale or asked.only != _lines("")):
        parser.error("what is kept is a whole run; leave out --quick, --scale and --only")
    return asked


def _lines(text: str) -> frozenset[str]:
    """Return the ids in *text*, `P1,p4`; all where it is empty."""
    known = {line.id for line in LINES}
    asked = {name.strip().upper() for name in text.split(",") if name.strip()}
    if asked - known:
        raise argparse.ArgumentTypeError(f"no line {', '.join(sorted(asked - known))}")
    return frozenset(asked or known)


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """End as Ctrl-C does, so that everything that was started is stopped."""
    del number, frame
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
