"""The peers are of exact versions, and of ours where we use the same library."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PEERS = (ROOT / "benchmarks" / "peers.txt").read_text().splitlines()
NODE = json.loads((ROOT / "benchmarks" / "peers" / "node" / "package.json").read_text())


def test_every_python_peer_is_one_exact_version() -> None:
    """A figure is of one version; another may be faster or slower."""
    exact = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[a-z]+\])?==\d[A-Za-z0-9.]*")
    assert [line for line in PEERS if not exact.fullmatch(line)] == []


def test_a_library_that_both_use_is_of_our_version() -> None:
    """The echo runs on the server that we run on."""
    ours = dict(line.lower().split("==") for line in (ROOT / "constraints.txt").open())
    shared = [re.sub(r"\[.*\]", "", line).lower().split("==") for line in PEERS]
    differing = {name for name, version in shared if ours.get(name, version).strip() != version}
    assert differing == set()
    assert {"fastapi", "uvicorn", "uvloop", "sqlalchemy"} <= {name for name, _ in shared}


def test_every_node_peer_is_one_exact_version() -> None:
    """No range, and no lock file that would say where a package was fetched."""
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", one) for one in NODE["dependencies"].values())
    assert {"fastify", "json-rules-engine", "pg"} == set(NODE["dependencies"])
