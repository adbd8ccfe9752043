"""The work of `goodfit upgrade-database`: our own data to the next major version of Postgres.

By backup and restore, never in place: the old cluster stays as it was, under another
name, until somebody removes it.
"""

import shutil
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import typer

from service.cli.backing_up import progress_of
from service.cli.database import own_server
from service.cli.restoring import Outcome, Target, bring_in, outcome_json, print_outcome
from service.cli.screen import NO, print_json, refuse, say
from service.cli.starting import settings_of_process, stopped_by_signals
from service.settings import Settings
from service.storage import embedded_folder as folders
from service.storage.archive import BackupFailed, BackupUnreadable, Manifest, RestoreRefused
from service.storage.archive_file import default_name
from service.storage.archive_making import back_up
from service.storage.archive_reading import open_backup
from service.storage.embedded import DataFolderUnusable, EmbeddedPostgres, PostgresDidNotStart

_SAMPLE = 1_000


def upgrade_database(programs: Path | None, *, as_json: bool) -> None:
    """Back up with the old *programs*, restore with ours, exchange; ends with 1 where it cannot."""
    settings = settings_of_process()
    if settings.database_url is not None:
        refuse("DATABASE_URL names a server of your own; upgrade that with Postgres's own tools")
    home = settings.data_folder
    major = folders.major_of(home / "postgres")
    if major is None:
        refuse(f"there is no database in `{home}`; `goodfit serve` makes one", code=NO)
    kept = home / f"postgres-{major}"
    began = time.monotonic()
    try:
        if _is_ours(home):
            _tell_nothing_to_do(home, major, as_json=as_json)
            return
        if kept.exists():
            refuse(f"`{kept}` is there from an earlier upgrade; move it away, then repeat", code=NO)
        with stopped_by_signals():
            file, manifest, outcome = _upgrade(settings, home, _found(programs, major), major=major)
    except KeyboardInterrupt:
        refuse("stopped; the database is as it was", code=NO)
    except (
        BackupFailed,
        BackupUnreadable,
        DataFolderUnusable,
        PostgresDidNotStart,
        RestoreRefused,
    ) as error:
        refuse(f"{error}; the database in `{home}` is as it was", code=NO)
    if as_json:
        said = {"from": major, "kept": str(kept), "backup_file": str(file)}
        print_json(said | outcome_json(manifest, outcome))
    else:
        print_outcome(manifest, outcome)
        say(f"  upgraded from Postgres {major} in {time.monotonic() - began:.1f} s")
        say(f"  once you are content, remove  {kept}", style="dim")
    if not outcome.is_well:
        raise typer.Exit(NO)


def _upgrade(
    settings: Settings, home: Path, programs: Path, *, major: str
) -> tuple[Path, Manifest, Outcome]:
    folder = home / "backups"
    with EmbeddedPostgres.start(home, programs=programs) as old:
        folder.mkdir(mode=0o700, exist_ok=True)
        file = folder / f"postgres-{major}-{default_name(datetime.now(UTC))}"
        with progress_of("backing up") as told:
            manifest = back_up(old.url(), file, step=told)
    fresh = home / folders.UPGRADED
    _throw_away(fresh)
    with own_server(fresh) as server, open_backup(file) as backup:
        backup.check()
        url = server.url()
        target = Target(owner_url=url, url=url, partitions_ahead=settings.partitions_ahead)
        # What is broken was broken before; the old cluster is no better for staying.
        outcome = bring_in(backup, target, replay=_SAMPLE, keep_broken=True)
    with closing(_Hold(home)):
        folders.exchange(home, fresh, kept=f"postgres-{major}")
    return file, manifest, outcome


class _Hold:
    """The hold on a data folder while its cluster is exchanged."""

    def __init__(self, folder: Path) -> None:
        self._lock = folders.claim(folder)

    def close(self) -> None:
        self._lock.release()


def _is_ours(home: Path) -> bool:
    """Say whether the data is of the major version of our own programs."""
    programs = folders.reachable_programs(home, user=folders.system_user())
    try:
        return folders.check_cluster(home / "postgres", programs=programs)
    except DataFolderUnusable as error:
        if error.code != "folder_of_another_postgres":
            raise
        return False


def _found(programs: Path | None, major: str) -> Path:
    """Return the folder with the programs that made the data; else say how to come by them."""
    if programs is None:
        refuse(
            f"the data was made by Postgres {major}, whose programs are not here any more; "
            f"fetch them, `{folders.fetch_programs(major)}`, "
            f"and add `--programs /tmp/postgres-{major}`"
        )
    found = folders.find_programs(programs)
    if found is None:
        refuse(f"`{programs}` holds no Postgres; give the folder with `postgres` and `pg_ctl`")
    user = folders.system_user()
    if user is not None and not folders.all_may_enter(found):
        refuse(
            f"the database's user `{user}` cannot enter `{found}`, because it or a folder above it "
            "is closed; put the programs into one that is open, below /tmp or /opt"
        )
    return found


def _throw_away(fresh: Path) -> None:
    """Remove what an upgrade that was cut off left, its server stopped first."""
    if (fresh / "postgres" / "PG_VERSION").exists():
        with own_server(fresh):
            pass
    if fresh.exists():
        shutil.rmtree(fresh)


def _tell_nothing_to_do(home: Path, major: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"ok": True, "from": major, "kept": None})
    else:
        say(f"the database in {home} is of Postgres {major} already; there is nothing to do")
