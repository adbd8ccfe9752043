"""The work of `goodfit erase`: on the database itself, in this process.

Whatever erasures wait are worked off with it, so that one that was stopped is not forgotten.
"""

import asyncio
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import typer
from pydantic import ValidationError
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from service import privacy
from service.cli.database import database_of, on_database
from service.cli.editing import editor_of, row_progress
from service.cli.screen import NO, count_of, print_json, refuse, say
from service.cli.starting import settings_of_process, stopped_by_signals
from service.privacy import Eraser, Named, erase_next
from service.settings import Settings
from service.storage import leases, transaction
from service.storage.sealing import SealingKeyUnusable

__all__ = ["Asked", "erase", "named"]

_LOOK_AGAIN_S: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who is meant, None for everybody's old facts; whether it is only tried; who asks."""

    named: Named | None
    is_dry: bool
    person: str


def named(email: str, external_id: str, account: str, identity: str) -> Named:
    """Return the names as the API would take them, or refuse them in words."""
    system, _, own = identity.partition(":")
    sent = {
        "email": email or None,
        "external_id": external_id or None,
        "account": account or None,
        "identity": {"system": system, "id": own} if identity else None,
    }
    try:
        return privacy.ErasureSent.model_validate(sent).names
    except ValidationError as invalid:
        first = invalid.errors()[0]
        refuse(f"{first['loc'][0] if first['loc'] else 'names'}: {first['msg']}")


def erase(asked: Asked, *, is_sure: bool, as_json: bool) -> None:
    """Erase, after a dry run and a question where nobody is sure; print what was cleared."""
    settings = settings_of_process()
    if not (asked.is_dry or is_sure or sys.stdin.isatty()):
        refuse("this cannot be undone; give --dry-run, or --yes")
    with database_of(settings) as url, stopped_by_signals():
        if not (asked.is_dry or is_sure):
            tried = _erased(url, replace(asked, is_dry=True), settings)
            _print(tried)
            if not typer.confirm("  Clear it? It cannot be undone.", err=True):
                refuse("nothing was cleared", code=NO)
        row = _erased(url, asked, settings)
    if as_json:
        print_json(privacy.erasure_shown(row))
    else:
        _print(row)
    if row.state != "done":
        refuse(row.failure or "somebody cancelled it", code=NO)


def _erased(url: str, asked: Asked, settings: Settings) -> Row[Any]:
    """Return the erasure as it ended, here or on a server that took it up first."""
    with row_progress("decisions") as tell:

        async def work(engine: AsyncEngine) -> Row[Any]:
            eraser = Eraser(
                engine=engine,
                clock=lambda: datetime.now(UTC),
                key=lambda: privacy.marking_key(settings),
                tell=lambda _, done, total: tell(done, total),
            )
            async with transaction(engine) as connection:
                row = await _ask(connection, asked, settings)
            while row.state in leases.OPEN:
                if not await erase_next(eraser):
                    await asyncio.sleep(_LOOK_AGAIN_S)
                async with transaction(engine) as connection:
                    row = await privacy.existing(connection, row.id)
                tell(row.done, row.total)
            return row

        try:
            return on_database(url, work)
        except SealingKeyUnusable as error:
            refuse(str(error), code=NO)
        except KeyboardInterrupt:
            refuse("stopped; a server that runs goes on, and so does the next erasure", code=NO)


async def _ask(connection: Any, asked: Asked, settings: Settings) -> Row[Any]:  # noqa: ANN401 - AsyncConnection
    editor = editor_of(asked.person)
    if asked.named is None:
        return await privacy.ask_for_retention(
            connection, settings, editor=editor, dry_run=asked.is_dry
        )
    return await privacy.ask_for(connection, asked.named, editor=editor, dry_run=asked.is_dry)


def _print(row: Row[Any]) -> None:
    verb = "would be cleared" if row.dry_run else "cleared"
    shown = privacy.erasure_shown(row)
    if not shown["cleared"]:
        say(f"  nothing {verb}")
    for one in shown["cleared"]:
        say(f"  {one['table']:<22} {count_of(one['rows'], 'row')} {verb}")
