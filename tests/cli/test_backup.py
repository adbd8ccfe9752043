"""`goodfit backup`, `restore` and `upgrade-database`, in words, in JSON and in exit codes."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from service.cli.safekeeping import back_up_before_migrating
from service.storage import embedded_folder as folders
from service.storage import migrate
from service.storage.embedded import EmbeddedPostgres
from tests.cli.conftest import Goodfit
from tests.storage.archives import ask, do, furnish, vouched
from tests.storage.archives import rewritten as rewrite

OLDER = "2026_11_23_0005"
OLD_POSTGRES = sorted(
    (place for place in Path("/usr/lib/postgresql").glob("*/bin") if folders.find_programs(place)),
    key=lambda place: float(place.parent.name),
)
RULE_SET = (
    "INSERT INTO rule_set (slug, id, subject, title, created_at, created_by)"
    " VALUES ('fleet', gen_random_uuid(), 'lead', 'Fleet', now(), 'ann')"
)


@pytest.fixture(scope="module")
def furnished(module_database_url: str) -> str:
    """Return the URL of a database with a little of everything."""
    furnish(module_database_url)
    return module_database_url


@pytest.fixture
def source(furnished: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Point the commands at that database."""
    monkeypatch.setenv("DATABASE_URL", furnished)
    return furnished


@pytest.fixture
def saved(source: str, goodfit: Goodfit, tmp_path: Path) -> Path:
    """Return a backup of it, made by the command."""
    del source
    file = tmp_path / "saved.zip"
    made = goodfit("backup", file)
    assert made.exit_code == 0, made.output
    assert "2 decisions, 2 versions, 2 accounts" in made.stdout
    assert "restore" in made.stdout
    return file


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Point the commands at a data folder of their own, which does not exist yet."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    parent = Path(tempfile.mkdtemp(prefix="gf-"))
    parent.chmod(0o755)
    monkeypatch.setenv("GOODFIT_HOME", str(parent / "home"))
    yield parent / "home"
    for process in psutil.process_iter():
        try:
            if process.name() == "postgres" and process.cwd().startswith(str(parent)):
                process.kill()
        except (psutil.Error, OSError):
            continue
    shutil.rmtree(parent, ignore_errors=True)


