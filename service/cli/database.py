"""The database a command works on: the one in `DATABASE_URL`, else Goodfit's own."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import psycopg
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.cli.safekeeping import back_up_before_migrating
from service.cli.screen import NO, refuse
from service.settings import Settings
from service.storage import (
    DatabaseNotMigrated,
    DatabaseUnavailable,
    Migration,
    MigrationFailed,
    SessionLimits,
    migrate,
    open_engine,
    transaction,
)
from service.storage.embedded import DataFolderUnusable, EmbeddedPostgres, PostgresDidNotStart
from service.storage.embedded_folder import FolderLock

Result = TypeVar("Result")


@contextmanager
def own_server(folder: Path) -> Iterator[EmbeddedPostgres]:
    """Run the embedded server of *folder* for the length of the block, and stop it after.

    Where it cannot be started the command ends with 1 and says what to do.
    """
    try:
        server = EmbeddedPostgres.start(folder)
    except (DataFolderUnusable, PostgresDidNotStart) as error:
        refuse(str(error), code=NO)
    with server:
        yield server


@contextmanager
def database_of(settings: Settings) -> Iterator[str]:
    """Give the URL of the database that *settings* name, or of our own, started if need be.

    A server of our own that another Goodfit is running is used and left running.
    """
    if settings.database_url is not None:
        yield settings.database_url
        return
    try:
        server = EmbeddedPostgres.start(settings.data_folder)
    except DataFolderUnusable as error:
        if error.code != "folder_in_use":
            refuse(str(error), code=NO)
        yield _url_in(settings.data_folder)
        return
    except PostgresDidNotStart as error:
        refuse(str(error), code=NO)
    with server:
        yield server.url()


def own_folder(settings: Settings) -> Path | None:
    """Return the data folder of a server of our own; None where DATABASE_URL names another."""
    return settings.data_folder if settings.database_url is None else None


def bring_up_to_date(settings: Settings, url: str, *, home: Path | None = None) -> Migration:
    """Migrate the database at *url*, as its owner where settings name one; else end with 1.

    *home* is the data folder of a server of our own, which is backed up before its schema
    is changed.
    """
    owner = settings.owner_database_url or url
    if home is not None:
        back_up_before_migrating(url, home)
    try:
        return migrate(owner, service_url=url if owner != url else None)
    except MigrationFailed as error:
        refuse(_unreachable(error) or str(error), code=NO)


def _unreachable(error: MigrationFailed) -> str | None:
    """Return in one line that no server answered, where that is what went wrong."""
    cause = error.__cause__
    driver = cause.orig if isinstance(cause, exc.OperationalError) else None
    if not isinstance(driver, psycopg.OperationalError) or driver.sqlstate is not None:
        return None
    said = str(driver).splitlines()[0].strip().lower()
    return f"the database does not answer ({said}); start it, or correct DATABASE_URL"


def on_database(
    url: str,
    work: Callable[[AsyncEngine], Awaitable[Result]],
    *,
    limits: SessionLimits | None = None,
) -> Result:
    """Run *work* with an engine on the database at *url* and return what it returns.

    Where the database does not answer, or was not migrated, the command ends with 1.
    """

    async def run() -> Result:
        engine = open_engine(url, limits=limits)
        try:
            return await work(engine)
        finally:
            await engine.dispose()

    try:
        return asyncio.run(run())
    except (DatabaseUnavailable, DatabaseNotMigrated) as error:
        refuse(str(error), code=NO)


def in_transaction(url: str, work: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
    """Run *work* in one transaction on the database at *url*; see `on_database`."""

    async def run(engine: AsyncEngine) -> Result:
        async with transaction(engine) as connection:
            return await work(connection)

    return on_database(url, run)


def _url_in(folder: Path) -> str:
    """Return the URL of the server that another process runs in *folder*."""
    return EmbeddedPostgres(folder=folder, programs=folder, user=None, lock=FolderLock(None)).url()
