"""Ask for a statement: of the rescoring that is under way, else of one asked for with it."""

from dataclasses import asdict
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service import rescorings
from service.portfolio import store
from service.portfolio.agreeing import Asked, agree, slice_names
from service.portfolio.reading import existing
from service.rescorings import RescoringRunning, check_rescorable
from service.rulesets import Editor, LiveRules, Running
from service.storage import append_audit, leases, to_text, transaction
from service.storage.tables import StatementRow
from service.web import Refusal

__all__ = ["StatementOver", "ask_for", "ask_of", "cancel", "running_of"]


class StatementOver(Refusal):
    """A statement has ended, so that this cannot be done any more."""

    code: ClassVar[str] = "statement_over"


async def running_of(engine: AsyncEngine, slug: str, *, live: LiveRules, editor: Editor) -> Running:
    """Return the rules of a statement asked for now: those of the open rescoring, else live ones.

    Raises:
        RuleSetNotFound, NotLive: If nothing of *slug* is live.
        NotOfAccounts: If the rules judge leads.
    """
    async with transaction(engine) as connection:
        under_way = await rescorings.find_open(connection, slug)
    if under_way is None or under_way.dry_run:
        running = await live.version_at(slug, editor.at)
    else:
        running = await live.version(slug, under_way.version)
    check_rescorable(running)
    return running


async def ask_for(
    connection: AsyncConnection,
    running: Running,
    *,
    editor: Editor,
    asked: Asked,
    cause: str = "request",
) -> Row[Any]:
    """Keep a statement by *running*; it is taken once its rescoring is done.

    A rescoring that is under way is joined: its instant is the statement's. Else one is asked
    for, of this *cause*.

    Raises:
        CannotState: If the rules do not say what a portfolio is made of.
        RescoringRunning: If one is under way that only counts, or is by another version.
    """
    agree(running.rules, at=editor.at, asked=asked)
    under_way = await rescorings.find_open(connection, running.slug)
    if under_way is None:
        under_way = await rescorings.ask_for(
            connection, running, editor=editor, cause=cause, is_noted=False
        )
    elif under_way.dry_run or under_way.version != running.version:
        raise RescoringRunning(under_way)
    return await ask_of(connection, under_way, running, editor=editor, asked=asked)


async def ask_of(
    connection: AsyncConnection,
    rescoring: Row[Any],
    running: Running,
    *,
    editor: Editor,
    asked: Asked,
) -> Row[Any]:
    """Keep a statement of *rescoring*, which is by *running*, whether or not it is done.

    Raises:
        CannotState: If the rules do not say what a portfolio is made of.
    """
    statement_id = editor.fresh_id()
    values = {
        "id": statement_id,
        "rule_set": running.slug,
        "version": running.version,
        "digest": running.digest,
        "at": rescoring.at,
        "rescoring_id": rescoring.id,
        **asdict(agree(running.rules, at=rescoring.at, asked=asked)),
        "slices": list(slice_names(running.rules)),
        "state": "queued",
        "generation": 0,
        "attempts": 0,
        "taken_by": editor.person,
        "created_at": editor.at,
    }
    await store.add(connection, values)
    await append_audit(
        connection,
        at=editor.at,
        actor=editor.person,
        action="portfolio.take",
        subject=to_text("st", statement_id),
        payload={"rescoring": to_text("rsc", rescoring.id)},
        digest=running.digest,
    )
    return await existing(connection, running.slug, statement_id)


async def cancel(
    connection: AsyncConnection, slug: str, statement_id: UUID, *, editor: Editor
) -> Row[Any]:
    """Let a statement not be taken; its rescoring goes on, whose decisions stand by themselves.

    Raises:
        StatementNotFound: If there is none.
        StatementOver: If it has ended already.
    """
    row = await existing(connection, slug, statement_id)
    to = {"state": "cancelled", "finished_at": editor.at}
    if not await leases.change_state(connection, StatementRow, statement_id, of=leases.OPEN, to=to):
        raise StatementOver(f"the statement is {row.state} and cannot be cancelled")
    await append_audit(
        connection,
        at=editor.at,
        actor=editor.person,
        action="portfolio.cancel",
        subject=to_text("st", statement_id),
        payload={},
    )
    return await existing(connection, slug, statement_id)
