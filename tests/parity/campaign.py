"""`make campaign`: twenty million comparisons, and twenty thousand with Spark.

It writes what it has after every half a minute and goes on from there when started again, so
it may be stopped at any time. A difference stops it; the same rule set is looked at again with
`python -m tests.parity.campaign --only NUMBER`.
"""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
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

    def run(self, engines: Sequence[Engine], save: "Result") -> None:
        """Compare until the goal is reached."""
        began, first = time.monotonic(), self.following
        run: dict[str, object] = {"revision": revision(), "first_rule_set": first, **machine()}
        self.runs.append(run)
        saved = 0.0
        while self.done < self.goal:
            self.count.add(Question.of(self.following, work=WORK).compare(*engines))
            self.following += 1
            took = time.monotonic() - began
            if took - saved >= _SAVE_EVERY_S or self.done >= self.goal:
                run |= {"rule_sets": self.following - first, "seconds": round(took),
                        "processor_seconds": round(time.process_time())}  # fmt: skip
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
def engines() -> Iterator[tuple[Engine, ...]]:
    """Start DuckDB, and a Postgres of our own."""
    with tempfile.TemporaryDirectory(prefix="goodfit-campaign-") as home:
        Path(home).chmod(0o755)  # its server is another user where we are root
        server = EmbeddedPostgres.start(Path(home) / "home", parameters=_FAST)
        try:
            with postgres(server.url()) as connected:
                yield DuckDB(), connected
        finally:
            server.stop()


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
    lacking = why_not()
    with ExitStack() as stack:
        if chosen.part != "engines" and lacking is None:
            started: Sequence[Engine] = (stack.enter_context(spark()),)
            run(result, "spark", started, only=chosen.only)
        elif chosen.part != "engines":
            say(f"spark: left out; {lacking}")
        if chosen.part != "spark":
            run(result, "engines", stack.enter_context(engines()), only=chosen.only)


def run(result: Result, name: str, started: Sequence[Engine], *, only: int | None) -> None:
    """Run one part, or one rule set of it."""
    if only is not None:
        count = Question.of(only, work=WORK).compare(*started)
        say(f"{name}: rule set {only} is alike in {count.total:,} comparisons")
    else:
        result.parts[name].run(started, result)


if __name__ == "__main__":
    main()
