"""`make campaign`: twenty million comparisons, and twenty thousand with Spark.

It takes every processor, writes what it has after every half a minute and goes on from there
when started again, so it may be stopped at any time. A difference stops it; the same rule set is
looked at again with `python -m tests.parity.campaign --only NUMBER`.
"""

import argparse
import itertools
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import duckdb

from service.storage.embedded import EmbeddedPostgres
from tests.parity.counting import Count, Question
from tests.parity.engines import DuckDB, Engine, postgres
from tests.parity.spark import spark, why_not

ROOT: Final = Path(__file__).resolve().parents[2]
RESULT: Final = ROOT / "docs" / "measurements" / "parity.json"
COMPARISONS, OF_SPARK = 20_000_000, 20_000
WORK: Final = 60_000
_SAVE_EVERY_S: Final = 30
_FAST: Final = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


@dataclass
class Part:
    """A stretch of rule sets, compared with some engines, and the runs that it took.

    Attributes:
        goal: How many comparisons it is to make.
        following: The number of the next rule set.
    """

    name: str
    goal: int
    following: int = 0
    count: Count = field(default_factory=Count)
    runs: list[dict[str, object]] = field(default_factory=list)

    @property
    def done(self) -> int:
        """The comparisons made; with Spark only its own count."""
        return self.count.comparisons["spark"] if self.name == "spark" else self.count.total

    def run(self, counts: Iterator[Count], save: "Result") -> None:
        """Add *counts*, those of the rule sets that follow, until the goal is reached."""
        began, first = time.monotonic(), self.following
        run: dict[str, object] = {"revision": revision(), "first_rule_set": first, **machine()}
        self.runs.append(run)
        saved = 0.0
        while self.done < self.goal:
            self.count.add(next(counts))
            self.following += 1
            took = time.monotonic() - began
            if took - saved >= _SAVE_EVERY_S or self.done >= self.goal:
                run |= {"rule_sets": self.following - first, "seconds": round(took)}
                save.write()
                saved = took
                say(f"{self.name}: {self.done:,} of {self.goal:,}, {self.following} rule sets")

    def to_json(self) -> dict[str, object]:
        """Return all of it."""
        return {
            "goal": self.goal, "comparisons": self.done, "differences": 0,
            "next_rule_set": self.following, "never_occurred": self.count.never(),
            "count": self.count.to_json(), "runs": self.runs,
        }  # fmt: skip


@dataclass
class Result:
    """The file of what was compared."""

    path: Path
    parts: dict[str, Part]

    @classmethod
    def read(cls, path: Path) -> "Result":
        """Return what *path* holds, nothing where it is not there yet."""
        parts = {"engines": Part("engines", COMPARISONS), "spark": Part("spark", OF_SPARK)}
        if path.exists():
            found = json.loads(path.read_text(encoding="utf-8"))
            for name, part in parts.items():
                part.following = found[name]["next_rule_set"]
                part.count = Count.from_json(found[name]["count"])
                part.runs = found[name]["runs"]
        return cls(path, parts)

    def write(self) -> None:
        """Replace the file."""
        members = {
            "command": "make campaign",
            "work": WORK,
            **{name: part.to_json() for name, part in self.parts.items()},
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(members, indent=1, ensure_ascii=False) + "\n", "utf-8")
        partial.replace(self.path)


def revision() -> str:
    """Return the commit that is checked out, `+` behind it where files differ from it."""
    git = ["git", "-C", str(ROOT)]
    try:
        head = subprocess.check_output([*git, "rev-parse", "--short", "HEAD"], text=True).strip()
        changed = subprocess.check_output([*git, "status", "--porcelain", "service", "tests"])
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + ("+" if changed else "")


def machine() -> dict[str, object]:
    """Return what it ran on."""
    return {
        "processors": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
        "load_at_start": round(os.getloadavg()[0], 1),
    }


@contextmanager
def engines(following: int) -> Iterator[Iterator[Count]]:
    """Give the counts of one rule set after the other, by DuckDB and a Postgres of our own.

    Each processor works on another rule set; the counts come in the order of their numbers.
    """
    with tempfile.TemporaryDirectory(prefix="goodfit-campaign-") as home:
        Path(home).chmod(0o755)  # its server is another user where we are root
        server = EmbeddedPostgres.start(Path(home) / "home", parameters=_FAST)
        processors = os.cpu_count() or 1
        pool = ProcessPoolExecutor(
            processors, mp_context=get_context("spawn"), initializer=_open, initargs=(server.url(),)
        )
        try:
            yield _in_order(pool, following, ahead=2 * processors)
        finally:
            pool.shutdown(cancel_futures=True)
            server.stop()


def _in_order(pool: ProcessPoolExecutor, following: int, *, ahead: int) -> Iterator[Count]:
    """Yield the counts of the rule sets from *following* on, so many of them under way."""
    numbers = itertools.count(following)
    under_way = deque(pool.submit(_compare, next(numbers)) for _ in range(ahead))
    while True:
        yield under_way.popleft().result()
        under_way.append(pool.submit(_compare, next(numbers)))


_opened: list[Engine] = []
_open_sessions = ExitStack()  # whatever it has entered lasts as long as it does


def _open(url: str) -> None:
    """Open a process's engines, which last as long as it does."""
    _opened.extend((DuckDB(), _open_sessions.enter_context(postgres(url))))


def _compare(number: int) -> Count:
    return Question.of(number, work=WORK).compare(*_opened)


def say(words: str) -> None:
    """Print a line of progress."""
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def main() -> None:
    """Go on with the campaign, or look at one rule set again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=RESULT, help="the file of what was compared")
    parser.add_argument("--only", type=int, help="compare this one rule set and stop")
    parser.add_argument("--part", choices=("engines", "spark"), help="only this part")
    chosen = parser.parse_args()
    result = Result.read(chosen.out)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # leaves no server behind
    if chosen.part != "engines":
        _run_spark(result, chosen.only)
    if chosen.part != "spark":
        part = result.parts["engines"]
        following = part.following if chosen.only is None else chosen.only
        with engines(following) as counts:
            _run(part, counts, result, is_one=chosen.only is not None)


def _run_spark(result: Result, only: int | None) -> None:
    """Run the part of Spark, where it can run; it takes every processor by itself."""
    lacking = why_not()
    if lacking is not None:
        say(f"spark: left out; {lacking}")
        return
    part = result.parts["spark"]
    with spark() as engine:
        numbers = itertools.count(part.following if only is None else only)
        counts = (Question.of(number, work=WORK).compare(engine) for number in numbers)
        _run(part, counts, result, is_one=only is not None)


def _run(part: Part, counts: Iterator[Count], result: Result, *, is_one: bool) -> None:
    """Run one part, or one rule set of it."""
    if is_one:
        say(f"{part.name}: this rule set is alike in {next(counts).total:,} comparisons")
    else:
        part.run(counts, result)


if __name__ == "__main__":
    main()
