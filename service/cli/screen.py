"""What a command prints: words for people, JSON for programs, refusals for both."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.text import Text

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")]
"""The `--json` that every printing command has."""

NO = 1
USAGE = 2


def own_command() -> str:
    """Return how this program is called from here: by its name, else by its path."""
    called = Path(sys.argv[0]).absolute()
    found = shutil.which(called.name)
    if found is not None and Path(found).absolute() == called:
        return called.name
    here = Path.cwd()
    return str(called.relative_to(here)) if called.is_relative_to(here) else str(called)


def console(*, on_error: bool = False) -> Console:
    """Return a console on standard output, or on standard error.

    Colour and bold are for terminals, and not where `NO_COLOR` is set. Lines are never
    wrapped: a path, a key or a command must survive being copied.
    """
    return Console(
        stderr=on_error,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=True,
        color_system=None if os.environ.get("NO_COLOR") else "auto",
    )


def say(text: str | Text = "", *, style: str | None = None) -> None:
    """Print one line of words to standard output."""
    console().print(text, style=style)


def print_json(value: object) -> None:
    """Print *value* as indented JSON to standard output, whatever stands in its texts."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def refuse(message: str, *, code: int = USAGE) -> NoReturn:
    """End the command with *message* on standard error.

    *code* is `USAGE` where the call cannot be carried out as written, `NO` where it could
    and the answer is no.
    """
    complaint = Text("goodfit: ", style="bold red")
    console(on_error=True).print(complaint.append(message, style="not bold default"))
    raise typer.Exit(code)


def count_of(number: int, noun: str, plural: str | None = None) -> str:
    """Return `1 error`, `3 errors`, `7,043 rows`: the number with thousands and its noun."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
