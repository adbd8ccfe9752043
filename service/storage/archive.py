"""What a backup is: one zip of every table's rows, with a manifest that vouches for them.

Members are `manifest.json` and `tables/<table>.copy`, Postgres's own COPY text, which every
major version reads. Rows only: the schema comes from the migrations, so nothing in an
archive is ever run, and no name in it is ever a path.
"""

import re
from datetime import datetime
from typing import Annotated, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from service.storage.audit import AuditAnchor

__all__ = [
    "FORMAT",
    "MANIFEST",
    "ArchivedColumn",
    "ArchivedTable",
    "BackupFailed",
    "BackupUnreadable",
    "Manifest",
    "RestoreRefused",
    "member_of",
]

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
_NAME: Final = r"^[a-z_][a-z0-9_]{0,62}$"
_PARTITION: Final = re.compile(r"decision_(\d{4})_(0[1-9]|1[0-2])")

_Name = Annotated[str, Field(pattern=_NAME)]
_Count = Annotated[int, Field(ge=0, lt=2**63)]
_Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class BackupFailed(Exception):
    """No backup was made; nothing stands under its name. The message says why."""

    code = "backup_failed"


class BackupUnreadable(Exception):
    """A file is no whole backup that this Goodfit can read; the message says where it breaks."""

    code = "backup_unreadable"


class RestoreRefused(Exception):
    """The database was left as it was; the message says why and what to do.

    `code` is one of `database_not_empty`, `backup_newer`, `not_owner`,
    `backup_does_not_fit`, `restore_failed`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ArchivedColumn(_Part):
    """A column and its type, in Postgres's words."""

    name: _Name
    type: Annotated[str, Field(max_length=100)]


class ArchivedTable(_Part):
    """One table's rows. *bytes* and *sha256* are of the unpacked member."""

    name: _Name
    columns: Annotated[tuple[ArchivedColumn, ...], Field(min_length=1, strict=False)]
    rows: _Count
    bytes: _Count
    sha256: _Sha256


class Manifest(_Part):
    """What a backup holds and where it came from; written last, when all of it is known."""

    format: Annotated[int, Field(ge=1)]
    goodfit: Annotated[str, Field(max_length=100)]
    made_at: Annotated[AwareDatetime, Field(strict=False)]
    """The database's clock; the backup holds what was committed by then."""
    revision: Annotated[str, Field(max_length=100)]
    postgres: Annotated[str, Field(max_length=100)]
    audit_seq: _Count
    audit_hash: _Sha256
    partitions: Annotated[tuple[str, ...], Field(max_length=5_000, strict=False)]
    tables: Annotated[tuple[ArchivedTable, ...], Field(min_length=1, max_length=500, strict=False)]

    @property
    def anchor(self) -> AuditAnchor:
        """The newest entry of the audit chain in this backup."""
        return AuditAnchor(self.audit_seq, bytes.fromhex(self.audit_hash))

    @property
    def rows(self) -> int:
        """How many rows there are in all tables."""
        return sum(table.rows for table in self.tables)

    @property
    def unpacked_bytes(self) -> int:
        """How long all rows are as COPY text."""
        return sum(table.bytes for table in self.tables)

    def rows_of(self, table: str) -> int:
        """Return how many rows *table* has; 0 where the backup is older than the table."""
        return next((one.rows for one in self.tables if one.name == table), 0)

    def months(self) -> tuple[tuple[str, datetime, datetime], ...]:
        """Return the monthly partitions: name, first instant, first instant after.

        Raises:
            ValueError: If a partition has a name that none of ours has.
        """
        return tuple(_month(name) for name in self.partitions)


def member_of(table: str) -> str:
    """Return the name of *table*'s member."""
    return f"tables/{table}.copy"


def _month(name: str) -> tuple[str, datetime, datetime]:
    match = _PARTITION.fullmatch(name)
    if match is None:
        raise ValueError(f"`{name}` is no partition")
    year, month = int(match[1]), int(match[2])
    first = f"{year:04}-{month:02}-01T00:00:00+00:00"
    following = year * 12 + month
    after = f"{following // 12:04}-{following % 12 + 1:02}-01T00:00:00+00:00"
    return name, datetime.fromisoformat(first), datetime.fromisoformat(after)
