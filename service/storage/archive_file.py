"""The file of a backup: it appears when it is whole, for its owner alone."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from service.storage.archive import BackupFailed

__all__ = ["default_name", "file_words", "new_file"]


def default_name(now: datetime) -> str:
    """Return the name of a backup made at *now*, which is aware."""
    return f"goodfit-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.zip"


@contextlib.contextmanager
def new_file(file: Path, *, overwrite: bool) -> Iterator[IO[bytes]]:
    """Give a file to write that appears as *file*, for its owner alone, when the block ends well.

    Raises:
        BackupFailed: If *file* is there already, or another backup is writing it.
        OSError: If it cannot be written.
    """
    if file.exists() and not overwrite:
        raise BackupFailed(f"`{file}` is there already; name another file, or add `--force`")
    unfinished = file.with_name(f"{file.name}.unfinished")
    number = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(number, "r+b") as out:
        try:
            fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BackupFailed(
                f"another backup is writing `{file}`; name another file, or wait for it"
            ) from None
        try:
            os.fchmod(number, 0o600)
            out.truncate(0)  # what a killed backup left
            yield out
            out.flush()
            os.fsync(number)
            if overwrite:
                unfinished.replace(file)
            else:
                _rename_to_free(unfinished, file)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
    _keep_name(file.parent)


def _rename_to_free(unfinished: Path, file: Path) -> None:
    """Give *unfinished* the name *file* unless somebody has taken it meanwhile."""
    try:
        os.link(unfinished, file)
    except FileExistsError:
        raise BackupFailed(
            f"`{file}` is there already; name another file, or add `--force`"
        ) from None
    except OSError:  # a file system without links
        unfinished.rename(file)
    else:
        unfinished.unlink()


def _keep_name(folder: Path) -> None:
    """Have the file's name survive a power cut as well."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def file_words(error: OSError, file: Path) -> str:
    """Say why *file* could not be written, and what to do."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return f"there is no room for `{file}`; free some, or name a file on another disk"
    said = (error.strerror or type(error).__name__).lower()
    return f"`{file}` cannot be written ({said}); name a file in a folder that you may write to"
