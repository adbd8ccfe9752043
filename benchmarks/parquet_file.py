"""P8: deciding a Parquet file, by the command that people use."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import duckdb
import yaml

from benchmarks.engines import Engines, Lead, running_engines
from benchmarks.figures import Measured, Spread, ratios
from benchmarks.ground import Ground, OutputsDiffer
from benchmarks.rules import ATTRIBUTES, plain_rules, rule_set
from benchmarks.turns import in_turns

__all__ = ["measure_parquet"]

_RULES: Final = 20
_TURNS: Final = 3
_SOME: Final = 10_000

# Box-Muller: DuckDB draws no normal numbers by itself.
_NORMAL: Final = "sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())"
_COLUMN: Final = f"round(least(100.0, greatest(0.0, level + 15 * {_NORMAL})), 1) AS {{}}"


def measure_parquet(ground: Ground) -> dict[str, Measured]:
    """Return P8: `goodfit score` on a Parquet file, beside zen-engine in a loop."""
    folder = ground.folder
    rules = folder / "plain_rules.yaml"
    rules.write_text(yaml.safe_dump(rule_set(_RULES), sort_keys=False), encoding="utf-8")
    many, some = folder / "many.parquet", folder / "some.parquet"
    _write(many, ground.effort.scale)
    _write(some, _SOME)
    with running_engines(ground.python_peers(), plain_rules(_RULES)) as engines:
        given = _read(some)
        _compare(engines, given, _score(rules, some))
        times = in_turns(
            {
                "ours": partial(_seconds, rules, many),
                "zen": partial(_extrapolated, engines, given, ground.effort.scale),
            },
            turns=_TURNS,
        )
    ours, zen = (_in_seconds(times[name]) for name in ("ours", "zen"))
    report = _score(rules, many)
    note = (
        f"{ground.effort.scale:,} rows, the command's start and its reading included; "
        f"zen-engine from {_SOME:,} rows that are in memory already"
    )
    return {
        "P8": Measured(
            figure=ratios(zen, ours),
            ours=ours,
            peer=zen,
            beside={"without the command's start": Spread((float(report["seconds"]),), "s")},
            notes=(note,),
        )
    }


def _write(file: Path, count: int) -> None:
    columns = ", ".join(_COLUMN.format(name) for name in ATTRIBUTES)
    levels = f"SELECT 10 + 100 * random() AS level FROM range({count})"  # noqa: S608 - a number
    with duckdb.connect() as connection:
        connection.execute("SELECT setseed(0.5)")
        connection.execute(f"COPY (SELECT {columns} FROM ({levels})) TO '{file}' (FORMAT parquet)")  # noqa: S608 - our own folder


def _read(file: Path) -> list[Lead]:
    with duckdb.connect() as connection:
        found = connection.execute("SELECT * FROM read_parquet(?)", [str(file)])
        return [dict(zip(ATTRIBUTES, row, strict=True)) for row in found.fetchall()]


def _score(rules: Path, file: Path) -> Mapping[str, Any]:
    """Return the report of `goodfit score` on *file*."""
    command = [str(Path(sys.executable).with_name("goodfit")), "score", str(rules), str(file)]
    done = subprocess.run(  # noqa: S603 - our own command line
        [*command, "--json"], capture_output=True, text=True, check=True
    )
    report: Mapping[str, Any] = json.loads(done.stdout)
    return report


def _seconds(rules: Path, file: Path) -> float:
    began = time.perf_counter()
    _score(rules, file)
    return time.perf_counter() - began


def _extrapolated(engines: Engines, given: list[Lead], count: int) -> float:
    """Return the seconds that *count* rows would take zen-engine."""
    return engines.time("zen", given, seconds=0.001) * count


def _in_seconds(spread: Spread) -> Spread:
    return Spread(tuple(value / 1e6 for value in spread.values), "s")


def _compare(engines: Engines, given: list[Lead], report: Mapping[str, Any]) -> None:
    """Hold our verdicts against zen-engine's.

    Raises:
        OutputsDiffer: If some verdict is not as frequent.
    """
    theirs = Counter(verdict for _, verdict in engines.judge("zen", given))
    ours = {name: found["rows"] for name, found in report["verdicts"].items() if found["rows"]}
    if ours != theirs:
        raise OutputsDiffer(f"of the Parquet file we say {ours}, zen-engine says {dict(theirs)}")
