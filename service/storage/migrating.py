"""Bring a database to the schema of this version.

Published migrations import `limit_waiting` from here, so its name and meaning stay. Alembic
is loaded where there is something to migrate: serving processes never need it.
"""

import functools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, create_engine, exc, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import NullPool

import service
from service.storage.engine import APP_ROLE
from service.storage.refusals import without_values

__all__ = ["MARKER", "Migration", "MigrationFailed", "is_known", "is_migrated", "limit_waiting"]
__all__ += ["known_revisions", "migrate", "newest_revision"]

MARKER: Final = "goodfit_restore"
"""A table that stands in a database from a restore's begin until its rows are there."""

# Any number will do, as long as every Goodfit uses the same: "goodfit" in ASCII.
_LOCK: Final = int.from_bytes(b"goodfit", "big")
_WAIT_FOR_OTHERS: Final = "120s"
# `migrations` lies beside `service`, in a clone as in an installed wheel.
_MIGRATIONS: Final = Path(service.__file__).resolve().parents[1] / "migrations"
_CHAIN: Final = re.compile(r'^(revision|down_revision)\b[^=]*= (?:"(\w+)"|None)', re.MULTILINE)


class MigrationFailed(Exception):
    """The schema could not be brought up to date; the message says at which statement's hands."""

    code = "migration_failed"


@dataclass(frozen=True, slots=True)
class Migration:
    """What `migrate` did: the revision found (None for an empty database) and the one reached."""

    before: str | None
    after: str

    @property
    def changed(self) -> bool:
        """Say whether anything was done."""
        return self.before != self.after


def migrate(
    url: str,
    *,
    service_url: str | None = None,
    revision: str | None = None,
    is_restoring: bool = False,
) -> Migration:
    """Bring the database at *url* to this version's schema; blocks, and may be repeated.

    Processes that start together take turns under an advisory lock; the first does the
    work. Each migration is one transaction, so a failure leaves the last whole one.

    Args:
        url: `postgresql+psycopg://...` of the schema's owner.
        service_url: What the service connects with, where that is another user; the user
            is allowed to become `goodfit_app`.
        revision: Where to stop, by default at the newest; for a backup's rows.
        is_restoring: Whether a restore asks, which may go on where one was cut off.

    Raises:
        MigrationFailed: If the server cannot be reached, is older than 15, is not UTF-8,
            was migrated by a newer Goodfit, waits for a restore to be finished, or
            refuses a statement.
    """
    engine = create_engine(
        url, poolclass=NullPool, hide_parameters=True, connect_args={"connect_timeout": 10}
    )
    try:
        with engine.connect() as connection, _turn(connection):
            _check_server(connection)
            before = _revision(connection)
            _check_not_newer(before)
            if not is_restoring:
                _check_not_half_restored(connection)
            if before != (revision or newest_revision()):
                _upgrade(connection, revision or "head")
            _let_service_in(connection, service_url)
            after = _revision(connection)
    except exc.DBAPIError as failure:
        raise MigrationFailed(_words(failure)) from failure
    finally:
        engine.dispose()
    if after is None:
        raise AssertionError("an upgrade leaves a revision behind")
    return Migration(before, after)


async def is_migrated(connection: AsyncConnection) -> bool:
    """Say whether the database has exactly this version's schema, or a newer one's.

    A newer schema is fine: every migration lets the code before it go on working.
    """
    found = (
        await connection.execute(
            text(
                "SELECT to_regclass('alembic_version') IS NOT NULL"
                f" AND to_regclass('{MARKER}') IS NULL"
            )
        )
    ).scalar_one()
    if not found:
        return False
    revision = (
        await connection.execute(text("SELECT version_num FROM alembic_version"))
    ).scalar_one_or_none()
    known = known_revisions()
    return revision is not None and (revision not in known or revision == known[0])


def limit_waiting(*, lock: str = "2s", statement: str = "60s") -> None:
    """Bound this migration's transaction; the first line of every `upgrade` and `downgrade`.

    A change that waits for a lock makes every later reader wait behind it.
    """
    from alembic import op  # noqa: PLC0415 - only migrations call this

    op.execute(f"SET LOCAL lock_timeout = '{lock}'")
    op.execute(f"SET LOCAL statement_timeout = '{statement}'")


def newest_revision() -> str:
    """Return the schema revision that this version migrates to."""
    return known_revisions()[0]


