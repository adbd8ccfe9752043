"""`goodfit forms`: its options here, its work elsewhere."""

from typing import Annotated

import typer

from service.cli.folder_commands import ServerUrl
from service.cli.screen import AsJson

forms = typer.Typer(
    name="forms", help="Forms: their keys, the tag for a page, statistics.", no_args_is_help=True
)

Key = Annotated[
    str,
    typer.Argument(metavar="KEY", help="The form's publishable key, gf_pk_..., as in its page."),
]
Mode = Annotated[
    str | None,
    typer.Option("--mode", metavar="MODE", help="submit, redirect, progressive, or two."),
]
Source = Annotated[
    str | None, typer.Option("--source", metavar="NAME", help="Where its leads come from.")
]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="INSTANT", help="Visits from then on; 30 days by itself."),
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="INSTANT", help="And before then; now by itself.")
]


@forms.command(name="list")
def show_all(*, server: ServerUrl = None, as_json: AsJson = False) -> None:
    """List the publishable keys that are not revoked: which rules, from which pages."""
    from service.cli import form_reading

    form_reading.show_all(server=server, as_json=as_json)


@forms.command()
def snippet(
    key: Key,
    *,
    mode: Mode = None,
    source: Source = None,
    server: ServerUrl = None,
    as_json: AsJson = False,
) -> None:
    """Print the tag for a page, and a form to begin with."""
    from service.cli import form_reading

    form_reading.snippet(key, mode=mode, source=source, server=server, as_json=as_json)


@forms.command()
def statistics(
    key: Key,
    *,
    since: Since = None,
    until: Until = None,
    server: ServerUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show who started and finished, where the others stopped, and what was saved."""
    from service.cli import form_reading

    form_reading.statistics(key, since=since, until=until, server=server, as_json=as_json)
