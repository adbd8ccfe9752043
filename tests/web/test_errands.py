"""How a process that works on an errand is ended."""

import asyncio
import signal
import subprocess
import sys

import pytest

from service.web import errands

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("import time; print(flush=True); time.sleep(600)", -signal.SIGTERM),
        ("import sys; print(flush=True); sys.stdin.read(); sys.exit(3)", None),
    ],
    ids=["one that still loads", "one that hears its line"],
)
async def test_a_server_that_leaves_waits_for_nobody_who_has_not_begun(
    program: str, code: int | None
) -> None:
    """It is told to end and does; before, it was waited for and then killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    await process.stdout.readline()
    await errands._end(process)  # noqa: SLF001 - what a server does with it as it leaves
    if code is None:
        assert process.returncode in {3, -signal.SIGTERM}
    else:
        assert process.returncode == code


def test_a_process_that_finds_nothing_to_do_says_nothing() -> None:
    """Nor do the libraries that it loaded: what it prints stands in its server's terminal."""
    command = (sys.executable, "-P", "-c", errands._PROGRAM, errands._HOME)  # noqa: SLF001 - as it is started
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
