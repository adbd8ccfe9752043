"""Who asks from this terminal, and how far the work is that somebody watches there."""

import getpass
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from service.cli.screen import console
from service.rulesets import Editor
from service.storage import RANDOM_BYTES, make_uuid

__all__ = ["bar", "editor_of", "row_progress"]


def editor_of(person: str) -> Editor:
    """Return whoever asks from this terminal: *person*, else who is logged in."""
    now = datetime.now(UTC)
    return Editor(person=person or getpass.getuser(), at=now, new_uuid=_new_uuid)


def bar() -> Progress:
    """Return a bar that counts, on a terminal's standard error."""
    screen = console(on_error=True)
    return Progress(
        TextColumn("  {task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=screen,
        disable=not screen.is_terminal,
        transient=True,
    )


@contextmanager
def row_progress(what: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show a bar of *what* for the block, which says how many are done, and of how many."""
    with bar() as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _new_uuid(at: datetime) -> UUID:
    return make_uuid(at, secrets.token_bytes(RANDOM_BYTES))
