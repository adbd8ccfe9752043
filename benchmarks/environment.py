"""The peers' own environment under `benchmarks/.peers`: Python packages, and Node's where it is.

Nothing of it is known to ours. It is made on first use and again when what it is made from
has changed.
"""

import hashlib
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["PEERS", "Peers", "install_peers", "installed_peers"]

HERE: Final = Path(__file__).resolve().parent
PEERS: Final = HERE / "peers"
"""The peers' own code."""

_HOME: Final = HERE / ".peers"
_ASKED: Final = HERE / "peers.txt"
_PINS: Final = HERE.parent / "constraints.txt"
_PYTHON: Final = _HOME / "python" / "bin" / "python"
_NODE: Final = _HOME / "node"
_NODE_SOURCES: Final = ("package.json", "server.mjs")
_TIMEOUT_S: Final = 300

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """Where the peers are; None where they are not, and then the reason says why."""

    python: Path | None
    node: Path | None
    why_no_python: str = ""
    why_no_node: str = ""


def install_peers(tell: Tell) -> Peers:
    """Return the peers, installed first where they are missing or out of date.

    Without them the bench goes on; the lines that need them say why they were not measured.
    """
    _HOME.mkdir(exist_ok=True)
    why_no_python = _install("python", _python_state(), _install_python, tell)
    why_no_node = _why_no_node() or _install("node", _node_state(), _install_node, tell)
    return Peers(
        python=None if why_no_python else _PYTHON,
        node=None if why_no_node else _NODE,
        why_no_python=why_no_python,
        why_no_node=why_no_node,
    )


def installed_peers() -> Peers:
    """Return the peers as they are, without installing anything."""
    has_python, has_node = _is_made("python", _python_state()), _is_made("node", _node_state())
    why = "the peers are not installed; `make bench` installs them"
    return Peers(
        python=_PYTHON if has_python else None,
        node=_NODE if has_node else None,
        why_no_python="" if has_python else why,
        why_no_node="" if has_node else _why_no_node() or why,
    )


def _install(name: str, state: str, work: Callable[[], None], tell: Tell) -> str:
    """Run *work* unless *state* is installed; return why it failed, or nothing."""
    if _is_made(name, state):
        return ""
    tell(f"installing the {name} peers into benchmarks/.peers")
    try:
        work()
    except subprocess.CalledProcessError as failure:
        last = (failure.stderr or failure.stdout or "it said nothing").strip().splitlines()[-1]
        return f"the {name} peers could not be installed: {last}"
    except subprocess.TimeoutExpired:
        return f"the {name} peers were not installed within {_TIMEOUT_S} s"
    (_HOME / f"{name}.made").write_text(state, encoding="utf-8")
    return ""


def _is_made(name: str, state: str) -> bool:
    made = _HOME / f"{name}.made"
    return made.exists() and made.read_text(encoding="utf-8") == state


def _install_python() -> None:
    _run(sys.executable, "-m", "venv", "--clear", str(_HOME / "python"))
    pip = (str(_PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet")
    _run(*pip, "install", "-r", str(_ASKED), "-c", str(_PINS))


def _install_node() -> None:
    shutil.rmtree(_NODE, ignore_errors=True)
    _NODE.mkdir()
    for name in _NODE_SOURCES:
        shutil.copy(PEERS / "node" / name, _NODE / name)
    npm = shutil.which("npm") or "npm"
    _run(npm, "install", "--no-audit", "--no-fund", "--no-package-lock", folder=_NODE)


def _run(*command: str, folder: Path = HERE) -> None:
    subprocess.run(  # noqa: S603 - our own interpreter, and the npm that is installed here
        command, cwd=folder, check=True, capture_output=True, text=True, timeout=_TIMEOUT_S
    )


def _why_no_node() -> str:
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    return f"no {' and no '.join(missing)} here" if missing else ""


def _python_state() -> str:
    return _state_of(_ASKED, _PINS) + f" {platform.python_version()}"


def _node_state() -> str:
    return _state_of(*(PEERS / "node" / name for name in _NODE_SOURCES))


def _state_of(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
