"""The work of `goodfit rescore`: on the database itself, in this process.

Where a server, or another terminal, is at it already, the command watches.
"""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from service import rescorings
from service.bulk import EnginesDisagree
from service.bulk.rescoring import Pace, TakenAway, Tell, preview
from service.bulk.rescoring_working import LIMITS, carry_out, reading, rescoring_of
from service.cli.database import database_of, on_database
from service.cli.editing import bar, editor_of
from service.cli.screen import NO, count_of, print_json, refuse, say
from service.cli.starting import settings_of_process, stopped_by_signals
from service.rescorings import NEVER, RescoringTally, ask_for, check_rescorable, store
from service.rules.sql import Untranslatable
from service.rulesets import LiveRules, Running
from service.storage import to_text, transaction
from service.web import Refusal

LOOK_AGAIN_S: Final = 0.5


def rescore(slug: str, *, person: str, is_dry: bool, as_json: bool) -> None:
    """Rescore, or go on with a rescoring that was stopped; print what changed."""
    began_s = time.monotonic()
    with (
        database_of(settings_of_process()) as url,
        stopped_by_signals(),
        bar() as progress,
    ):
        task = progress.add_task("accounts", total=None)

        def tell(done: int, total: int | None) -> None:
            progress.update(task, completed=done, total=total)

        async def work(engine: AsyncEngine) -> tuple[Row[Any] | None, Running, RescoringTally]:
            live = LiveRules(engine, timer=time.monotonic)
            if is_dry:
                now = datetime.now(UTC)
                running = await live.version_at(slug, now)
                check_rescorable(running)
                async with reading(url) as reader:
                    what = await rescoring_of(running, at=now, engine=engine)
                    return (
                        None,
                        running,
                        await preview(what, engine=engine, reader=reader, tell=tell),
                    )
            row = await _begun(engine, live, slug, person=person, tell=tell)
            running = await live.version(slug, row.version)
            if row.state == "done":
                return row, running, RescoringTally.from_json(row.tally)
            tally = await carry_out(
                row, running, engine=engine, url=url, clock=lambda: datetime.now(UTC), tell=tell
            )
            return row, running, tally

        try:
            row, running, tally = on_database(url, work, limits=LIMITS)
        except Refusal as refusal:
            refuse(str(refusal), code=NO)
        except (EnginesDisagree, Untranslatable) as error:
            refuse(str(error), code=NO)
        except TakenAway:
            refuse("somebody cancelled the rescoring, or goes on with it elsewhere", code=NO)
        except KeyboardInterrupt:
            words = f"stopped; `goodfit rescore {slug}` goes on from here, and so does a server"
            refuse(f"{words} that runs; `--cancel` ends it", code=NO)
    seconds = time.monotonic() - began_s
    if as_json:
        print_json(_report(row, running, tally, seconds))
    else:
        _print(row, running, tally, seconds)


def cancel(slug: str, *, person: str, as_json: bool) -> None:
    """Cancel the rescoring that is under way, whoever works on it."""

    async def work(engine: AsyncEngine) -> Row[Any]:
        async with transaction(engine) as connection:
            row = await store.find_open(connection, slug)
            if row is None:
                refuse(f"no rescoring of `{slug}` is under way", code=NO)
            return await rescorings.cancel(connection, row.id, editor=editor_of(person))

    with database_of(settings_of_process()) as url:
        try:
            row = on_database(url, work)
        except Refusal as refusal:
            refuse(str(refusal), code=NO)
    if as_json:
        shown = {"id": to_text("rsc", row.id), "rule_set": slug, "state": row.state}
        print_json(shown | {"done": row.done, "total": row.total})
    else:
        say(f"  cancelled after {count_of(row.done, 'account')}; what was written stays")


async def _begun(
    engine: AsyncEngine, live: LiveRules, slug: str, *, person: str, tell: Tell
) -> Row[Any]:
    """Return a rescoring that is ours: one that was open, else a new one; or a done one.

    Raises:
        RescoringOver: If one was open, and ended elsewhere without being done.
    """
    editor = editor_of(person)
    async with transaction(engine) as connection:
        row = await store.find_open(connection, slug)
    if row is not None and not row.dry_run:
        return await claimed_rescoring(engine, row, tell)
    running = await live.version_at(slug, editor.at)
    async with transaction(engine) as connection:
        row = await ask_for(connection, running, editor=editor)
        # At once: a server looks for what waits.
        claimed = await store.claim(connection, row.id, lease=Pace().lease)
    if claimed is None:
        raise AssertionError("nobody else saw it yet")
    return claimed


async def claimed_rescoring(engine: AsyncEngine, row: Row[Any], tell: Tell) -> Row[Any]:
    """Return the rescoring once its lease is ours, or it is done elsewhere.

    Raises:
        RescoringOver: If it ends elsewhere otherwise.
    """
    while row.state != "done":
        if row.state in {"failed", "cancelled"}:
            words = row.failure or "somebody cancelled it"
            raise rescorings.RescoringOver(f"the rescoring is {row.state}: {words}")
        async with transaction(engine) as connection:
            claimed = await store.claim(connection, row.id, lease=Pace().lease)
            if claimed is not None:
                return claimed
            row = await rescorings.existing(connection, row.id)
        tell(row.done, row.total)
        await asyncio.sleep(LOOK_AGAIN_S)
    return row


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