def is_known(revision: str) -> bool:
    """Say whether *revision* is one that this version has a migration for."""
    return revision in known_revisions()


@contextmanager
def _turn(connection: Connection) -> Iterator[None]:
    """Hold the advisory lock that lets one migrating process in at a time."""
    connection.execute(text("SET search_path = public"))
    connection.execute(text(f"SET lock_timeout = '{_WAIT_FOR_OTHERS}'"))
    connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
    connection.commit()
    try:
        yield
        connection.commit()
    finally:
        if not connection.invalidated:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
            connection.commit()


def _check_server(connection: Connection) -> None:
    number = int(connection.execute(text("SHOW server_version_num")).scalar_one())
    encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
    connection.commit()
    if number < 150_000:
        raise MigrationFailed(
            f"the server is Postgres {number // 10_000}; Goodfit needs 15 or later"
        )
    if encoding != "UTF8":
        raise MigrationFailed(
            f"the database's encoding is {encoding}; make one with ENCODING 'UTF8'"
        )


def _check_not_newer(revision: str | None) -> None:
    if revision is not None and revision not in known_revisions():
        raise MigrationFailed(
            f"the database was migrated by a newer Goodfit (to `{revision}`); start that version"
        )


def _check_not_half_restored(connection: Connection) -> None:
    found = connection.execute(text(f"SELECT to_regclass('public.{MARKER}') IS NOT NULL"))
    is_unfinished = found.scalar_one()
    connection.commit()
    if is_unfinished:
        raise MigrationFailed(
            "a restore into this database was not finished, and nothing of it is there yet; "
            "run `goodfit restore` again, which begins anew"
        )


def _let_service_in(connection: Connection, service_url: str | None) -> None:
    """Let the service's own user become the role that every session runs as."""
    connection.execute(text(f"GRANT SELECT ON alembic_version TO {APP_ROLE}"))
    owner = connection.execute(text("SELECT current_user")).scalar_one()
    user = make_url(service_url).username if service_url is not None else None
    for member in {owner, user or owner}:
        already = connection.execute(
            text("SELECT pg_has_role(CAST(:member AS name), CAST(:role AS name), 'MEMBER')"),
            {"member": member, "role": APP_ROLE},
        ).scalar_one()
        if not already:
            quoted = connection.dialect.identifier_preparer.quote_identifier(member)
            connection.execute(text(f"GRANT {APP_ROLE} TO {quoted}"))
    connection.commit()


def _revision(connection: Connection) -> str | None:
    """Return the revision a database is at, None where nothing was ever migrated."""
    found = connection.execute(text("SELECT to_regclass('alembic_version')")).scalar_one()
    if found is not None:
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    connection.commit()
    return None if found is None else str(found)


def _upgrade(connection: Connection, revision: str) -> None:
    from alembic import command  # noqa: PLC0415 - a fifth of a second that most starts need not wait
    from alembic.config import Config  # noqa: PLC0415 - as above

    configuration = Config()
    configuration.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, revision)


@functools.cache
def known_revisions() -> tuple[str, ...]:
    """Return this version's revisions, the newest first, as the migrations' own lines say."""
    after: dict[str | None, str] = {}
    for file in sorted((_MIGRATIONS / "versions").glob("*.py")):
        said = {name: value or None for name, value in _CHAIN.findall(file.read_text())}
        after[said["down_revision"]] = str(said["revision"])
    chain: list[str] = []
    while (following := after.get(chain[-1] if chain else None)) is not None:
        chain.append(following)
    return tuple(reversed(chain))


def _words(failure: exc.DBAPIError) -> str:
    original: Any = failure.orig
    said = without_values(original) if isinstance(original, psycopg.Error) else "unknown error"
    if isinstance(original, psycopg.errors.InsufficientPrivilege):
        return (
            f"the database refused a change ({said}); run it as the schema's owner "
            "(GOODFIT_OWNER_DATABASE_URL), and let an administrator run `CREATE ROLE "
            f"{APP_ROLE} NOLOGIN; GRANT {APP_ROLE} TO <owner> WITH ADMIN OPTION` first "
            "where the owner may not make roles"
        )
    if isinstance(original, psycopg.errors.LockNotAvailable):
        return (
            f"another session held a lock for too long ({said}); "
            "nothing was changed by this step, run it again when it is quieter"
        )
    return f"the database could not be migrated ({said}); correct that and run it again"
