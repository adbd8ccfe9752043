"""A file whose scoring was stopped comes out as if nothing had happened."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.bulk import (
    ENGINES,
    Journal,
    MapDocument,
    Output,
    Scoring,
    Tally,
    open_input,
    open_output,
    plan_columns,
    problems_path,
    run_of,
)
from service.rules import RuleSet, load_rule_set, read_source
from tests.bulk.test_engines import write_csv

RULES = load_rule_set(
    """
rule_set: fleets
subject: lead
attributes:
  vehicles: {type: number, min: 0, max: 1000}
  since: {type: date}
scores:
  fit:
    floor: 0
    ceiling: 100
    groups:
      - id: all
        mode: sum
        rules:
          - {id: large, when: vehicles >= 100, points: 60}
          - {id: loyal, when: age_months(since) >= 12, points: 20}
outcomes:
  - {id: good, verdict: qualify, when: fit >= 60}
  - {id: bad, verdict: disqualify}
"""
)
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
CHUNK = 16


class Stopper:
    """Interrupts a run once it has told so often how far it is."""

    def __init__(self, after: int | None) -> None:
        """Let so many chunks pass, all for None."""
        self.after = after

    def __call__(self, position: int, decided: int) -> None:
        """Hear how far the run is."""
        del position
        if self.after is not None and decided >= self.after:
            raise KeyboardInterrupt


def run(
    file: Path, out: Path, *, engine: str, rules: RuleSet = RULES, at: datetime | None = None,
    stop: int | None = None,
) -> tuple[Mapping[str, object], int]:  # fmt: skip
    """Score as the command does; return the counts, and from which row on."""
    document, tally = MapDocument(), Tally(rules)
    with open_input(file) as rows:
        plan = plan_columns(
            rules.attributes, rows.columns, document=document, source=read_source("{}")
        )
        what = run_of(rules, document, path=file, engine=engine, with_summary=True)
        journal = Journal.beside(out, what, at=at or AT, is_at_given=at is not None)
        if journal.last is not None:
            tally.take_up(journal.last.tally)
        scoring = Scoring(rules=rules, plan=plan, at=journal.at, path=file, rows=rows, chunk=CHUNK)
        output = Output(rules, plan, types=getattr(rows, "types", {}))
        with open_output(out, output, journal=journal) as scored:
            begun_at = scored.done
            ENGINES[engine].score(scoring, tally=tally, file=scored, progress=Stopper(stop))
    return tally.to_json(), begun_at


def left_in(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("engine", ["rows", "duckdb"])
@pytest.mark.parametrize("kind", ["csv", "ndjson", "parquet"])
def test_stopped_after_every_chunk_the_bytes_are_the_same(
    tmp_path: Path, kind: str, engine: str
) -> None:
    """Interrupted again and again, with half a line behind what was kept: the same files."""
    file = tmp_path / "in.csv"
    write_csv(file, RULES)
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    for folder in (whole, stopped):
        folder.mkdir()
    expected, _ = run(file, whole / f"out.{kind}", engine=engine)
    out = stopped / f"out.{kind}"
    for stop in range(CHUNK, 100, CHUNK):
        with pytest.raises(KeyboardInterrupt):
            run(file, out, engine=engine, stop=stop)
        assert not out.exists()
        # Who is killed leaves more than was noted: that is thrown away.
        for path in stopped.glob(".*.partial"):
            with path.open("ab") as stream:
                stream.write(b"half a li")
    found, begun_at = run(file, out, engine=engine)
    assert begun_at > 90
    assert found == expected
    assert left_in(stopped) == left_in(whole)
    assert problems_path(out).name in left_in(whole)


def test_only_the_same_run_is_gone_on_with(tmp_path: Path) -> None:
    """Other rules, another instant or another input begin anew."""
    file, out = tmp_path / "in.parquet", tmp_path / "out.csv"
    columns: dict[str, Any] = {"vehicles": [float(n % 200) for n in range(100)]}
    pq.write_table(pa.table(columns), file)

    def begin(at: datetime | None = None) -> int:
        """Stop a run once it has kept something; return where it had begun."""
        with pytest.raises(KeyboardInterrupt):
            run(file, out, engine="duckdb", stop=CHUNK, at=at)
        _, begun_at = run(file, out, engine="duckdb", at=at)
        return begun_at

    later = AT + timedelta(days=400)
    assert begin() == CHUNK
    assert begin(at=later) == CHUNK
    with pytest.raises(KeyboardInterrupt):
        run(file, out, engine="duckdb", stop=CHUNK)
    other = load_rule_set(RULES.canonical.replace(b"100", b"101"))
    assert run(file, out, engine="duckdb", rules=other)[1] == 0
    with pytest.raises(KeyboardInterrupt):
        run(file, out, engine="duckdb", stop=CHUNK)
    assert run(file, out, engine="duckdb", at=later)[1] == 0
    with pytest.raises(KeyboardInterrupt):
        run(file, out, engine="duckdb", stop=CHUNK)
    pq.write_table(pa.table(columns | {"note": ["x"] * 100}), file)
    assert run(file, out, engine="duckdb")[1] == 0
    assert sorted(left_in(tmp_path)) == ["in.parquet", "out.csv"]
