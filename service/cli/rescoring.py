"""The work of `goodfit rescore`: on the database itself, in this process."""

import asyncio
import getpass
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from service.bulk import rescoring_store as store
from service.bulk.rescoring import Pace, Rescoring, TakenAway, preview, work_on
from service.bulk.rescoring_asking import ask_for, check_rescorable
from service.bulk.rescoring_tally import NEVER, RescoringTally
from service.bulk.sampling import EnginesDisagree
from service.cli.database import database_of, on_database
from service.cli.screen import NO, console, count_of, print_json, refuse, say
from service.cli.starting import settings_of_process, stopped_by_signals
from service.rules.sql import Untranslatable
from service.rulesets import Editor, LiveRules, Running
from service.storage import (
    RANDOM_BYTES,
    DatabaseNotMigrated,
    DatabaseUnavailable,
    SessionLimits,
    connect_raw,
    make_uuid,
    to_text,
    transaction,
)
from service.web import Refusal

_LIMITS: Final = SessionLimits(
    statement=timedelta(minutes=2),
    idle_in_transaction=timedelta(minutes=2),
    transaction=timedelta(minutes=1),
)
_LOOK_AGAIN_S: Final = 0.5


def rescore(slug: str, *, person: str, is_dry: bool, as_json: bool) -> None:
    """Rescore, or go on with a rescoring that was stopped; print what changed."""
    began_s = time.monotonic()
    with database_of(settings_of_process()) as url, stopped_by_signals(), _progress() as progress:
        task = progress.add_task("accounts", total=None)

        def tell(done: int, total: int | None) -> None:
            progress.update(task, completed=done, total=total)

        async def work(engine: AsyncEngine) -> tuple[Row[Any] | None, Running, RescoringTally]:
            running, row = await _begun(engine, slug, person=person, is_dry=is_dry)
            async with _reader(url) as reader:
                if row is None:
                    what = _rescoring_of(running, at=datetime.now(UTC))
                    return None, running, await preview(what, reader=reader, tell=tell)
                row = await _claimed(engine, row)
                return row, running, await _work_on(row, running, engine, reader, tell)

        try:
            row, running, tally = on_database(url, work, limits=_LIMITS)
        except Refusal as refusal:
            refuse(str(refusal), code=NO)
        except (EnginesDisagree, Untranslatable) as error:
            refuse(str(error), code=NO)
        except TakenAway:
            refuse("somebody cancelled the rescoring, or goes on with it elsewhere", code=NO)
        except KeyboardInterrupt:
            refuse(f"stopped; `goodfit rescore {slug}` goes on from here", code=NO)
    seconds = time.monotonic() - began_s
    if as_json:
        print_json(_report(row, running, tally, seconds))
    else:
        _print(row, running, tally, seconds)


async def _begun(
    engine: AsyncEngine, slug: str, *, person: str, is_dry: bool
) -> tuple[Running, Row[Any] | None]:
    """Return the version and the rescoring to work on: an open one, else a new one."""
    live = LiveRules(engine, timer=time.monotonic)
    now = datetime.now(UTC)
    async with transaction(engine) as connection:
        row = None if is_dry else await store.find_open(connection, slug)
    if row is not None:
        return await live.version(slug, row.version), row
    running = await live.version_at(slug, now)
    check_rescorable(running)
    if is_dry:
        return running, None
    editor = Editor(person=person or getpass.getuser(), at=now, new_uuid=_new_uuid)
    async with transaction(engine) as connection:
        return running, await ask_for(connection, running, editor=editor)


async def _claimed(engine: AsyncEngine, row: Row[Any]) -> Row[Any]:
    """Return the rescoring once its lease is ours: who was killed holds it for a while yet.

    Raises:
        TakenAway: If somebody else is still working on it after that.
    """
    until_s = time.monotonic() + 1.5 * Pace().lease.total_seconds()
    while True:
        async with transaction(engine) as connection:
            claimed = await store.claim(connection, row.id, lease=Pace().lease)
        if claimed is not None:
            return claimed
        if time.monotonic() > until_s:
            raise TakenAway
        await asyncio.sleep(_LOOK_AGAIN_S)


async def _work_on(
    row: Row[Any],
    running: Running,
    engine: AsyncEngine,
    reader: psycopg.AsyncConnection[Any],
    tell: Callable[[int, int | None], None],
) -> RescoringTally:
    tell(row.done, row.total)
    try:
        return await work_on(
            row,
            _rescoring_of(running, at=row.at),
            engine=engine,
            reader=reader,
            new_uuid=_new_uuid,
            clock=lambda: datetime.now(UTC),
            tell=tell,
        )
    except BaseException:
        with suppress(DatabaseUnavailable, DatabaseNotMigrated):
            async with transaction(engine) as connection:
                await store.give_back(connection, row)
        raise


@asynccontextmanager
async def _reader(url: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    reader = await connect_raw(url, limits=_LIMITS)
    try:
        yield reader
    finally:
        await reader.close()


def _rescoring_of(running: Running, *, at: datetime) -> Rescoring:
    return Rescoring(rule_set=running.slug, version=running.version, rules=running.rules, at=at)


def _new_uuid(at: datetime) -> UUID:
    return make_uuid(at, secrets.token_bytes(RANDOM_BYTES))


def _report(
    row: Row[Any] | None, running: Running, tally: RescoringTally, seconds: float
) -> dict[str, object]:
    return {
        "id": None if row is None else to_text("rsc", row.id),
        "dry_run": row is None,
        "rule_set": running.slug,
        "version": running.version,
        "digest": running.digest,
        "accounts": tally.unchanged + tally.written + tally.later,
        **tally.to_json(),
        "verdicts_changed": tally.verdicts_changed,
        "seconds": round(seconds, 3),
    }


def _print(row: Row[Any] | None, running: Running, tally: RescoringTally, seconds: float) -> None:
    accounts = count_of(tally.unchanged + tally.written + tally.later, "account")
    say(f"  {accounts} by `{running.slug}` {running.version} in {seconds:.1f} s")
    verb = "would be written" if row is None else "written"
    say(f"  {tally.written:,} {verb}, {tally.unchanged:,} unchanged")
    if tally.later:
        say(f"  {count_of(tally.later, 'account')} decided later, removed or erased meanwhile")
    for before, towards in sorted(tally.verdicts.items()):
        for after, count in sorted(towards.items()):
            if after != before:
                was = "never decided" if before == NEVER else before
                say(f"  {was} -> {after}  {count:,}")


def _progress() -> Progress:
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
