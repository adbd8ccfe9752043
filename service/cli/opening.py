"""Open the door that a command needs.

Who serves is waited for, and the modules of all other commands together take as long to
load as a database to start: so `goodfit serve` has a door of its own. `goodfit score` has one
because it is run by programs, file after file.
"""

from collections.abc import Sequence
from typing import Annotated, Final

import typer

from service.cli.screen import say

__all__ = ["OPERATIONS", "RULES", "door_of", "front_door"]

OPERATIONS: Final = "Operations"
"""The panel of the help in which `serve` stands."""
RULES: Final = "Rule files"
"""The panel of the help in which `score` stands."""


def door_of(command: Sequence[str]) -> typer.Typer:
    """Return the door of the one *command* that is meant, or of all."""
    match command:
        case ["serve"]:
            from service.cli.operations import serve

            app = front_door()
            app.command(rich_help_panel=OPERATIONS)(serve)
        case ["score"]:
            from service.cli.scoring import score

            app = front_door()
            app.command(rich_help_panel=RULES)(score)
        case _:
            from service.cli.door import app
    return app


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
        from importlib.metadata import version

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
