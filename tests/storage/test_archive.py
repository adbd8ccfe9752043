"""A backup holds one instant of everything; a restore brings back all of it, or nothing."""

import asyncio
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import anyio.to_thread
import psycopg
import pytest
from psycopg import Connection
from sqlalchemy import insert, make_url

from service.storage import (
    MigrationFailed,
    append_audit,
    is_migrated,
    libpq_url,
    make_uuid,
    migrate,
    open_engine,
    transaction,
)
from service.storage.archive import BackupFailed, BackupUnreadable, Manifest, RestoreRefused
from service.storage.archive_making import back_up
from service.storage.archive_reading import open_backup
from service.storage.archive_restoring import Restored, restore
from service.storage.migrating import newest_revision
from service.storage.tables import RuleSetRow, metadata
from tests.storage.archives import ask, do, furnish, rewritten, run_python, vouched

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
OLDER = "2026_11_23_0005"
RULE_SET = (
    "INSERT INTO rule_set (slug, id, subject, title, created_at, created_by)"
    " VALUES ('fleet', gen_random_uuid(), 'lead', 'Fleet', now(), 'ann')"
)


@pytest.fixture(scope="module")
def source(module_database_url: str) -> str:
    """Return the URL of a database with a little of everything."""
    furnish(module_database_url)
    # A month that no migration makes any more, with a decision in it.
    do(
        module_database_url,
        "CREATE TABLE decision_2020_02 PARTITION OF decision"
        " FOR VALUES FROM ('2020-02-01 00:00+00') TO ('2020-03-01 00:00+00')",
        "CREATE TEMP TABLE old AS SELECT * FROM decision LIMIT 1;"
        " UPDATE old SET decided_at = '2020-02-29 23:59:59+00';"
        " INSERT INTO decision SELECT * FROM old",
        # A job in the hands of a worker that was killed.
        "INSERT INTO procrastinate_jobs (queue_name, task_name, status, worker_id)"
        " SELECT 'goodfit', 'x', 'doing', worker_id FROM procrastinate_register_worker_v1()",
    )
    return module_database_url


