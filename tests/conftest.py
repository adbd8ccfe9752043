"""A real Postgres for the tests: one server per run, one migrated template, clones of it.

The server starts when a first test asks for it and is shared by every xdist worker. The
process that was started by hand stops it at the end, whatever became of the workers.
`GOODFIT_TEST_DATABASE_URL` names a server to use instead (its user makes databases).
"""

import fcntl
import gc
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Final

import psutil
import pytest
from psycopg import Connection, sql
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from service.settings import sqlalchemy_url
from service.storage import libpq_url, migrate, open_engine
from service.storage.embedded import DataFolderUnusable, EmbeddedPostgres

_RUN_FOLDER: Final = "GOODFIT_TEST_RUN_FOLDER"
_GIVEN_URL: Final = "GOODFIT_TEST_DATABASE_URL"
_FAST: Final = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
_IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
_ROOM_BYTES: Final = 4 << 30
_YOUNG_OBJECTS: Final = 50_000
_numbers = count()


def pytest_configure(config: pytest.Config) -> None:
    """Name the folder of this run, once, before workers inherit the environment."""
    os.environ.setdefault("GOODFIT_SECRET_KEY", "Z29vZGZpdCBzZWFscyBub3RoaW5nIGluIHRlc3RzISE=")
    if hasattr(config, "workerinput") or _RUN_FOLDER in os.environ:
        return
    os.environ[_RUN_FOLDER] = str(_quickest_place() / f"goodfit-tests-{os.getpid()}")
    _remove_leftovers()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the run's server, from the process that began the run."""
    folder = _run_folder()
    if hasattr(config, "workerinput") or folder.name != f"goodfit-tests-{os.getpid()}":
        return
    given = os.environ.get(_GIVEN_URL)
    if given and (folder / "template-ready").exists():
        drop_database(sqlalchemy_url(given), _template_name())
    _remove(folder)
    del os.environ[_RUN_FOLDER]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow ones, so that no process is left alone with one at the end.

    Those of Spark stand together, so that one process starts it once.
    """
    items.sort(
        key=lambda item: (item.get_closest_marker("slow") is None, "spark" not in item.nodeid)
    )


def pytest_collection_finish() -> None:
    """Let no collection look through five thousand tests again, nor through what is soon gone."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on asyncio, as uvicorn does."""
    return "asyncio"


@pytest.fixture(scope="session")
def server_url() -> str:
    """Return the URL of a server on which databases may be made: the run's own, or the given."""
    given = os.environ.get(_GIVEN_URL)
    if given:
        return sqlalchemy_url(given)
    with _alone("server") as folder:
        address = folder / "url"
        if not address.exists():
            server = EmbeddedPostgres.start(folder / "home", parameters=_FAST)
            address.write_text(server.url(), encoding="utf-8")
            server.leave_running()
        return address.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def template(server_url: str) -> str:
    """Return the name of a migrated, empty database that may be cloned; one per run."""
    name = _template_name()
    with _alone("template") as folder:
        ready = folder / "template-ready"
        if not ready.exists():
            _administer(server_url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            migrate(database_on(server_url, name))
            ready.touch()
    return name


@pytest.fixture
def database_url(server_url: str, template: str) -> Iterator[str]:
    """Return the URL of a fresh migrated database for one test."""
    with _clone(server_url, template) as url:
        yield url


@pytest.fixture(scope="module")
def module_database_url(server_url: str, template: str) -> Iterator[str]:
    """Return the URL of a fresh migrated database that a module's tests share."""
    with _clone(server_url, template) as url:
        yield url


@pytest.fixture
def empty_database_url(server_url: str) -> Iterator[str]:
    """Return the URL of a database without any table, for one test."""
    with _clone(server_url, "template0") as url:
        yield url


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """Return an engine on a fresh migrated database, with the service's own limits."""
    engine = open_engine(database_url)
    yield engine
    await engine.dispose()


def database_on(server_url: str, name: str) -> str:
    """Return the URL of database *name* on the server of *server_url*."""
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


def drop_database(server_url: str, name: str) -> None:
    """Remove a database and end whoever is still connected to it."""
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    _administer(server_url, statement.format(sql.Identifier(name)))


@contextmanager
def _clone(server_url: str, template: str) -> Iterator[str]:
    name = f"{_template_name()}_{os.getpid()}_{next(_numbers)}"
    # Copying the files is quicker than logging every page, where nothing is flushed to a disk.
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
    _administer(server_url, statement.format(sql.Identifier(name), sql.Identifier(template)))
    try:
        yield database_on(server_url, name)
    finally:
        drop_database(server_url, name)


def _administer(server_url: str, statement: sql.Composed) -> None:
    with Connection.connect(libpq_url(server_url), autocommit=True) as connection:
        connection.execute(statement)


def _run_folder() -> Path:
    return Path(os.environ[_RUN_FOLDER])


def _template_name() -> str:
    return _run_folder().name.replace("-", "_")


@contextmanager
def _alone(name: str) -> Iterator[Path]:
    """Keep the run's other workers out of the block."""
    folder = _run_folder()
    folder.mkdir(mode=0o755, exist_ok=True)
    with (folder / f"{name}.lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def _quickest_place() -> Path:
    """Return the memory's own file system where there is room in it, else the temporary folder.

    Each test has a database of its own: ten megabytes that are written and thrown away.
    """
    has_room = (
        _IN_MEMORY.is_dir()
        and os.access(_IN_MEMORY, os.W_OK)
        and shutil.disk_usage(_IN_MEMORY).free >= _ROOM_BYTES
    )
    return _IN_MEMORY if has_room else Path(tempfile.gettempdir())


def _remove_leftovers() -> None:
    """Stop servers of runs that were killed before they could."""
    places = {_IN_MEMORY, Path(tempfile.gettempdir())}
    for folder in (found for place in places for found in place.glob("goodfit-tests-*")):
        number = folder.name.removeprefix("goodfit-tests-")
        is_mine = folder.stat().st_uid == os.geteuid()
        if is_mine and number.isdigit() and not psutil.pid_exists(int(number)):
            with suppress(DataFolderUnusable):  # another run is removing it
                _remove(folder)


def _remove(folder: Path) -> None:
    if (folder / "home" / "postgres" / "PG_VERSION").exists():
        EmbeddedPostgres.start(folder / "home", parameters=_FAST).stop()
    shutil.rmtree(folder, ignore_errors=True)
