"""`goodfit import`: its options here, its work elsewhere."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from service.cli.folder_commands import ServerUrl
from service.cli.screen import AsJson

What = Annotated[
    Literal["accounts", "events", "outcomes"],
    typer.Argument(
        metavar="WHAT",
        help="accounts: facts and identities; events: the ledger; outcomes: won, lost, churned.",
    ),
]
InputFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="A .csv, .tsv, .ndjson or .parquet file.")
]
MapFile = Annotated[
    str | None,
    typer.Option("--map", metavar="MAP", help="YAML: which column is what, and how it is written."),
]
SourceName = Annotated[
    str, typer.Option("--source", metavar="NAME", help="Who says what stands in the file.")
]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="INSTANT", help="When an account's facts were true; else now."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would become of each row; keep nothing.")
]
Report = Annotated[
    Path | None,
    typer.Option("--report", metavar="CSV", help="Bad rows by line; else FILE.problems.csv."),
]


def import_file(
    what: What,
    file: InputFile,
    *,
    map_file: MapFile = None,
    source: SourceName = "import",
    at: At = None,
    dry_run: DryRun = False,
    report: Report = None,
    server: ServerUrl = None,
    as_json: AsJson = False,
) -> None:
    """Bring a file of accounts, events or outcomes to the server. Exit 1 where a row was not taken.

    Run it again after it broke off: what is there already is recognised.
    """
    from service.cli import importing

    importing.import_file(
        file,
        job=importing.Job(what=what, source=source, at=at, is_dry=dry_run),
        map_file=map_file,
        report=report,
        server=server,
        as_json=as_json,
    )
