"""The front door for people at a terminal: `goodfit`.

One module a command. Exit codes: 0 done, 1 the answer is no, 2 the call cannot be understood.
"""

import gc
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line of this process; ends it with 0, 1 or 2."""
    if sys.argv[1:2] in (["serve"], ["demo"]) and not {"-h", "--help"}.intersection(sys.argv):
        # Before options are even read: nothing takes longer.
        from service.cli.nursing import begin_to_load

        begin_to_load()
    gc.disable()  # a fifth of the loading would go into looking for cycles among modules
    from service.cli.opening import door_of

    open_door = door_of(sys.argv[1:2])
    gc.freeze()
    gc.enable()
    open_door()


def __getattr__(name: str) -> "typer.Typer":
    """Return `app`, every command, whose modules are loaded when somebody asks for it."""
    if name != "app":
        raise AttributeError(name)
    from service.cli.door import app

    return app
