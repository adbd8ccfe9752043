"""The backup that is made by itself: before the schema of our own server is changed."""

import shutil
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psycopg

from service.cli.screen import console, own_command
from service.storage.archive import BackupFailed
from service.storage.archive_file import default_name
from service.storage.archive_making import back_up
from service.storage.archive_tables import connect, find_revision
from service.storage.migrating import is_known, newest_revision

__all__ = ["KEPT", "back_up_before_migrating"]

KEPT: Final = 3
"""How many such backups are kept; with one more the oldest goes."""
_WITHIN_S: Final = 600.0
_PREFIX: Final = "before-migration-"


def back_up_before_migrating(url: str, home: Path) -> None:
    """Back up the database at *url* into *home* if a migration would change it, and say so.

    It is a precaution and never in the way: where it cannot be made, because the disk has
    not twice its size free or it takes over ten minutes, that is said and things go on.
    """
    try:
        if not _is_to_be_kept(url, home):
            return
        folder = home / "backups"
        folder.mkdir(mode=0o700, exist_ok=True)
        file = folder / f"{_PREFIX}{default_name(datetime.now(UTC))}"
        back_up(url, file, step=_within(_WITHIN_S))
        for old in sorted(folder.glob(f"{_PREFIX}*.zip"))[:-KEPT]:
            old.unlink(missing_ok=True)
    except (BackupFailed, OSError, psycopg.Error) as error:
        words = str(error) if isinstance(error, BackupFailed) else type(error).__name__
        _tell(f"no backup was made before the schema is changed: {words}")
    else:
        command = f"{own_command()} restore {file} --into FOLDER"
        _tell(f"backed up to {file} before the schema is changed; to undo: {command}")


def _is_to_be_kept(url: str, home: Path) -> bool:
    """Say whether a migration would change anything here.

    Raises:
        BackupFailed: If it would, and there is too little room.
    """
    with closing(connect(url)) as session:
        found = find_revision(session)
        if found is None or found == newest_revision() or not is_known(found):
            return False
        row = session.execute("SELECT pg_database_size(current_database())").fetchone()
    size = 0 if row is None else int(row[0])
    free = shutil.disk_usage(home).free
    if free < 2 * size:
        words = f"it may take {size // 2**20:,} MB and {free // 2**20:,} MB are free"
        raise BackupFailed(words)
    return True


def _within(limit_s: float) -> Callable[[int, int], None]:
    deadline = time.monotonic() + limit_s

    def step(rows: int, about: int) -> None:
        if time.monotonic() > deadline:
            raise BackupFailed(f"after {limit_s / 60:.0f} minutes {rows:,} of {about:,} rows")

    return step


def _tell(words: str) -> None:
    """Say it on standard error, which a program that reads `--json` need not."""
    console(on_error=True).print(f"  {words}")
