"""The work of `goodfit restore`: fill a new database from a backup, then prove what came."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import typer
from rich.text import Text
from sqlalchemy.ext.asyncio import AsyncEngine

from service.cli.backing_up import manifest_json, progress_of, size_words, what_is_in
from service.cli.database import database_of, in_transaction, on_database, own_server
from service.cli.screen import NO, count_of, own_command, print_json, refuse, say
from service.cli.starting import settings_of_process, stopped_by_signals
from service.decisions import Drill, drill
from service.rulesets import LiveRules
from service.settings import Settings, sqlalchemy_url
from service.storage import SessionLimits, ensure_partitions, to_text
from service.storage.archive import BackupUnreadable, Manifest, RestoreRefused
from service.storage.archive_reading import Backup, open_backup
from service.storage.archive_restoring import Restored, check_target
from service.storage.archive_restoring import restore as restore_rows

__all__ = ["Outcome", "Target", "bring_in", "outcome_json", "print_outcome"]

# Rows, their indexes, and what Postgres writes ahead of both.
_ROOM: Final = 3
_LONG: Final = timedelta(hours=6)
_MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where the rows go: as whom they are written, and as whom the service will read them."""

    owner_url: str
    url: str
    partitions_ahead: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a restore did, and what deciding again found."""

    restored: Restored
    drill: Drill

    @property
    def is_well(self) -> bool:
        """Say whether everything that was looked at holds."""
        return not self.restored.broken and not self.drill.different


def restore(
    file: Path,
    *,
    into: str | None,
    dry_run: bool,
    replay: int | None,
    keep_broken: bool,
    as_json: bool,
) -> None:
    """Restore, and print what came; 1 where it cannot be done or something does not hold."""
    settings = settings_of_process()
    began = time.monotonic()
    try:
        with _ended_by_hand(), open_backup(file) as backup:
            with progress_of("checking") as told:
                backup.check(step=lambda done: told(done, backup.manifest.unpacked_bytes))
            folder = _folder(settings, into)
            if folder is not None:
                _check_room(folder, backup.manifest)
            if dry_run:
                _tell_plan(backup.manifest, settings, into=into, as_json=as_json)
                return
            with _target(settings, into) as target:
                outcome = bring_in(backup, target, replay=replay, keep_broken=keep_broken)
    except (BackupUnreadable, RestoreRefused) as error:
        refuse(str(error), code=NO)
    elapsed = time.monotonic() - began
    if as_json:
        where = {"into": str(folder) if folder is not None else "a database"}
        print_json(where | {"seconds": round(elapsed, 3)} | outcome_json(backup.manifest, outcome))
    else:
        print_outcome(backup.manifest, outcome)
        if folder is not None and into is not None:
            serving = f"GOODFIT_HOME={folder} {own_command()} serve"
            say(f"  restored in {elapsed:.1f} s; to serve it:  {serving}")
        else:
            say(f"  restored in {elapsed:.1f} s")
    if not outcome.is_well:
        raise typer.Exit(NO)


def bring_in(
    backup: Backup, target: Target, *, replay: int | None, keep_broken: bool = False
) -> Outcome:
    """Restore *backup* into *target*, make the months to come, and decide *replay* again.

    Raises:
        RestoreRefused: If the database cannot take it.
        BackupUnreadable: If the file is not what its manifest says.
    """
    rows = backup.manifest.rows
    with progress_of("restoring") as told:
        restored = restore_rows(
            target.owner_url,
            backup,
            service_url=target.url if target.url != target.owner_url else None,
            keep_broken=keep_broken,
            step=lambda done: told(done, rows),
        )
    ahead = target.partitions_ahead
    in_transaction(target.url, lambda connection: ensure_partitions(connection, ahead=ahead))
    wanted = backup.manifest.rows_of("decision") if replay is None else replay
    limits = SessionLimits(
        statement=_LONG, transaction=_LONG, idle_in_transaction=_LONG, pool_size=2
    )
    with progress_of("replaying") as told:

        async def decide(engine: AsyncEngine) -> Drill:
            live = LiveRules(engine, timer=time.monotonic)
            return await drill(engine, live, at_most=replay, step=lambda done: told(done, wanted))

        found = on_database(target.url, decide, limits=limits)
    return Outcome(restored, found)


def print_outcome(manifest: Manifest, outcome: Outcome) -> None:
    """Print what came, and whether it holds."""
    restored, found = outcome.restored, outcome.drill
    _print_finding(f"{what_is_in(manifest)}, counted", is_well=True)
    entry = f"audit chain holds up to entry {restored.audit.seq:,}"
    digests = f"{count_of(restored.versions, 'version')} as their digests say"
    if restored.broken:
        for words in restored.broken[:_MOST_NAMED]:
            _print_finding(words, is_well=False)
    else:
        _print_finding(f"{digests}; {entry}", is_well=True)
    erased = f"; of {count_of(found.erased, 'more')} the facts were erased" if found.erased else ""
    replayed = f"{count_of(found.replayed, 'decision')} replayed"
    if found.different:
        names = ", ".join(to_text("dec", one) for one in found.different[:_MOST_NAMED])
        words = f"{replayed}, {len(found.different):,} came out otherwise: {names}"
        _print_finding(words + erased, is_well=False)
    else:
        _print_finding(f"{replayed}, all identical{erased}", is_well=True)


def outcome_json(manifest: Manifest, outcome: Outcome) -> dict[str, object]:
    """Return what came and what was found."""
    return {
        "ok": outcome.is_well,
        "backup": manifest_json(manifest),
        "rows": outcome.restored.rows,
        "versions": outcome.restored.versions,
        "audit": {"seq": outcome.restored.audit.seq, "hash": outcome.restored.audit.hash.hex()},
        "broken": list(outcome.restored.broken),
        "replayed": outcome.drill.replayed,
        "erased": outcome.drill.erased,
        "different": [to_text("dec", one) for one in outcome.drill.different],
    }


def _print_finding(words: str, *, is_well: bool) -> None:
    mark = Text("  ok  ", style="green") if is_well else Text("  NO  ", style="bold red")
    say(mark.append(words, style="not bold default"))


@contextmanager
def _target(settings: Settings, into: str | None) -> Iterator[Target]:
    """Give the database that *into* names, its server started where it is one of our own."""
    ahead = settings.partitions_ahead
    if into is None:
        with database_of(settings) as url:
            owner = settings.owner_database_url or url
            yield Target(owner_url=owner, url=url, partitions_ahead=ahead)
    elif "://" in into:
        url = _url(into)
        yield Target(owner_url=url, url=url, partitions_ahead=ahead)
    else:
        with own_server(_path(into)) as server:
            yield Target(owner_url=server.url(), url=server.url(), partitions_ahead=ahead)


def _folder(settings: Settings, into: str | None) -> Path | None:
    """Return the data folder that *into* means; None where it is a database of its own."""
    if into is None:
        return settings.data_folder if settings.database_url is None else None
    return None if "://" in into else _path(into)


def _path(into: str) -> Path:
    return Path(into).expanduser().absolute()


def _url(into: str) -> str:
    try:
        return sqlalchemy_url(into)
    except ValueError as error:
        refuse(f"--into: {error}")


def _check_room(folder: Path, manifest: Manifest) -> None:
    place = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free, wanted = shutil.disk_usage(place).free, _ROOM * manifest.unpacked_bytes
    if free < wanted:
        refuse(
            f"the backup needs about {size_words(wanted)} and `{place}` has {size_words(free)} "
            "free; restore into a folder on another disk",
            code=NO,
        )


def _tell_plan(manifest: Manifest, settings: Settings, *, into: str | None, as_json: bool) -> None:
    """Say what a restore would do; end with 1 where it would be refused."""
    folder = _folder(settings, into)
    is_new = folder is not None and not (folder / "postgres" / "PG_VERSION").exists()
    if is_new:
        where = f"a new database in {folder}"
    else:
        with _target(settings, into) as target:
            check_target(target.owner_url, manifest)
        where = f"the empty database in {folder}" if folder is not None else "the empty database"
    if as_json:
        print_json({"ok": True, "into": where, "backup": manifest_json(manifest)})
        return
    say(f"  ok  {what_is_in(manifest)}")
    say(
        f"      made {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC by Goodfit {manifest.goodfit} on "
        f"Postgres {manifest.postgres}"
    )
    say(f"      would go into {where}; nothing was changed")


@contextmanager
def _ended_by_hand() -> Iterator[None]:
    """End with 1 and without a trace on Ctrl-C or SIGTERM."""
    with suppress(KeyboardInterrupt), stopped_by_signals():
        yield
        return
    refuse("stopped; run it again, and where all rows were there already it will say so", code=NO)
