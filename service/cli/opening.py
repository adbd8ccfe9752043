"""Open the door that a command needs.

Who serves is waited for, and the modules of all other commands together take as long to
load as a database to start: so `goodfit serve` has a door of its own.
"""

import sys
from importlib.metadata import version
from typing import Annotated, Final

import typer

from service.cli.operations import serve
from service.cli.screen import say

__all__ = ["OPERATIONS", "front_door", "main"]

OPERATIONS: Final = "Operations"
"""The panel of the help in which `serve` stands."""


def main() -> None:
    """Run the command line of this process; ends it with 0, 1 or 2."""
    if sys.argv[1:2] == ["serve"]:
        app = front_door()
        app.command(rich_help_panel=OPERATIONS)(serve)
    else:
        from service.cli.door import app
    app()


def front_door() -> typer.Typer:
    """Return what commands are reached by, with none behind it yet."""
    app = typer.Typer(
        name="goodfit",
        help="Who are we for, and who are we not for: ask a rule set, with facts.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    return app


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer hands the flag over by position
    if wanted:
        say(f"goodfit {version('goodfit')}")
        raise typer.Exit


def _options(
    *,
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Who are we for, and who are we not for: ask a rule set, with facts."""
    del show_version
