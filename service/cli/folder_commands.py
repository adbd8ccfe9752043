"""`goodfit plan` and `goodfit apply`: their options here, their work elsewhere."""

from typing import Annotated

import typer

from service.cli.screen import AsJson, refuse

Folder = Annotated[
    str, typer.Argument(metavar="DIR", help="A folder of rule files, or one rule file.")
]
ServerUrl = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="URL",
        help="GOODFIT_SERVER or http://127.0.0.1:8321; the key comes from GOODFIT_KEY.",
    ),
]
DraftName = Annotated[
    str, typer.Option("--draft", metavar="NAME", help="The draft that this folder is kept in.")
]
Note = Annotated[str | None, typer.Option("--note", help="What to say of the new versions.")]
Release = Annotated[bool, typer.Option("--release", help="Put the versions live; needs --reason.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Why they go live.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Apply over what was changed on the server meanwhile.")
]


def plan(
    folder: Folder, *, server: ServerUrl = None, draft: DraftName = "files", as_json: AsJson = False
) -> None:
    """Show what a folder of rule files would change on the server. Changes nothing."""
    from service.cli import applying

    applying.plan(folder, server=server, draft=draft, as_json=as_json)


def apply(
    folder: Folder,
    *,
    server: ServerUrl = None,
    draft: DraftName = "files",
    note: Note = None,
    release: Release = False,
    reason: Reason = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Commit changed rule files as versions; they go live only with --release and a reason."""
    from service.cli import applying

    if release is not bool(reason and reason.strip()):
        refuse("--release and --reason go together: what goes live has a reason")
    wish = applying.Wish(draft=draft, note=note, overwrite=overwrite, reason=reason)
    applying.apply(folder, wish, server=server, as_json=as_json)
