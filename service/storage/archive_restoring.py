"""Put a backup's rows into an empty database: all of them, verified, or none.

While it runs a marker table stands in the database, and no Goodfit serves it. The rows
come in one transaction, which also takes the marker away, so a restore that is killed
leaves an empty database that says so, and the next one begins anew.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql

from service.storage.archive import ArchivedTable, BackupUnreadable, Manifest, RestoreRefused
from service.storage.archive_reading import Backup
from service.storage.archive_tables import (
    FoundTable,
    connect,
    find_partitions,
    find_revision,
    find_tables,
)
from service.storage.archive_verifying import check_audit, check_digests
from service.storage.audit import AuditAnchor
from service.storage.migrating import MARKER, MigrationFailed, is_known, migrate
from service.storage.refusals import without_values

__all__ = ["Restored", "check_target", "restore"]

_SEEDED: Final = (
    *("release_epoch", "audit_head"),
    *("procrastinate_workers", "procrastinate_jobs"),
    *("procrastinate_events", "procrastinate_periodic_defers"),
)
"""Tables in which there are rows as soon as somebody serves; they are emptied first and filled
last."""
_OUR_FUNCTIONS: Final = """
    SELECT oid::regprocedure::text FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace AND proname ~ '^(goodfit|procrastinate)_'
"""
_OUR_TYPES: Final = """
    SELECT oid::regtype::text FROM pg_type
    WHERE typnamespace = 'public'::regnamespace AND typname ~ '^procrastinate_'
"""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore has put there and found in order."""

    rows: int
    versions: int
    """How many had their digest recomputed."""
    audit: AuditAnchor
    broken: tuple[str, ...]
    """What does not hold and was kept because the caller said so; none otherwise."""


def check_target(url: str, manifest: Manifest) -> None:
    """Return where *manifest*'s rows may go into the database at *url*; changes nothing.

    Raises:
        RestoreRefused: If the database holds anything of Goodfit's, or the backup is of
            a schema that this version does not know.
    """
    if not is_known(manifest.revision):
        raise RestoreRefused(
            "backup_newer",
            f"the backup is of a newer schema (`{manifest.revision}`), made by Goodfit "
            f"{manifest.goodfit}; restore it with that version",
        )
    with _refusals(), connect(url) as session:
        _check_empty(session)


def restore(
    url: str,
    backup: Backup,
    *,
    service_url: str | None = None,
    keep_broken: bool = False,
    step: Callable[[int], None] | None = None,
) -> Restored:
    """Fill the empty database at *url* from *backup* and bring it up to date; blocks.

    Rows are counted, every version's digest recomputed, and the audit chain followed to
    the backup's anchor before anything is kept.

    Args:
        url: `postgresql+psycopg://...` of the schema's owner, of this or a newer Postgres.
        backup: Checked or not; a damaged one is found out and leaves nothing behind.
        service_url: What the service connects with, where that is another user.
        keep_broken: Whether rows are kept although a digest or the chain does not hold.
        step: Told how many rows are there; what it raises ends the restore.

    Raises:
        RestoreRefused: If the database cannot take it; see `check_target`.
        BackupUnreadable: If the file is not what its manifest says.
    """
    manifest = backup.manifest
    check_target(url, manifest)
    try:
        with _refusals(), connect(url) as session, _marked(session):
            if (find_revision(session) or "") > manifest.revision:
                _drop_newer(session)
            migrate(url, service_url=service_url, revision=manifest.revision, is_restoring=True)
            with session.transaction():
                restored = _fill(session, backup, keep_broken=keep_broken, step=step)
            for table in manifest.tables:
                session.execute(sql.SQL("ANALYZE {}").format(_public(table.name)))
        migrate(url, service_url=service_url)
    except MigrationFailed as error:
        raise RestoreRefused("restore_failed", str(error)) from error
    return restored


@contextlib.contextmanager
def _marked(session: psycopg.Connection[Any]) -> Iterator[None]:
    """Have the marker stand in the database during the block; only a kill leaves it there."""
    marker = sql.SQL("CREATE TABLE IF NOT EXISTS {} (begun_at timestamptz)")
    session.execute(marker.format(_marker()))
    try:
        yield
    except BaseException:
        with contextlib.suppress(psycopg.Error):
            session.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(_marker()))
        raise


def _drop_newer(session: psycopg.Connection[Any]) -> None:
    """Remove an empty schema that is newer than the backup's: there is no other way down."""
    with session.transaction():
        names = [_public(table.name) for table in find_tables(session)]
        names.append(_public("alembic_version"))
        listed = sql.SQL(", ").join(names)
        session.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(listed))
        _check_empty(session)
        session.execute(sql.SQL("DROP TABLE {} CASCADE").format(listed))
        for kind, catalogue in (("ROUTINE", _OUR_FUNCTIONS), ("TYPE", _OUR_TYPES)):
            for (name,) in session.execute(catalogue).fetchall():
                drop = sql.SQL("DROP {} IF EXISTS {} CASCADE")
                session.execute(drop.format(sql.SQL(kind), sql.SQL(name)))


