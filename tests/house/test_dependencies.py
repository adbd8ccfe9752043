"""What we install is what we tested, and says nothing about where it was fetched."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRACKED = subprocess.run(
    ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
).stdout.split("\0")[:-1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text().splitlines()
# In pieces, so that this file names no index either and needs no exception for itself.
INDEX_ADDRESS = re.compile(
    "|".join(
        (
            r"--(?:extra-)?index" + r"-url",
            r"--find" + r"-links",
            r"index[-_]url" + r"\s*=",
            r"files\.python" + r"hosted",
            r"pypi\.org" + r"/simple",
            r"\"resolved\":" + r"\s*\"http",
            r"^deb(?:-src)?" + r" http",
        )
    ),
    flags=re.MULTILINE,
)


def _names(requirements: Iterable[str]) -> set[str]:
    return {_normal(re.split(r"[^A-Za-z0-9._-]", one)[0]) for one in requirements}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_constraint_is_one_exact_version() -> None:
    """No range, no path, no address: a name and the version that was tested."""
    exact = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==\d[A-Za-z0-9.]*")
    assert [line for line in CONSTRAINTS if not exact.fullmatch(line)] == []


def test_every_declared_dependency_is_constrained() -> None:
    """A dependency without a pin would differ from machine to machine."""
    pinned = {_normal(line.split("==")[0]) for line in CONSTRAINTS}
    declared = chain(PROJECT["dependencies"], *EXTRAS.values())
    assert _names(declared) - pinned == set()


def test_constraints_are_sorted_and_name_nothing_twice() -> None:
    """A sorted list makes a change of versions readable in review."""
    names = [line.split("==")[0].lower() for line in CONSTRAINTS]
    assert names == sorted(set(names))


def test_no_committed_file_names_a_package_index() -> None:
    """Where packages come from is the business of the machine that installs them."""
    if not TRACKED:
        pytest.skip("not a git checkout, so there are no committed files to read")
    found = [name for name in TRACKED if _names_an_index(ROOT / name)]
    assert found == []


def _names_an_index(file: Path) -> bool:
    try:
        return bool(INDEX_ADDRESS.search(file.read_text()))
    except (UnicodeDecodeError, FileNotFoundError):
        return False


def test_every_library_we_import_is_declared() -> None:
    """What the service imports is asked for by name, not left to come along with something.

    Extras may be imported, where they are installed, by the modules named after them.
    """
    always = _names(PROJECT["dependencies"])
    homes = packages_distributions()
    undeclared = {
        f"{module.relative_to(ROOT)}: {name}"
        for folder in ("service", "migrations")
        for module in (ROOT / folder).rglob("*.py")
        for name in _imported(module)
        if name in homes
        and not {_normal(home) for home in homes[name]} & (always | _extras_of(module))
    }
    assert undeclared == set()


def _extras_of(module: Path) -> set[str]:
    """Return what the extra that *module* is named after brings along."""
    if module.name.startswith("spark_"):
        return _names(EXTRAS["spark"])
    is_solver = module.name.startswith("solver") or module.parent.name == "solver"
    return _names(EXTRAS["solver"]) if is_solver else set()


def test_there_is_one_driver_and_no_other_database() -> None:
    """Postgres through psycopg, in the service as in its tests; see decision 0006."""
    others = {"sqlite3", "aiosqlite", "asyncpg", "psycopg2", "pg8000", "pysqlite3"}
    found = {
        f"{module.relative_to(ROOT)}: {name}"
        for folder in ("service", "migrations", "tests")
        for module in (ROOT / folder).rglob("*.py")
        for name in _imported(module) & others
    }
    assert found == set()


def _imported(module: Path) -> set[str]:
    """Names of the top-level packages that *module* imports."""
    names = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names - {"service", "migrations"}
