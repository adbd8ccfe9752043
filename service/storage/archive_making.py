"""Make a backup: every table in one snapshot, streamed into one file."""

import hashlib
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, Final

import psycopg
from psycopg import sql

from service.storage.archive import (
    FORMAT,
    MANIFEST,
    ArchivedTable,
    BackupFailed,
    Manifest,
    member_of,
)
from service.storage.archive_file import file_words, new_file
from service.storage.archive_tables import (
    FoundTable,
    connect,
    find_partitions,
    find_revision,
    find_tables,
)
from service.storage.migrating import MARKER
from service.storage.refusals import without_values

__all__ = ["back_up"]

Step = Callable[[int, int], None]
"""Told how many rows were written and about how many there are."""

_LEVEL: Final = 4
_AT_ONCE_BYTES: Final = 1 << 18
_EARLIEST_IN_ZIP: Final = (1980, 1, 1, 0, 0, 0)


def back_up(url: str, file: Path, *, overwrite: bool = False, step: Step | None = None) -> Manifest:
    """Write everything in the database at *url* into *file*; blocks, memory stays small.

    One read-only transaction, so the file holds one instant, whatever is written
    meanwhile. It is written beside *file* and renamed when whole, readable by nobody else.

    Args:
        url: `postgresql+psycopg://...` of whoever may read the tables.
        file: Where to; its folder exists.
        overwrite: Whether a file of this name is replaced.
        step: Called a few times a second at most; what it raises ends the backup.

    Raises:
        BackupFailed: If the database cannot be read or the file not written.
    """
    try:
        with connect(url) as session, new_file(file, overwrite=overwrite) as out:
            return _write(session, out, step=step or _nothing)
    except psycopg.errors.InsufficientPrivilege as error:
        raise BackupFailed(
            f"the database user may not read everything ({without_values(error)}); "
            "set GOODFIT_OWNER_DATABASE_URL to the schema's owner"
        ) from None
    except psycopg.Error as error:
        raise BackupFailed(
            f"the database could not be read ({without_values(error)}); correct that and repeat"
        ) from None
    except OSError as error:
        raise BackupFailed(file_words(error, file)) from None


def _write(session: psycopg.Connection[Any], out: IO[bytes], *, step: Step) -> Manifest:
    session.execute("SET default_transaction_isolation = 'repeatable read'")
    session.execute("SET default_transaction_read_only = on")
    marker = session.execute("SELECT to_regclass(%s) IS NULL", [f"public.{MARKER}"]).fetchone()
    if marker is None or not marker[0]:
        raise BackupFailed("a restore into this database was not finished; finish that first")
    before = find_tables(session)
    if not before:
        raise BackupFailed("the database holds nothing of Goodfit's; there is nothing to back up")
    with session.transaction():
        # Locks come before the snapshot: no migration can then change what is being read.
        names = sql.SQL(", ").join(sql.Identifier("public", table.name) for table in before)
        session.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(names))
        at = _clock(session)  # what was committed before this is in the snapshot
        tables = find_tables(session)
        if [(t.name, t.columns) for t in tables] != [(t.name, t.columns) for t in before]:
            raise BackupFailed("the schema was changed in this moment; repeat the backup")
        rows, about = 0, sum(table.rows for table in tables)
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
            kept: list[ArchivedTable] = []
            for table in tables:
                tell = partial(_tell, step, rows, about)
                kept.append(_write_table(session, archive, table, step=tell))
                rows += kept[-1].rows
            manifest = _manifest(session, tuple(kept), at=at)
            archive.writestr(_member(MANIFEST), manifest.model_dump_json(indent=1))
    step(rows, rows)
    return manifest


def _write_table(
    session: psycopg.Connection[Any],
    archive: zipfile.ZipFile,
    table: FoundTable,
    *,
    step: Callable[[int], None],
) -> ArchivedTable:
    digest, rows, length = hashlib.sha256(), 0, 0
    statement = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(
        sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns),
        sql.Identifier("public", table.name),
    )
    with (
        archive.open(_member(member_of(table.name)), "w", force_zip64=True) as member,
        session.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        waiting = bytearray()
        for row in copy:
            waiting += row
            rows += 1  # one message of the protocol is one row
            if len(waiting) >= _AT_ONCE_BYTES:
                digest.update(waiting)
                member.write(waiting)
                length += len(waiting)
                waiting.clear()
                step(rows)
        digest.update(waiting)
        member.write(waiting)
        length += len(waiting)
    return ArchivedTable(
        name=table.name,
        columns=table.columns,
        rows=rows,
        bytes=length,
        sha256=digest.hexdigest(),
    )


def _manifest(
    session: psycopg.Connection[Any], tables: tuple[ArchivedTable, ...], *, at: datetime
) -> Manifest:
    head = session.execute("SELECT seq, hash FROM public.audit_head").fetchone()
    revision = find_revision(session)
    if head is None or revision is None:
        raise BackupFailed("the database's audit or schema is damaged; run `goodfit doctor`")
    return Manifest(
        format=FORMAT,
        goodfit=version("goodfit"),
        made_at=at.astimezone(UTC),
        revision=revision,
        postgres=session.info.parameter_status("server_version") or "",
        audit_seq=head[0],
        audit_hash=bytes(head[1]).hex(),
        partitions=find_partitions(session),
        tables=tables,
    )


def _clock(session: psycopg.Connection[Any]) -> datetime:
    row = session.execute("SELECT clock_timestamp()").fetchone()
    if row is None:
        raise AssertionError("a SELECT without FROM has one row")
    clock: datetime = row[0]
    return clock


def _member(name: str) -> zipfile.ZipInfo:
    """Return a member that says nothing of this machine but its name."""
    member = zipfile.ZipInfo(name, date_time=_EARLIEST_IN_ZIP)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o600 << 16
    return member


def _tell(step: Step, before: int, about: int, rows: int) -> None:
    step(before + rows, about)


def _nothing(rows: int, about: int) -> None:
    del rows, about
