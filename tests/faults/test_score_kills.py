"""A scoring that is killed goes on where it was, and leaves the bytes of an undisturbed one."""

import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.bulk.engines import CHUNK_ROWS

pytestmark = pytest.mark.slow

PATIENCE_S = 300
AT = "2026-03-01T00:00:00Z"
RULES = """
rule_set: fleets
subject: lead
attributes:
  vehicles: {type: number, min: 0, max: 1000}
outcomes:
  - {id: good, verdict: qualify, when: vehicles >= 100}
  - {id: bad, verdict: disqualify}
"""


def started(folder: Path, out: Path) -> subprocess.Popen[str]:
    """Start `goodfit score`."""
    command = [sys.executable, "-c", "from service.cli import main; main()", "score"]
    command += [str(folder / "rules.yaml"), str(folder / "in.parquet"), "-o", str(out)]
    return subprocess.Popen(
        [*command, "--no-summary", "--map", str(folder / "map.yaml"), "--at", AT],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def finished(folder: Path, out: Path) -> str:
    """Score to the end; return what was said of going on."""
    process = started(folder, out)
    _, error = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, error
    return error


def test_killed_after_a_chunk_it_goes_on_behind_it(tmp_path: Path) -> None:
    """After SIGKILL nothing stands under the output's name; the same command finishes it."""
    (tmp_path / "rules.yaml").write_text(RULES, "utf-8")
    (tmp_path / "map.yaml").write_text("keep: []\n", "utf-8")
    vehicles = [float(n % 200) for n in range(CHUNK_ROWS + 20_000)]
    pq.write_table(pa.table({"vehicles": vehicles}), tmp_path / "in.parquet")
    killed, whole = tmp_path / "killed.csv", tmp_path / "whole.csv"
    journal = tmp_path / ".killed.csv.journal"
    process = started(tmp_path, killed)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not journal.exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.002)
    finally:
        process.kill()
        process.communicate()
    assert journal.exists()
    assert not killed.exists()
    said = finished(tmp_path, killed)
    assert f"{CHUNK_ROWS:,}" in said
    assert "going on" not in finished(tmp_path, whole)
    assert killed.read_bytes() == whole.read_bytes()
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["in.parquet", "killed.csv", "map.yaml", "rules.yaml", "whole.csv"]