@pytest.fixture(scope="module")
def whole(source: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a backup of that database."""
    file = tmp_path_factory.mktemp("backups") / "whole.zip"
    back_up(source, file)
    return file


def bring_back(file: Path, url: str, *, keep_broken: bool = False) -> Restored:
    """Restore *file* into the database at *url*."""
    with open_backup(file) as backup:
        return restore(url, backup, keep_broken=keep_broken)


QUEUE = {f"procrastinate_{name}" for name in ("jobs", "events", "workers", "periodic_defers")}


def manifest_of(file: Path) -> Manifest:
    """Return what a backup says of itself."""
    with open_backup(file) as backup:
        backup.check()
        return backup.manifest


def test_every_row_of_every_table_comes_back(
    whole: Path, empty_database_url: str, tmp_path: Path
) -> None:
    """A backup of what was restored holds the same bytes; no table of ours is left out."""
    restored = bring_back(whole, empty_database_url)
    assert (restored.versions, restored.broken) == (2, ())
    before, again = manifest_of(whole), back_up(empty_database_url, tmp_path / "again.zip")
    assert {table.name for table in before.tables} == set(metadata.tables) | QUEUE
    assert sorted(again.tables, key=str) == sorted(before.tables, key=str)
    assert (again.anchor, again.partitions) == (before.anchor, before.partitions)
    assert restored.rows == before.rows > 10


def test_a_restored_database_goes_on_where_the_other_stopped(
    whole: Path, source: str, empty_database_url: str
) -> None:
    """What refuses to be changed still does, numbers go on, old months have their partition."""
    bring_back(whole, empty_database_url)
    with pytest.raises(psycopg.errors.RestrictViolation):
        do(empty_database_url, "DELETE FROM rule_set_version")
    with pytest.raises(psycopg.errors.RestrictViolation):
        do(empty_database_url, "UPDATE audit_head SET seq = 1")
    epoch = "SELECT epoch FROM release_epoch"
    assert ask(empty_database_url, epoch) == ask(source, epoch)
    one_more = (
        "INSERT INTO rule_set_release (id, rule_set, version, mode, effective_at, created_at,"
        " released_by, reason) SELECT gen_random_uuid(), rule_set, version, mode, effective_at,"
        " created_at, released_by, reason FROM rule_set_release LIMIT 1 RETURNING sequence"
    )
    before = ask(source, "SELECT max(sequence) FROM rule_set_release")
    assert ask(empty_database_url, one_more) == before + 1
    assert ask(empty_database_url, epoch) == ask(source, epoch) + 1
    assert ask(empty_database_url, "SELECT count(*) FROM decision_2020_02") == 1
    job = "INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('a', 'b') RETURNING id"
    assert ask(empty_database_url, job) == ask(source, "SELECT max(id) FROM procrastinate_jobs") + 1
    assert ask(empty_database_url, "SELECT count(*) FROM decision_default") == 0


@pytest.mark.anyio
async def test_a_backup_is_one_instant_whatever_is_written_meanwhile(
    database_url: str, tmp_path: Path
) -> None:
    """Rule sets and audit entries that were committed in pairs are in every backup in pairs."""
    engine = open_engine(database_url)
    is_over = asyncio.Event()

    async def write() -> None:
        number = 0
        while not is_over.is_set():
            async with transaction(engine) as connection:
                row = {"slug": f"r{number}", "id": make_uuid(NOON, number.to_bytes(8, "big"))}
                row |= {"subject": "lead", "title": "x", "created_at": NOON, "created_by": "ann"}
                await connection.execute(insert(RuleSetRow).values(row))
                await append_audit(
                    connection, at=NOON, actor="ann", action="a.b", subject="s", payload={}
                )
            number += 1

    writing = asyncio.create_task(write())
    found = []
    for number in range(6):
        file = tmp_path / f"{number}.zip"
        found.append(await anyio.to_thread.run_sync(back_up, database_url, file))
    is_over.set()
    await writing
    await engine.dispose()
    pairs = [(one.rows_of("rule_set"), one.rows_of("audit_entry"), one.audit_seq) for one in found]
    assert all(sets == entries == head for sets, entries, head in pairs), pairs
    assert pairs[-1][0] > pairs[0][0], "nothing was written meanwhile"


def test_a_backup_of_an_older_schema_is_brought_up_to_date(
    empty_database_url: str, tmp_path: Path
) -> None:
    """Its rows go into the schema they came from, which is then migrated."""
    older = tmp_path / "older.zip"
    migrate(empty_database_url, revision=OLDER)
    do(empty_database_url, RULE_SET)
    assert back_up(empty_database_url, older).revision == OLDER
    do(empty_database_url, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    bring_back(older, empty_database_url)
    assert ask(empty_database_url, "SELECT slug FROM rule_set") == "fleet"
    revision = ask(empty_database_url, "SELECT version_num FROM alembic_version")
    assert revision == newest_revision() != OLDER


def test_an_empty_database_of_a_newer_schema_takes_an_older_backup(
    database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    """Whoever ran `goodfit serve` once before restoring is not stuck."""
    older = tmp_path / "older.zip"
    migrate(empty_database_url, revision=OLDER)
    do(empty_database_url, RULE_SET)
    back_up(empty_database_url, older)
    bring_back(older, database_url)
    assert ask(database_url, "SELECT slug FROM rule_set") == "fleet"
    assert not migrate(database_url).changed


def test_a_database_that_holds_anything_is_left_alone(whole: Path, source: str) -> None:
    """A restore never overwrites."""
    with pytest.raises(RestoreRefused, match="never overwrites") as refused:
        bring_back(whole, source)
    assert refused.value.code == "database_not_empty"
    assert ask(source, "SELECT to_regclass('goodfit_restore')") is None


def test_an_empty_migrated_database_takes_a_restore(whole: Path, database_url: str) -> None:
    """`goodfit migrate` or a first `goodfit serve` is not in the way."""
    assert bring_back(whole, database_url).rows == manifest_of(whole).rows


RESTORING = """
    import sys, time
    from pathlib import Path
    from service.storage.archive_reading import open_backup
    from service.storage.archive_restoring import restore

    def wait(rows):
        if rows > 5:
            print("in the middle", flush=True)
            time.sleep(60)

    with open_backup(Path(sys.argv[1])) as backup:
        restore(sys.argv[2], backup, step=wait)
"""


@pytest.mark.anyio
async def test_a_killed_restore_is_told_and_done_again(
    whole: Path, empty_database_url: str
) -> None:
    """Nothing of it is there, no Goodfit serves the database, and the next restore begins anew."""
    url = empty_database_url
    process = await anyio.to_thread.run_sync(run_python, RESTORING, whole, url)
    assert process.stdout is not None
    assert await anyio.to_thread.run_sync(process.stdout.readline) == "in the middle\n"
    process.kill()
    process.communicate()
    assert ask(url, "SELECT count(*) FROM rule_set") == 0
    with pytest.raises(MigrationFailed, match="was not finished"):
        migrate(url)
    engine = open_engine(url)
    async with transaction(engine) as connection:
        assert not await is_migrated(connection)
    with pytest.raises(BackupFailed, match="was not finished"):
        back_up(url, whole.with_name("never.zip"))
    bring_back(whole, url)
    async with transaction(engine) as connection:
        assert await is_migrated(connection)
    await engine.dispose()


BACKING_UP = """
    import sys, time
    from pathlib import Path
    from service.storage.archive_file import new_file

    with new_file(Path(sys.argv[1]), overwrite=False) as out:
        out.write(b"half a backup, and more than the next one will be long" * 100_000)
        out.flush()
        print("in the middle", flush=True)
        time.sleep(60)
"""


def test_a_killed_backup_leaves_no_file_of_its_name(source: str, tmp_path: Path) -> None:
    """Whoever finds a file under the final name finds a whole one; the next run tidies up."""
    file = tmp_path / "new.zip"
    process = run_python(BACKING_UP, file)
    assert process.stdout is not None
    assert process.stdout.readline() == "in the middle\n"
    with pytest.raises(BackupFailed, match="another backup is writing"):
        back_up(source, file)
    process.kill()
    process.communicate()
    assert not file.exists()
    manifest = back_up(source, file)
    assert [path.name for path in tmp_path.iterdir()] == ["new.zip"]
    assert manifest_of(file) == manifest


TOO_LARGE = """
    import resource, sys
    from pathlib import Path
    from service.storage.archive import BackupFailed
    from service.storage.archive_making import back_up

    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, 4_000))
    try:
        back_up(sys.argv[1], Path(sys.argv[2]))
    except BackupFailed as error:
        print(error)