def test_a_backup_is_made_under_a_name_of_its_own(
    goodfit: Goodfit, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a file it is named after the instant; JSON says where and what."""
    del source
    monkeypatch.chdir(tmp_path)
    told = json.loads(goodfit("backup", "--json").stdout)
    (file,) = tmp_path.iterdir()
    assert told["file"] == str(file)
    assert file.match("goodfit-*Z.zip")
    assert told["bytes"] == file.stat().st_size
    assert told["tables"]["decision"] == 2
    assert told["audit"]["seq"] == told["tables"]["audit_entry"]


def test_a_backup_replaces_a_file_only_by_force(goodfit: Goodfit, saved: Path) -> None:
    """Exit 1 and the file as it was, or a new one."""
    before = saved.read_bytes()
    refused = goodfit("backup", saved)
    assert (refused.exit_code, saved.read_bytes()) == (1, before)
    assert "--force" in refused.stderr
    assert goodfit("backup", saved, "--force").exit_code == 0
    assert saved.read_bytes() != before


def test_a_backup_is_checked_without_a_database(
    goodfit: Goodfit, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in it where it is whole; exit 1 and what is wrong where it is not."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@/x?host=/nowhere")
    well = goodfit("backup", "--check", saved)
    assert well.exit_code == 0
    assert "ok  2 decisions, 2 versions, 2 accounts" in well.stdout
    assert json.loads(goodfit("backup", "--check", saved, "--json").stdout)["ok"]
    saved.write_bytes(saved.read_bytes()[:-1])
    broken = goodfit("backup", "--check", saved)
    assert broken.exit_code == 1
    assert "cannot be read" in broken.stderr
    told = goodfit("backup", "--check", saved, "--json")
    assert (told.exit_code, json.loads(told.stdout)["ok"]) == (1, False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("backup", "--check"), "which file to check"),
        (("backup", "nowhere/new.zip"), "does not exist"),
        (("restore", "x.zip", "--replay", "most"), "a number or `all`"),
        (("restore", "x.zip", "--replay", "-1"), "a number or `all`"),
        (("restore",), "FILE"),
    ],
)
def test_a_call_that_cannot_be_understood_ends_with_two(
    goodfit: Goodfit, source: str, *, arguments: tuple[str, ...], words: str
) -> None:
    """Before any database is asked."""
    del source
    refused = goodfit(*arguments)
    assert refused.exit_code == 2
    assert words in refused.stderr


def test_a_restore_says_what_came_and_that_it_holds(
    goodfit: Goodfit, saved: Path, empty_database_url: str
) -> None:
    """First without touching anything, then in earnest, then never over it."""
    command = ("restore", saved, "--into", empty_database_url)
    tried = goodfit(*command, "--dry-run")
    assert tried.exit_code == 0, tried.output
    assert "2 decisions, 2 versions, 2 accounts" in tried.stdout
    assert "nothing was changed" in tried.stdout
    assert ask(empty_database_url, "SELECT count(*) FROM pg_tables WHERE schemaname='public'") == 0
    done = goodfit(*command)
    assert done.exit_code == 0, done.output
    assert "ok  2 decisions, 2 versions, 2 accounts" in done.stdout
    assert "2 versions as their digests say; audit chain holds up to entry" in done.stdout
    assert "ok  2 decisions replayed, all identical" in done.stdout
    for again in (goodfit(*command), goodfit(*command, "--dry-run")):
        assert again.exit_code == 1
        assert "never overwrites" in again.stderr


def test_a_restore_tells_programs_what_it_found(
    goodfit: Goodfit,
    saved: Path,
    database_url: str,
    empty_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Into the database of the environment, migrated and empty; erased facts are counted."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    told = json.loads(goodfit("restore", saved, "--replay", "1", "--json").stdout)
    assert (told["ok"], told["replayed"], told["erased"]) == (True, 1, 0)
    assert told["rows"] == told["backup"]["rows"]
    do(database_url, "UPDATE decision SET facts = NULL, facts_erased_at = now()")
    erased = saved.with_name("erased.zip")
    assert goodfit("backup", erased).exit_code == 0
    done = goodfit("restore", erased, "--into", empty_database_url, "--replay", "all", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["ok"], told["replayed"], told["erased"]) == (True, 0, 2)


def test_a_decision_that_comes_out_otherwise_is_named(
    goodfit: Goodfit, saved: Path, empty_database_url: str, tmp_path: Path
) -> None:
    """Whoever forges a verdict in a file is found out by deciding again; exit 1."""

    def change(members: dict[str, bytes]) -> None:
        rows = members["tables/decision.copy"]
        assert b"\tqualify\t" in rows or b"\tdisqualify\t" in rows
        forged = rows.replace(b"\tdisqualify\t", b"\treview\t").replace(
            b"\tqualify\t", b"\treview\t"
        )
        members["tables/decision.copy"] = forged
        vouched(members)

    file = rewrite(saved, tmp_path / "forged.zip", change)
    done = goodfit("restore", file, "--into", empty_database_url)
    assert done.exit_code == 1
    assert "came out otherwise: dec_" in done.stdout


def test_our_own_server_is_saved_before_its_schema_is_changed(goodfit: Goodfit, home: Path) -> None:
    """Said on standard error, kept in the data folder, at most three, and it can be restored."""
    with EmbeddedPostgres.start(home) as server:
        migrate(server.url(), revision=OLDER)
        do(server.url(), RULE_SET)
        (home / "backups").mkdir()
        for number in range(3):
            (home / "backups" / f"before-migration-goodfit-2020010{number}T000000Z.zip").touch()
    migrated = goodfit("migrate", "--json")
    assert migrated.exit_code == 0, migrated.output
    assert json.loads(migrated.stdout)["before"] == OLDER
    assert "before the schema is changed; to undo: " in migrated.stderr
    kept = sorted((home / "backups").iterdir())
    assert len(kept) == 3
    assert kept[0].name.startswith("before-migration-goodfit-20200101")
    told = json.loads(goodfit("backup", "--check", kept[-1], "--json").stdout)
    assert (told["schema"], told["tables"]["rule_set"]) == (OLDER, 1)
    again = goodfit("migrate")
    assert again.stderr == ""
    into = home.with_name("new")
    undone = goodfit("restore", kept[-1], "--into", into)
    assert undone.exit_code == 0, undone.output
    assert f"GOODFIT_HOME={into}" in undone.stdout
    with EmbeddedPostgres.start(into) as server:
        assert ask(server.url(), "SELECT slug FROM rule_set") == "fleet"
        # A running server is backed up as it is, by whoever asks.
        running = goodfit("backup", home.with_name("running.zip"))
        assert running.exit_code == 0, running.output


def test_a_backup_that_has_no_room_is_not_in_a_migrations_way(
    goodfit: Goodfit,
    empty_database_url: str,
    saved: Path,
    home: Path,
    *,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is a precaution: said and left out. A restore that has no room does not begin."""
    migrate(empty_database_url, revision=OLDER)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1_000))
    back_up_before_migrating(empty_database_url, saved.parent)
    assert "no backup was made before the schema is changed: it may take" in capsys.readouterr().err
    assert not (saved.parent / "backups").exists()
    refused = goodfit("restore", saved, "--into", home)
    assert refused.exit_code == 1
    assert "restore into a folder on another disk" in refused.stderr
    assert not home.exists()


