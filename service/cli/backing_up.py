"""The work of `goodfit backup`: one file of everything, and whether such a file is whole."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from service.cli.database import database_of
from service.cli.screen import NO, console, count_of, own_command, print_json, refuse, say
from service.cli.starting import settings_of_process, stopped_by_signals
from service.storage.archive import BackupFailed, BackupUnreadable, Manifest
from service.storage.archive_file import default_name
from service.storage.archive_making import back_up
from service.storage.archive_reading import open_backup

__all__ = ["backup", "check", "manifest_json", "progress_of", "size_words", "what_is_in"]


def backup(file: Path | None, *, force: bool, as_json: bool) -> None:
    """Write a backup and print what is in it; None is a file of today's name in this folder."""
    settings = settings_of_process()
    file = file or Path(default_name(datetime.now(UTC)))
    if not file.absolute().parent.is_dir():
        refuse(f"the folder of `{file}` does not exist; make it, or name another file")
    if file.exists() and not force:
        refuse(f"`{file}` is there already; name another file, or add `--force`", code=NO)
    began = time.monotonic()
    with _ended_by_hand(), database_of(settings) as url, progress_of("backing up") as told:
        try:
            manifest = back_up(settings.owner_database_url or url, file, overwrite=force, step=told)
        except BackupFailed as error:
            refuse(str(error), code=NO)
    elapsed = time.monotonic() - began
    size = file.stat().st_size
    if as_json:
        told_json = {"file": str(file.absolute()), "bytes": size, "seconds": round(elapsed, 3)}
        print_json(told_json | manifest_json(manifest))
        return
    say(f"  {file} holds {what_is_in(manifest)}")
    say(
        f"  {size_words(size)} in {elapsed:.1f} s; it holds personal data, and only you can read it"
    )
    say(f"  to restore it:  {own_command()} restore {file} --into FOLDER", style="dim")


def check(file: Path, *, as_json: bool) -> None:
    """Print what is in a backup, every byte of it held against its manifest; else end with 1."""
    try:
        with open_backup(file) as found:
            manifest = found.manifest
            with progress_of("checking") as told:
                found.check(step=lambda done: told(done, manifest.unpacked_bytes))
    except BackupUnreadable as error:
        if as_json:
            print_json({"ok": False, "problem": str(error)})
            raise typer.Exit(NO) from None
        refuse(str(error), code=NO)
    if as_json:
        print_json({"ok": True} | manifest_json(manifest))
        return
    say(f"  ok  {what_is_in(manifest)}")
    say(
        f"      made {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC by Goodfit {manifest.goodfit} on "
        f"Postgres {manifest.postgres}; audit up to entry {manifest.audit_seq:,}"
    )


def what_is_in(manifest: Manifest) -> str:
    """Return in words how much a backup holds."""
    decisions = count_of(manifest.rows_of("decision"), "decision")
    versions = count_of(manifest.rows_of("rule_set_version"), "version")
    accounts = count_of(manifest.rows_of("account"), "account")
    return f"{decisions}, {versions}, {accounts}, {count_of(manifest.rows, 'row')} in all"


def manifest_json(manifest: Manifest) -> dict[str, object]:
    """Return what programs may want to know of a backup."""
    return {
        "made_at": manifest.made_at.isoformat(),
        "goodfit": manifest.goodfit,
        "postgres": manifest.postgres,
        "schema": manifest.revision,
        "rows": manifest.rows,
        "tables": {table.name: table.rows for table in manifest.tables},
        "audit": {"seq": manifest.audit_seq, "hash": manifest.audit_hash},
    }


def size_words(size_bytes: int) -> str:
    """Return `2.3 MB`."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.1f} {unit}"
    return f"{size_bytes} bytes"


@contextmanager
def progress_of(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal; yields what is to be told how much is done, and of how much."""
    screen = console(on_error=True)
    columns = (
        TextColumn(f"  {what}"),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    bar = Progress(*columns, console=screen, disable=not screen.is_terminal, transient=True)
    with bar:
        task = bar.add_task("", total=None)

        def told(done: int, about: int) -> None:
            bar.update(task, completed=done, total=max(done, about) or None)

        yield told


@contextmanager
def _ended_by_hand() -> Iterator[None]:
    """End with 1 and without a trace on Ctrl-C or SIGTERM; nothing is left then."""
    with suppress(KeyboardInterrupt), stopped_by_signals():
        yield
        return
    refuse("stopped; no backup was made", code=NO)
