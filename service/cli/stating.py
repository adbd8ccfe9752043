"""The work of `goodfit portfolio`: on the database itself, in this process.

Where a server, or another terminal, is at it already, the command watches.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from service.bulk import EnginesDisagree
from service.bulk.rescoring import TakenAway, Tell
from service.bulk.rescoring_working import LIMITS, carry_out
from service.cli.database import database_of, on_database
from service.cli.editing import bar as account_progress
from service.cli.editing import editor_of
from service.cli.rescoring import LOOK_AGAIN_S, claimed_rescoring
from service.cli.screen import NO, count_of, print_json, refuse, say
from service.cli.starting import settings_of_process, stopped_by_signals
from service.portfolio import read_slices, read_statement, store, taking, viewing
from service.portfolio.agreeing import Asked
from service.portfolio.asking import ask_for, running_of
from service.portfolio.reading import existing
from service.portfolio.showing import statement_shown
from service.portfolio.slicing import check_slices
from service.portfolio.summary import Group, groups_of
from service.portfolio.summing import total
from service.portfolio.view_showing import summary_shown, view_shown
from service.portfolio.viewing import Looking
from service.rescorings import existing as existing_rescoring
from service.rules.sql import Untranslatable
from service.rulesets import LiveRules
from service.storage import leases, transaction
from service.web import LEASE, Refusal

_COLUMNS: Final = "{:<28} {:>10} {:>10} {:>16} {:>16} {:>16}"


def take_one(slug: str, *, person: str, as_json: bool) -> None:
    """Take a statement, or go on with one that was stopped; print what it adds up to."""
    began_s = time.monotonic()
    with database_of(settings_of_process()) as url, stopped_by_signals(), account_progress() as bar:
        task = bar.add_task("accounts", total=None)

        def tell(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total)

        async def work(engine: AsyncEngine) -> dict[str, Any]:
            row = await _asked(engine, slug, person=person)
            await _rescored(engine, row, url=url, tell=tell)
            bar.update(task, description="ledger")
            return statement_shown(await _taken(engine, row))

        try:
            shown = on_database(url, work, limits=LIMITS)
        except Refusal as refusal:
            refuse(str(refusal), code=NO)
        except (EnginesDisagree, Untranslatable) as error:
            refuse(str(error), code=NO)
        except (TakenAway, taking.TakenAway):
            refuse("somebody cancelled it, or goes on with it elsewhere", code=NO)
        except KeyboardInterrupt:
            words = f"stopped; `goodfit portfolio take {slug}` goes on from here"
            refuse(f"{words}, and so does a server that runs", code=NO)
    if shown["state"] != "done":
        refuse(f"the statement is {shown['state']}: {shown['failure']}", code=NO)
    seconds = time.monotonic() - began_s
    if as_json:
        print_json(shown | {"seconds": round(seconds, 3)})
        return
    totals = shown["totals"]
    accounts = count_of(totals["accounts"], "account")
    say(f"  {accounts} by `{slug}` {shown['version']} as of {shown['at']} in {seconds:.1f} s")
    say(f"  revenue {totals['revenue']}, cost {totals['cost']}, margin {totals['margin']}")


def show_one(slug: str, *, at: datetime | None, slices: Sequence[str], as_json: bool) -> None:
    """Print the groups of a statement."""

    async def work(engine: AsyncEngine) -> tuple[Looking, list[Group]]:
        wanted = read_slices(slices)
        live = LiveRules(engine, timer=time.monotonic)
        await live.check_there(slug, datetime.now(UTC))
        async with transaction(engine) as connection:
            statement = await read_statement(connection, slug, at=at)
            check_slices(statement.slices, wanted)
            looking = Looking(connection, statement, wanted)
            found = await viewing.group_sums(looking)
        running = await live.version(slug, statement.version)
        return looking, groups_of(running.rules, found)

    with database_of(settings_of_process()) as url:
        try:
            looking, groups = on_database(url, work)
        except Refusal as refusal:
            refuse(str(refusal), code=NO)
    if as_json:
        print_json(view_shown(looking) | summary_shown(groups))
    else:
        _print(looking, groups)


async def _asked(engine: AsyncEngine, slug: str, *, person: str) -> Row[Any]:
    """Return the statement that was asked for last, where it is open, else a new one."""
    async with transaction(engine) as connection:
        last = await store.find_last_asked(connection, slug)
    if last is not None and last.state in leases.OPEN:
        return last
    live, editor = LiveRules(engine, timer=time.monotonic), editor_of(person)
    running = await running_of(engine, slug, live=live, editor=editor)
    async with transaction(engine) as connection:
        return await ask_for(connection, running, editor=editor, asked=Asked())


async def _rescored(engine: AsyncEngine, row: Row[Any], *, url: str, tell: Tell) -> None:
    """Have its rescoring done, here or wherever it is under way.

    Raises:
        RescoringOver: If it ends without being done.
    """
    async with transaction(engine) as connection:
        rescoring = await existing_rescoring(connection, row.rescoring_id)
    rescoring = await claimed_rescoring(engine, rescoring, tell)
    if rescoring.state == "done":
        return
    running = await LiveRules(engine, timer=time.monotonic).version(row.rule_set, row.version)
    await carry_out(
        rescoring, running, engine=engine, url=url, clock=lambda: datetime.now(UTC), tell=tell
    )


async def _taken(engine: AsyncEngine, row: Row[Any]) -> Row[Any]:
    """Return the statement once it has ended, taken here or elsewhere."""
    while row.state in leases.OPEN:
        async with transaction(engine) as connection:
            claimed = await store.claim(connection, row.id, lease=LEASE)
        if claimed is not None:
            live = LiveRules(engine, timer=time.monotonic)
            running = await live.version(row.rule_set, row.version)
            await taking.take(claimed, running, engine=engine, clock=lambda: datetime.now(UTC))
        else:
            await asyncio.sleep(LOOK_AGAIN_S)
        async with transaction(engine) as connection:
            row = await existing(connection, row.rule_set, row.id)
    return row


def _print(looking: Looking, groups: Sequence[Group]) -> None:
    statement = looking.statement
    say(f"  `{statement.rule_set}` {statement.version} as of {statement.at.isoformat()}")
    say("  " + _COLUMNS.format("group", "accounts", "certain", "revenue", "cost", "margin"))
    together = total(group.sums for group in groups)
    named = [(one.label or one.outcome or "never decided", one.sums) for one in groups]
    for name, sums in [*named, ("all", together)]:
        if sums.accounts or name == "all":
            money = (f"{each:,.2f}" for each in (sums.revenue, sums.cost, sums.margin))
            counts = (f"{sums.accounts:,}", f"{sums.certain:,}")
            say("  " + _COLUMNS.format(name[:28], *counts, *money))