def _fill(
    session: psycopg.Connection[Any],
    backup: Backup,
    *,
    keep_broken: bool,
    step: Callable[[int], None] | None,
) -> Restored:
    session.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(_marker()))
    manifest = backup.manifest
    tables = find_tables(session)
    archived = {table.name: table for table in manifest.tables}
    _check_fit(tables, archived)
    _make_partitions(session, manifest)
    for table in tables:
        # What a row sets off it has set off before. The lock also keeps other writers out.
        session.execute(_alter(table.name, "DISABLE TRIGGER USER"))
    _check_empty(session)
    done = 0
    for table in sorted(tables, key=lambda table: table.name in _SEEDED):
        if table.name in _SEEDED:
            session.execute(sql.SQL("DELETE FROM {}").format(_public(table.name)))
        blocks = _told(backup.read(archived[table.name]), step, done)
        done += _fill_table(session, blocks, archived[table.name], table=table)
    for table in tables:
        session.execute(_alter(table.name, "ENABLE TRIGGER USER"))
    versions, altered = check_digests(session)
    audit, breaks = check_audit(session, manifest.anchor)
    broken = (*altered, *breaks)
    if broken and not keep_broken:
        raise BackupUnreadable(
            f"{broken[0]}: it was changed before the backup or in it, and nothing was kept; "
            "use an older backup, or keep it all the same with `--keep-broken`"
        )
    session.execute(sql.SQL("DROP TABLE {}").format(_marker()))
    return Restored(rows=done, versions=versions, audit=audit, broken=broken)


def _fill_table(
    session: psycopg.Connection[Any],
    blocks: Iterator[bytes],
    archived: ArchivedTable,
    *,
    table: FoundTable,
) -> int:
    columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in archived.columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(_public(table.name), columns)
    with session.cursor() as cursor:
        with cursor.copy(statement) as copy:
            for block in blocks:
                copy.write(block)
        rows = cursor.rowcount
    if rows != archived.rows:
        raise BackupUnreadable(
            f"the backup says {archived.rows:,} rows of `{table.name}` and holds {rows:,}; "
            "do not trust the file"
        )
    if table.identity is not None and rows:
        session.execute(
            sql.SQL(
                "SELECT setval(pg_get_serial_sequence({}, {}), (SELECT max({}) FROM {}))"
            ).format(
                sql.Literal(f"public.{table.name}"),
                sql.Literal(table.identity),
                sql.Identifier(table.identity),
                _public(table.name),
            )
        )
    return rows


def _told(
    blocks: Iterator[bytes], step: Callable[[int], None] | None, before: int
) -> Iterator[bytes]:
    """Pass *blocks* on and tell *step* how many rows have come, with those *before* them."""
    rows = before
    for block in blocks:
        yield block
        rows += block.count(b"\n")
        if step is not None:
            step(rows)


def _check_empty(session: psycopg.Connection[Any]) -> None:
    for table in find_tables(session):
        if table.name in _SEEDED:
            continue
        row = session.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(_public(table.name)))
        if row.fetchone() is not None:
            raise RestoreRefused(
                "database_not_empty",
                "the database already holds Goodfit's data, and a restore never overwrites any; "
                "restore into a new one: `goodfit restore FILE --into /var/lib/goodfit-restored`",
            )


def _check_fit(tables: tuple[FoundTable, ...], archived: Mapping[str, ArchivedTable]) -> None:
    """Hold the backup's tables and columns against those that the migrations made."""
    ours = {table.name: table.columns for table in tables}
    theirs = {name: table.columns for name, table in archived.items()}
    for name in sorted(ours.keys() | theirs.keys()):
        if set(ours.get(name, ())) != set(theirs.get(name, ())):
            raise RestoreRefused(
                "backup_does_not_fit",
                f"`{name}` in the backup is not what the schema of that revision has; "
                "restore it with the version that made it",
            )


def _make_partitions(session: psycopg.Connection[Any], manifest: Manifest) -> None:
    """Make the months of the backup's decisions that the migrations did not make."""
    there = set(find_partitions(session))
    for name, first, after in manifest.months():
        if name in there:
            continue
        session.execute(
            sql.SQL("CREATE TABLE {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})").format(
                _public(name),
                _public("decision"),
                sql.Literal(first.isoformat()),
                sql.Literal(after.isoformat()),
            )
        )


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """Turn what the database says no with into words without values."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise RestoreRefused(
            "not_owner",
            f"the database user may not restore ({without_values(error)}); "
            "set GOODFIT_OWNER_DATABASE_URL to the schema's owner",
        ) from None
    except psycopg.Error as error:
        raise RestoreRefused(
            "restore_failed",
            f"the database refused the backup's rows ({without_values(error)}); nothing of it "
            "was kept, correct that and run it again",
        ) from None


def _marker() -> sql.Identifier:
    return _public(MARKER)


def _public(name: str) -> sql.Identifier:
    return sql.Identifier("public", name)


def _alter(table: str, change: str) -> sql.Composed:
    return sql.SQL("ALTER TABLE {} {}").format(_public(table), sql.SQL(change))
