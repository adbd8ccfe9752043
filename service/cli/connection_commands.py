"""`goodfit connections`: its options here, its work elsewhere."""

from typing import Annotated

import typer

from service.cli.folder_commands import ServerUrl
from service.cli.screen import AsJson

connections = typer.Typer(
    name="connections",
    help="Keep connections to forms and CRMs in a file; list and show them.",
    no_args_is_help=True,
)

File = Annotated[str, typer.Argument(metavar="FILE", help="YAML: connections by name; - is stdin.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The connection's name.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change; change nothing.")]


@connections.command()
def apply(
    file: File, *, dry_run: DryRun = False, server: ServerUrl = None, as_json: AsJson = False
) -> None:
    """Bring connections to what a file declares: all, or none. Exit 1 where one cannot work."""
    from service.cli import connecting

    connecting.apply(file, dry_run=dry_run, server=server, as_json=as_json)


@connections.command(name="list")
def show_all(*, server: ServerUrl = None, as_json: AsJson = False) -> None:
    """List the connections, and whether each works."""
    from service.cli import connecting

    connecting.show_all(server=server, as_json=as_json)


@connections.command()
def show(name: Name, *, server: ServerUrl = None, as_json: AsJson = False) -> None:
    """Print a connection as the file that would declare it, without secrets."""
    from service.cli import connecting

    connecting.show(name, server=server, as_json=as_json)
