"""Migrations: from nothing to the tables, under limits, one process at a time."""

import ast
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import Connection, sql
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import create_engine, inspect, make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from service.storage import (
    Migration,
    MigrationFailed,
    is_migrated,
    libpq_url,
    migrate,
    open_engine,
    transaction,
)
from service.storage.migrating import known_revisions, newest_revision
from service.storage.tables import metadata

VERSIONS = sorted(Path(__file__).parents[2].joinpath("migrations/versions").glob("*.py"))

pytestmark = pytest.mark.anyio


def in_model(name: str | None, kind: str, parents: Mapping[str, str | None]) -> bool:
    """Leave the monthly partitions and the queue out of a comparison with the model."""
    table = name if kind == "table" else parents.get("table_name")
    return not str(table).startswith(("decision_", "procrastinate_"))


def differences(connection: SyncConnection) -> Sequence[Any]:
    """Return what autogenerate would change to make the database equal the tables."""
    options = {
        "include_name": in_model,
        "compare_type": True,
        "compare_server_default": True,
    }
    context = MigrationContext.configure(connection, opts=options)
    return list(compare_metadata(context, metadata))


def test_revisions_are_read_as_alembic_reads_them() -> None:
    """A start reads the chain from the files alone: the same ids in the same order."""
    scripts = ScriptDirectory(str(VERSIONS[0].parents[1]))
    walked = [script.revision for script in scripts.walk_revisions()]
    assert walked[0] == newest_revision()
    assert list(known_revisions()) == walked


