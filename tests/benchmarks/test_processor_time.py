"""What a process and its children used only grows, whoever of them ends."""

import subprocess
import sys

from benchmarks.processor_time import used_s

WORK = "import time\nwhile time.process_time() < 0.3: pass"
PARENT = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {WORK!r}], check=True)
print("ended", flush=True)
sys.stdin.read()
"""


def test_a_child_that_ended_is_still_counted() -> None:
    """A database's sessions come and go between two looks."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ended\n"
        assert used_s(process.pid) >= 0.3
        process.communicate()
    assert used_s(process.pid) == 0.0
    assert used_s(None) == 0.0
