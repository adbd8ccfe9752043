"""The front door for people at a terminal: `goodfit`.

One module a command. Exit codes: 0 done, 1 the answer is no, 2 the call cannot be understood.
"""

import typer

from service.cli.opening import main

__all__ = ["app", "main"]


def __getattr__(name: str) -> typer.Typer:
    """Return `app`, every command, whose modules are loaded when somebody asks for it."""
    if name != "app":
        raise AttributeError(name)
    from service.cli.door import app

    return app