def test_the_sum_of_migrations_equals_the_tables(database_url: str) -> None:
    """Whoever adds a column to a table writes its migration too."""
    engine = create_engine(database_url)
    with engine.connect() as connection:
        found = [each for each in differences(connection) if "alembic_version" not in str(each)]
        assert found == []
        inspector = inspect(connection)
        for table in metadata.sorted_tables:
            checks = {str(c.name) for c in table.constraints if str(c.name).startswith("ck_")}
            in_database = {str(c["name"]) for c in inspector.get_check_constraints(table.name)}
            assert in_database == checks, table.name
    engine.dispose()


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)
def test_every_migration_begins_by_limiting_its_waits(path: Path) -> None:
    """No migration can queue the whole service behind a lock it waits for."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    upgrade = next(
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "upgrade"
    )
    assert ast.unparse(upgrade.body[0]).startswith("limit_waiting(")


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)
def test_every_migration_says_whether_it_expands_or_contracts(path: Path) -> None:
    """The file name tells before or after the deploy, and the docstring agrees."""
    match = re.fullmatch(r"(\d{4}_\d{2}_\d{2}_\d{4})_(expand|contract)_[a-z0-9_]+", path.stem)
    assert match is not None
    text = path.read_text(encoding="utf-8")
    assert f'revision: Final = "{match[1]}"' in text
    assert f"{match[2].title()}: " in (ast.get_docstring(ast.parse(text)) or "")


def test_limits_hold_while_a_migration_runs(empty_database_url: str) -> None:
    """A held lock makes a migration give up, and the message says so."""
    migrate(empty_database_url)
    url = libpq_url(empty_database_url)
    with Connection.connect(url) as holder, Connection.connect(url, autocommit=True) as owner:
        owner.execute("DROP TABLE audit_entry, audit_head")
        owner.execute("DROP FUNCTION goodfit_audit_head_steps()")
        owner.execute("UPDATE alembic_version SET version_num = '2026_11_22_2113'")
        holder.execute("LOCK TABLE alembic_version IN ACCESS SHARE MODE")
        holder.execute("CREATE TABLE audit_entry (seq bigint)")
        with pytest.raises(MigrationFailed, match="held a lock for too long"):
            migrate(empty_database_url)


async def test_migrating_twice_changes_nothing(empty_database_url: str) -> None:
    """A start on a migrated database finds nothing to do."""
    first = migrate(empty_database_url)
    again = migrate(empty_database_url)
    assert first == Migration(before=None, after=VERSIONS[-1].stem[:15])
    assert again == Migration(before=first.after, after=first.after)
    assert first.changed
    assert not again.changed


def test_processes_that_start_together_take_turns(empty_database_url: str) -> None:
    """Four workers on an empty database: one migrates, three find it done, none fails."""
    with ThreadPoolExecutor(max_workers=4) as workers:
        done = list(workers.map(migrate, [empty_database_url] * 4))
    assert sorted(each.changed for each in done) == [False, False, False, True]


async def test_an_empty_database_is_not_called_migrated(empty_database_url: str) -> None:
    """Readiness can tell a fresh database from a served one."""
    migrate(empty_database_url)
    engine = open_engine(empty_database_url)
    async with transaction(engine) as connection:
        assert await is_migrated(connection)
    with Connection.connect(libpq_url(empty_database_url), autocommit=True) as owner:
        owner.execute("UPDATE alembic_version SET version_num = '2026_11_22_2110'")
        async with transaction(engine) as connection:
            assert not await is_migrated(connection)
        owner.execute("UPDATE alembic_version SET version_num = '2099_01_01_0000'")
        async with transaction(engine) as connection:
            assert await is_migrated(connection), "a newer schema serves older code too"
        owner.execute("DROP TABLE alembic_version")
        async with transaction(engine) as connection:
            assert not await is_migrated(connection)
    await engine.dispose()


def test_a_database_of_a_newer_goodfit_is_left_alone(empty_database_url: str) -> None:
    """An old version says whose database it met instead of breaking it."""
    migrate(empty_database_url)
    with Connection.connect(libpq_url(empty_database_url), autocommit=True) as owner:
        owner.execute("UPDATE alembic_version SET version_num = '2099_01_01_0000'")
    with pytest.raises(MigrationFailed, match="newer Goodfit"):
        migrate(empty_database_url)


def test_a_server_that_is_not_there_is_said_in_words() -> None:
    """No stack of driver errors, and no password."""
    with pytest.raises(MigrationFailed, match="could not be migrated") as refusal:
        migrate("postgresql+psycopg://ann:secret@127.0.0.1:1/x")
    assert "secret" not in str(refusal.value)


async def test_the_service_user_need_not_own_anything(
    empty_database_url: str, server_url: str
) -> None:
    """A plain login is let into the role by the owner's migration, and into nothing else."""
    user = f"clerk_{make_url(empty_database_url).database}"
    clerk_url = (
        make_url(empty_database_url).set(username=user).render_as_string(hide_password=False)
    )
    with Connection.connect(libpq_url(server_url), autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(user)))
        try:
            migrate(empty_database_url, service_url=clerk_url)
            engine: AsyncEngine = open_engine(clerk_url)
            async with transaction(engine) as connection:
                assert await is_migrated(connection)
            await engine.dispose()
            assert not migrate(clerk_url).changed
            with Connection.connect(libpq_url(empty_database_url), autocommit=True) as inside:
                inside.execute("UPDATE alembic_version SET version_num = '2026_11_22_2113'")
            with pytest.raises(MigrationFailed, match="run it as the schema's owner"):
                migrate(clerk_url)
        finally:
            owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(user)))


def test_an_owner_who_may_not_make_roles_is_told_what_an_administrator_must_run(
    empty_database_url: str, server_url: str, template: str
) -> None:
    """The smallest rights a schema's owner can have are enough, once the role is lent to it."""
    del template  # its migration made the role, which belongs to the whole server
    name = make_url(empty_database_url).database
    assert name is not None
    owner = sql.Identifier(f"owner_{name}")
    owner_url = make_url(empty_database_url).set(username=f"owner_{name}")
    url = owner_url.render_as_string(hide_password=False)
    with Connection.connect(libpq_url(server_url), autocommit=True) as administrator:
        administrator.execute(sql.SQL("CREATE ROLE {} LOGIN").format(owner))
        administrator.execute(
            sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), owner)
        )
        try:
            with pytest.raises(MigrationFailed, match="let an administrator run `CREATE ROLE"):
                migrate(url)
            administrator.execute(
                sql.SQL("GRANT goodfit_app TO {} WITH ADMIN OPTION").format(owner)
            )
            assert migrate(url).after == VERSIONS[-1].stem[:15]
        finally:
            administrator.execute(
                sql.SQL("ALTER DATABASE {} OWNER TO CURRENT_USER").format(sql.Identifier(name))
            )
            with Connection.connect(libpq_url(empty_database_url), autocommit=True) as inside:
                inside.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(owner))
            administrator.execute(sql.SQL("DROP ROLE {}").format(owner))
