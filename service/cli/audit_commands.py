"""`goodfit audit`: is the record of who changed what still as it was written."""

from typing import Annotated

import typer

from service.cli.screen import AsJson

audit = typer.Typer(name="audit", help="Verify the record of who changed what.")

Anchor = Annotated[
    str | None,
    typer.Option(
        "--anchor",
        metavar="SEQ:HASH",
        help="An anchor printed before and kept elsewhere: finds a record rewritten whole.",
    ),
]


@audit.callback()
def _group() -> None:
    """Verify the record of who changed what."""


@audit.command()
def verify(*, anchor: Anchor = None, as_json: AsJson = False) -> None:
    """Recompute the whole chain. Exit 1 where an entry was changed, taken out, put in or moved."""
    from service.cli import auditing

    auditing.verify(anchor, as_json=as_json)
