"""What only a terminal shows: colour, progress, and Ctrl-C in the middle of long work."""

import os
import pty
import subprocess
import time
from pathlib import Path

import pytest

from service.rules.templates import read_template
from tests.journeys.processes import GOODFIT, ROOT, started

pytestmark = pytest.mark.slow
BROKEN = "rule_set: x\nattributes: {a: {type: numbr}}\noutcomes: [{id: r, verdict: review}]\n"


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Return a rule file with an error."""
    file = tmp_path / "broken.yaml"
    file.write_text(BROKEN)
    return file


def on_a_terminal(*arguments: str, environment: dict[str, str]) -> str:
    """Run a command on a terminal of its own and return what appeared there."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*GOODFIT, *arguments],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "TERM": "xterm", "PYTHONUTF8": "1"} | environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65_536)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        shown += part
    process.wait(timeout=30)
    os.close(ours)
    return shown.decode()


def test_colour_is_for_terminals_only(broken: Path) -> None:
    """A log file or a pipe gets plain text, and NO_COLOR is respected."""
    assert "\x1b[" in on_a_terminal("check", str(broken), environment={})
    assert "\x1b[" not in on_a_terminal("check", str(broken), environment={"NO_COLOR": "1"})
    piped = subprocess.run(
        [*GOODFIT, "check", str(broken)], cwd=ROOT, capture_output=True, check=False
    )
    assert piped.returncode == 1
    assert b"\x1b" not in piped.stdout


def test_ctrl_c_leaves_no_half_written_file(tmp_path: Path) -> None:
    """What stood there before still stands, and nothing else."""
    rules, leads, out = (tmp_path / name for name in ("rules.yaml", "leads.csv", "scored.csv"))
    rules.write_text(read_template("fleet_leads"))
    leads.write_text("vehicles,country\n" + "12,DE\n" * 200_000)
    out.write_text("from yesterday\n")
    arguments = ("score", str(rules), str(leads), "-o", str(out))
    with started(tmp_path / "terminal", *arguments) as terminal:
        partial = tmp_path / ".scored.csv.partial"
        deadline = time.monotonic() + 60
        while not (partial.exists() and partial.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert partial.exists()
        assert terminal.stop() not in {0, 1, 2}
        assert "Traceback" not in terminal.errors
    assert out.read_text() == "from yesterday\n"
    assert not list(tmp_path.glob(".scored*"))