"""


def test_a_full_disk_is_told_and_leaves_nothing(source: str, tmp_path: Path) -> None:
    """The message says what to do, and no half file stays."""
    output, errors = run_python(TOO_LARGE, source, tmp_path / "new.zip").communicate(timeout=60)
    assert output.startswith("there is no room for"), errors
    assert list(tmp_path.iterdir()) == []


def test_a_backup_is_for_its_owner_alone_and_replaces_nothing(source: str, tmp_path: Path) -> None:
    """Mode 0600 whatever the umask; another file of the name is kept unless told otherwise."""
    file = tmp_path / "new.zip"
    back_up(source, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first = file.read_bytes()
    with pytest.raises(BackupFailed, match="there already"):
        back_up(source, file)
    assert file.read_bytes() == first
    back_up(source, file, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["new.zip"]


def test_what_cannot_be_written_or_read_is_told(
    source: str, server_url: str, tmp_path: Path
) -> None:
    """A folder that is not there, and a database that never was Goodfit's."""
    with pytest.raises(BackupFailed, match="cannot be written"):
        back_up(source, tmp_path / "nowhere" / "new.zip")
    with pytest.raises(BackupFailed, match="nothing of Goodfit's"):
        back_up(server_url, tmp_path / "new.zip")
    with pytest.raises(BackupFailed, match="could not be read"):
        back_up("postgresql+psycopg://nobody@/x?host=/nowhere", tmp_path / "new.zip")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def lodgers(server_url: str) -> Iterator[tuple[str, str]]:
    """Return two users who own nothing: one who serves, one who may do nothing."""
    names = ("backup_service", "backup_stranger")
    with Connection.connect(libpq_url(server_url), autocommit=True) as owner:
        for name in names:
            owner.execute(f"CREATE ROLE {name} LOGIN".encode())
        owner.execute(b"GRANT goodfit_app TO backup_service")
        yield names
        for name in names:
            owner.execute(f"DROP OWNED BY {name}".encode())
            owner.execute(f"DROP ROLE {name}".encode())


def test_who_serves_may_back_up_and_only_who_owns_may_restore(
    source: str, whole: Path, database_url: str, lodgers: tuple[str, str], tmp_path: Path
) -> None:
    """The service's own rights suffice to read everything; the owner's setting is named else."""

    def as_user(url: str, name: str) -> str:
        return make_url(url).set(username=name).render_as_string(hide_password=False)

    service, stranger = lodgers
    assert back_up(as_user(source, service), tmp_path / "a.zip").tables == manifest_of(whole).tables
    with pytest.raises(BackupFailed, match="GOODFIT_OWNER_DATABASE_URL"):
        back_up(as_user(source, stranger), tmp_path / "b.zip")
    with pytest.raises(RestoreRefused, match="GOODFIT_OWNER_DATABASE_URL") as refused:
        bring_back(whole, as_user(database_url, service))
    assert refused.value.code == "not_owner"
    bring_back(whole, database_url)
    assert back_up(as_user(database_url, service), tmp_path / "c.zip").rows


def test_a_record_that_does_not_hold_is_refused_or_kept_and_named(
    whole: Path, empty_database_url: str, tmp_path: Path
) -> None:
    """Somebody who can forge a manifest cannot forge the chain and the digests with it."""

    def forge(members: dict[str, bytes]) -> None:
        for name, old, new in (
            ("audit_entry", b"ann@example.com", b"eve@example.com"),
            ("rule_set_version", b"\\\\x7b", b"\\\\x5b"),
        ):
            member = f"tables/{name}.copy"
            forged = members[member].replace(old, new, 1)
            assert forged != members[member], name
            members[member] = forged
        vouched(members)

    file = rewritten(whole, tmp_path / "forged.zip", forge)
    with pytest.raises(BackupUnreadable, match="nothing was kept"):
        bring_back(file, empty_database_url)
    assert ask(empty_database_url, "SELECT count(*) FROM rule_set") == 0
    assert not migrate(empty_database_url).changed, "a refused restore is not an unfinished one"
    kept = bring_back(file, empty_database_url, keep_broken=True)
    assert len(kept.broken) == 2
    assert "is not what its digest says" in kept.broken[0]
    assert "is not what was written" in kept.broken[1]