@pytest.mark.skipif(not OLD_POSTGRES, reason="no older Postgres is installed here")
def test_data_of_an_older_postgres_is_taken_over(goodfit: Goodfit, home: Path) -> None:
    """Refused with the commands to run, then taken over by them; the old cluster stays."""
    programs, user = OLD_POSTGRES[0], folders.system_user()
    home.mkdir(mode=0o755)
    if user is None:
        home.chmod(0o755)
    unfinished = folders.prepare_data(home / "postgres", user=user)
    arguments = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale")
    subprocess.run(
        [programs / "initdb", "-D", unfinished, *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd="/",
        **folders.run_as(user),
    )
    unfinished.rename(home / "postgres")
    with EmbeddedPostgres.start(home, programs=programs) as server:
        migrate(server.url())
        do(server.url(), RULE_SET)
    major = programs.parent.name
    refused = goodfit("doctor")
    assert refused.exit_code == 1
    assert f"goodfit upgrade-database --programs /tmp/postgres-{major}" in refused.stderr
    assert goodfit("upgrade-database").exit_code == 2
    assert goodfit("upgrade-database", "--programs", home).exit_code == 2
    if user is not None:
        closed = home.with_name("closed")
        shutil.copytree(programs, closed / "bin")
        closed.chmod(0o700)
        refused = goodfit("upgrade-database", "--programs", closed)
        assert (refused.exit_code, "cannot enter" in refused.stderr) == (2, True)
    done = goodfit("upgrade-database", "--programs", programs.parent)
    assert done.exit_code == 0, done.output
    assert f"upgraded from Postgres {major}" in done.stdout
    assert (home / f"postgres-{major}" / "PG_VERSION").exists()
    assert not (home / folders.UPGRADED).exists()
    # Cut off between the two renames, the next start finishes the exchange.
    (home / folders.UPGRADED).mkdir(mode=0o755)
    (home / "postgres").rename(home / folders.UPGRADED / "postgres")
    with EmbeddedPostgres.start(home) as server:
        assert ask(server.url(), "SELECT slug FROM rule_set") == "fleet"
    assert "nothing to do" in goodfit("upgrade-database").stdout


def test_only_our_own_data_is_upgraded(goodfit: Goodfit, home: Path, source: str) -> None:
    """A server of yours has tools of its own, and where nothing is nothing can be upgraded."""
    refused = goodfit("upgrade-database")
    assert refused.exit_code == 2
    assert "a server of your own" in refused.stderr
    del os.environ["DATABASE_URL"]
    refused = goodfit("upgrade-database")
    assert refused.exit_code == 1
    assert "there is no database in" in refused.stderr
    assert not home.exists()
    del source
