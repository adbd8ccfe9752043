"""The shape of the code: short modules, whole packages, quiet front doors."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(
    module
    for folder in ("service", "migrations", "tests", "benchmarks")
    for module in (ROOT / folder).rglob("*.py")
    if ".peers" not in module.parts  # what `make bench` installs is not ours
)
LONGEST_MODULE_LINES = 400
LEFTOVERS = re.compile(r"(utils?|helpers?|common|misc|managers?|service)\.py")
_COUNT_BUILT = """
from service.app import build_api
from service.web import Sent, Shown, StrictRoute
schemas = [Sent, Shown]
for schema in schemas:
    schemas += schema.__subclasses__()
routes = [one for one in build_api().routes if isinstance(one, StrictRoute)]
print(
    sum(one.__pydantic_complete__ for one in schemas[2:]),
    len(schemas),
    sum("dependant" in vars(one) for one in routes),
)
"""
HEAVY = ("duckdb", "pyarrow", "sqlglot", "z3", "alembic", "procrastinate")


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    """Past 400 lines a module has two subjects; split it by meaning."""
    lengths = {module: len(module.read_text().splitlines()) for module in MODULES}
    too_long = {str(m.relative_to(ROOT)): n for m, n in lengths.items() if n > LONGEST_MODULE_LINES}
    assert too_long == {}


def test_no_module_is_named_after_leftovers() -> None:
    """A module is named after what people do, so that one knows what belongs in it."""
    assert [str(module) for module in MODULES if LEFTOVERS.fullmatch(module.name)] == []


def test_every_folder_of_the_service_is_a_package() -> None:
    """A folder without `__init__.py` would be invisible to the import contracts."""
    folders = {module.parent for module in MODULES if module.is_relative_to(ROOT / "service")}
    assert [str(f) for f in sorted(folders) if not (f / "__init__.py").exists()] == []


@pytest.mark.parametrize("library", HEAVY)
def test_the_api_never_loads_a_bulk_library(library: str) -> None:
    """Columns, solving and migrations are other processes' work; the API must start at once."""
    loaded = _modules_loaded_by("service.app")
    assert not any(name == library or name.startswith(f"{library}.") for name in loaded)


def test_loading_the_api_builds_hardly_a_schema_and_no_route() -> None:
    """They are built when first used: a start must not wait for what nobody has asked for."""
    built, schemas, routes = map(int, _printed_by(_COUNT_BUILT).split())
    assert schemas > 300
    assert built < schemas / 20
    assert routes == 0


def test_the_core_loads_no_room_and_no_driver() -> None:
    """`service.rules` is useful on its own, without a database or a web framework."""
    loaded = _modules_loaded_by("service.rules")
    rooms = {n for n in loaded if n.startswith("service.") and not n.startswith("service.rules")}
    assert rooms == set()
    assert loaded & {"fastapi", "starlette", "sqlalchemy", "psycopg", "structlog", "httpx"} == set()


def test_scoring_a_file_loads_no_other_command_and_no_driver() -> None:
    """Programs score file after file, and most of a small one's time is the command's start."""
    loaded = _modules_loaded_by("service.cli.scoring")
    assert loaded & {"sqlalchemy", "psycopg", "httpx", "fastapi", "duckdb", "pyarrow"} == set()
    assert loaded & {"service.cli.door", "service.storage", "service.web"} == set()


@cache
def _modules_loaded_by(module: str) -> frozenset[str]:
    """Names of the modules in a fresh interpreter after importing *module*."""
    return frozenset(_printed_by(f"import sys, {module}; print(*sys.modules)").split())


def _printed_by(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout
