"""`goodfit` as a process of its own, as a person starts it in a terminal."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

GOODFIT = (sys.executable, "-c", "from service.cli import main; main()")
ROOT = Path(__file__).resolve().parents[2]
_READY_WITHIN_S = 90.0


class Started:
    """A running command; what it prints is in `output`, standard error in `errors`."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self._folder = folder

    @property
    def output(self) -> str:
        """Return what was printed to standard output so far."""
        return (self._folder / "stdout").read_text(encoding="utf-8")

    @property
    def errors(self) -> str:
        """Return what was printed to standard error so far."""
        return (self._folder / "stderr").read_text(encoding="utf-8")

    def wait_for(self, words: str, *, within_s: float = _READY_WITHIN_S) -> str:
        """Wait until *words* were printed; return everything that was."""
        deadline = time.monotonic() + within_s
        while words not in self.output:
            assert self.process.poll() is None, self.output + self.errors
            assert time.monotonic() < deadline, self.output + self.errors
            time.sleep(0.05)
        return self.output

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal, wait for the end, and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=60)


@contextmanager
def started(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> Iterator[Started]:
    """Run `goodfit` with *arguments*; it is gone when the block ends. Output goes to *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    clean = {n: v for n, v in os.environ.items() if n != "DATABASE_URL" and "GOODFIT_" not in n}
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        process = subprocess.Popen(
            [*GOODFIT, *arguments],
            cwd=ROOT,
            env=clean | {"PYTHONUNBUFFERED": "1"} | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        running = Started(process, folder)
        try:
            yield running
        finally:
            if process.poll() is None:
                running.stop()


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_listening(port: int) -> bool:
    """Say whether somebody accepts connections on *port*."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def answering(pid: int) -> list[psutil.Process]:
    """Return the processes under `goodfit serve` with *pid* that answer requests."""
    found = []
    for child in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            # One that has died keeps its name until `goodfit serve` has learned how.
            if child.name() == "goodfit server" and child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
    return found


def postgres_in(folder: Path) -> list[int]:
    """Return the process ids of Postgres servers that work below *folder*."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() == "postgres" and Path(process.cwd()).is_relative_to(folder):
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found
