"""The tables of the queue: procrastinate's own, brought in step by step by our migrations.

Its package brings the SQL of every version it had. A migration of ours runs those up to a
version that it names, so it means the same whatever version of the package is installed.
Nothing here imports the library: migrating must not wait for it.
"""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = ["QUEUE_SCHEMA", "advance_queue_schema", "packaged_steps", "read_queue_schema"]

QUEUE_SCHEMA: Final = "03.04.00_50_post_add_retry_failed_job_procedure"
"""The last step of the library's schema that this version of Goodfit works with."""


def packaged_steps() -> tuple[Path, ...]:
    """Return the SQL files that the installed library brings, the oldest first."""
    found = importlib.util.find_spec("procrastinate")
    if found is None or not found.submodule_search_locations:
        raise RuntimeError("procrastinate is not installed; install what constraints.txt names")
    folder = Path(found.submodule_search_locations[0]) / "sql" / "migrations"
    return tuple(sorted(folder.glob("*.sql")))


def advance_queue_schema(connection: Connection, *, after: str | None, to: str) -> None:
    """Run the library's steps past *after* up to *to*, and record how far they went.

    Raises:
        RuntimeError: If the installed library does not bring the step *to*.
    """
    steps = {file.stem: file for file in packaged_steps()}
    if to not in steps:
        raise RuntimeError(
            f"this procrastinate brings no `{to}`; install what constraints.txt names"
        )
    for name in _between(steps, after, to):
        # Past SQLAlchemy, which would read its % and : as places for values.
        cursor = connection.connection.cursor()
        cursor.execute(steps[name].read_text(encoding="utf-8"))
        cursor.close()
    connection.execute(text(f"COMMENT ON TABLE procrastinate_jobs IS '{to}'"))


async def read_queue_schema(connection: AsyncConnection) -> str | None:
    """Return the step that the database's queue is at; None where it has none."""
    statement = text("SELECT obj_description(to_regclass('procrastinate_jobs'), 'pg_class')")
    found = (await connection.execute(statement)).scalar_one_or_none()
    return None if found is None else str(found)


def _between(steps: dict[str, Path], after: str | None, to: str) -> Iterator[str]:
    return (name for name in steps if (after is None or name > after) and name <= to)
