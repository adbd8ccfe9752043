"""Read a backup and trust nothing in it that was not held against its manifest."""

import hashlib
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from service.storage.archive import (
    FORMAT,
    MANIFEST,
    ArchivedTable,
    BackupUnreadable,
    Manifest,
    member_of,
)

__all__ = ["Backup", "open_backup"]

_AT_ONCE_BYTES: Final = 1 << 18
_LONGEST_MANIFEST_BYTES: Final = 4 << 20
_MOST_MEMBERS: Final = 1_000
# Rows of decisions pack about ten to one, and of nothing but zeros a thousand to one.
_DENSEST: Final = 300
_SMALL_BYTES: Final = 1 << 20
_DAMAGED: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


class _Head(BaseModel):
    """What every manifest says, of whatever format."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    format: int
    goodfit: str


class Backup:
    """An open backup whose manifest was read. Made by `open_backup`."""

    def __init__(self, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self._archive = archive
        self.manifest = manifest

    def check(self, *, step: Callable[[int], None] | None = None) -> None:
        """Read every member to its end; *step* is told how many unpacked bytes were read.

        Raises:
            BackupUnreadable: If one is not what the manifest says.
        """
        done = 0
        for table in self.manifest.tables:
            for block in self.read(table):
                done += len(block)
                if step is not None:
                    step(done)

    def read(self, table: ArchivedTable) -> Iterator[bytes]:
        """Yield *table*'s rows as COPY text; use none of it before the last block came.

        Raises:
            BackupUnreadable: If it is not what the manifest says, at the latest at the end.
        """
        digest, length, rows = hashlib.sha256(), 0, 0
        with (
            _damage(f"the rows of `{table.name}`"),
            self._archive.open(member_of(table.name)) as member,
        ):
            while block := member.read(_AT_ONCE_BYTES):
                digest.update(block)
                length += len(block)
                rows += block.count(b"\n")  # COPY text writes a line end in a value as \n
                yield block
        if (length, rows, digest.hexdigest()) != (table.bytes, table.rows, table.sha256):
            raise BackupUnreadable(
                f"the rows of `{table.name}` are not those that the backup was made with; "
                "use another copy of the file"
            )


@contextmanager
def open_backup(file: Path) -> Iterator[Backup]:
    """Give the backup in *file*, whose members are there and no others; see `Backup.check`.

    Raises:
        BackupUnreadable: If it is no backup, is cut off, has members too many or too few,
            declares sizes that cannot be, or was made by a newer Goodfit.
    """
    try:
        stream = file.open("rb")
    except OSError as error:
        said = (error.strerror or type(error).__name__).lower()
        raise BackupUnreadable(f"`{file}` cannot be opened ({said})") from None
    with stream:
        with _damage(f"`{file}`"):
            archive = zipfile.ZipFile(stream)
        with archive:
            manifest = _read_manifest(archive)
            _check_members(archive, manifest)
            yield Backup(archive, manifest)


def _read_manifest(archive: zipfile.ZipFile) -> Manifest:
    members = {member.filename: member for member in archive.infolist()}
    found = members.get(MANIFEST)
    if found is None:
        raise BackupUnreadable("the file holds no manifest; it is not a backup of Goodfit's")
    if found.file_size > _LONGEST_MANIFEST_BYTES or len(members) > _MOST_MEMBERS:
        raise BackupUnreadable("the manifest is too large to be one; it is not a backup")
    with _damage("the manifest"):
        content = archive.read(found)
    try:
        head = _Head.model_validate_json(content)
        if head.format > FORMAT:
            raise BackupUnreadable(
                f"the backup was made by a newer Goodfit ({head.goodfit:.50}); "
                "restore it with that version"
            )
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        place = ".".join(map(str, error.errors(include_input=False)[0]["loc"])) or "all of it"
        raise BackupUnreadable(
            f"the manifest cannot be read (`{place:.100}`); use another copy of the file"
        ) from None


def _check_members(archive: zipfile.ZipFile, manifest: Manifest) -> None:
    """Hold names and declared sizes against the manifest before anything is unpacked."""
    try:
        manifest.months()
    except ValueError as error:
        raise BackupUnreadable(f"the manifest cannot be read: {error}") from None
    members = archive.infolist()
    given = Counter(member.filename for member in members)
    wanted = Counter([MANIFEST, *(member_of(table.name) for table in manifest.tables)])
    missing, extra = wanted - given, given - wanted
    if missing:
        name = min(missing)
        raise BackupUnreadable(f"`{name}` is missing; use another copy of the file")
    if extra:
        name = min(extra)
        raise BackupUnreadable(
            f"`{name[:100]!a}` does not belong in a backup; do not trust the file"
        )
    sizes = {member.filename: member for member in members}
    for table in manifest.tables:
        member = sizes[member_of(table.name)]
        packed = max(member.compress_size, 1)
        if member.file_size != table.bytes:
            raise BackupUnreadable(
                f"the rows of `{table.name}` have another length than the manifest says; "
                "use another copy of the file"
            )
        if table.bytes > max(packed * _DENSEST, _SMALL_BYTES):
            raise BackupUnreadable(
                f"the rows of `{table.name}` would unpack to {table.bytes // packed:,} times their "
                "size, which no backup does; do not trust the file"
            )


@contextmanager
def _damage(what: str) -> Iterator[None]:
    """Say of a broken zip in one way that it is broken."""
    try:
        yield
    except _DAMAGED:
        raise BackupUnreadable(
            f"{what} cannot be read: the file is cut off, damaged or no backup; "
            "use another copy of the file"
        ) from None
    except OSError as error:
        said = (error.strerror or type(error).__name__).lower()
        raise BackupUnreadable(f"{what} cannot be read ({said})") from None
