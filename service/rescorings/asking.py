"""Ask for a rescoring, and cancel one."""

from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rescorings import store
from service.rulesets import Editor, Running
from service.storage import append_audit, to_text
from service.web import Refusal

__all__ = ["NotOfAccounts", "RescoringNotFound", "RescoringOver"]
__all__ += ["RescoringRunning", "ask_for", "cancel", "check_rescorable", "existing"]
__all__ += ["find_open"]


class RescoringNotFound(Refusal):
    """No rescoring has this id."""

    code: ClassVar[str] = "rescoring_not_found"

    def __init__(self) -> None:
        words = "the rule set has no rescoring with this id; GET its `rescorings` lists them"
        super().__init__(words)


class RescoringOver(Refusal):
    """A rescoring has ended, so that this cannot be done any more."""

    code: ClassVar[str] = "rescoring_over"


class RescoringRunning(Refusal):
    """Another rescoring of the rule set has not ended yet."""

    code: ClassVar[str] = "rescoring_running"

    def __init__(self, running: Row[Any]) -> None:
        rescoring = to_text("rsc", running.id)
        super().__init__(
            f"`{running.rule_set}` is being rescored already by `{rescoring}`; "
            "wait until that has ended, or cancel it",
            members={"rescoring": rescoring},
        )


class NotOfAccounts(Refusal):
    """Rules for leads were to rescore accounts."""

    code: ClassVar[str] = "wrong_subject"


def check_rescorable(running: Running) -> None:
    """Check that stored accounts can be decided by *running* as they stand.

    Raises:
        NotOfAccounts: If the rules judge leads.
    """
    if running.rules.subject != "account":
        words = f"`{running.slug}` judges leads; only rules for accounts can rescore them"
        raise NotOfAccounts(words)


async def ask_for(
    connection: AsyncConnection,
    running: Running,
    *,
    editor: Editor,
    dry_run: bool = False,
    cause: str = "request",
    is_noted: bool = True,
) -> Row[Any]:
    """Keep a rescoring by *running* as of the editor's instant, for somebody to take up.

    *running* is what is live at that instant. A release that takes effect later changes
    nothing: it is not what was live at the instant of these decisions. A *dry_run* writes
    no decisions. *cause* is what set it off, one of the words of the table. One that is not
    *noted* goes with something else that the audit names.

    Raises:
        NotOfAccounts: If the rules judge leads.
        RescoringRunning: If one of the rule set has not ended.
    """
    check_rescorable(running)
    other = await find_open(connection, running.slug)
    if other is not None:
        raise RescoringRunning(other)
    rescoring_id = editor.fresh_id()
    values = {
        "id": rescoring_id,
        "rule_set": running.slug,
        "version": running.version,
        "digest": running.digest,
        "at": editor.at,
        "dry_run": dry_run,
        "cause": cause,
        "state": "queued",
        "generation": 0,
        "attempts": 0,
        "done": 0,
        "asked_by": editor.person,
        "created_at": editor.at,
    }
    await store.add(connection, values)
    if is_noted:
        await _note(connection, "rescorings.ask", rescoring_id, editor, digest=running.digest)
    return await existing(connection, rescoring_id)


async def find_open(connection: AsyncConnection, rule_set: str) -> Row[Any] | None:
    """Return the rescoring of *rule_set* that has not ended; nobody asks for one meanwhile.

    That is so until the transaction ends.
    """
    await store.take_turn(connection)
    return await store.find_open(connection, rule_set)


async def cancel(connection: AsyncConnection, rescoring_id: UUID, *, editor: Editor) -> Row[Any]:
    """Stop a rescoring at the end of the slice it is at; what was written stays.

    Raises:
        RescoringNotFound: If there is none.
        RescoringOver: If it has ended already.
    """
    to = {"state": "cancelled", "finished_at": editor.at}
    if not await store.change_state(connection, rescoring_id, to=to):
        row = await existing(connection, rescoring_id)
        raise RescoringOver(f"the rescoring is {row.state} and cannot be cancelled")
    await _note(connection, "rescorings.cancel", rescoring_id, editor)
    return await existing(connection, rescoring_id)


async def existing(
    connection: AsyncConnection, rescoring_id: UUID, *, rule_set: str | None = None
) -> Row[Any]:
    """Return a rescoring; one of *rule_set*, where that is given.

    Raises:
        RescoringNotFound: If there is none.
    """
    row = await store.find(connection, rescoring_id)
    if row is None or rule_set not in {None, row.rule_set}:
        raise RescoringNotFound
    return row


async def _note(
    connection: AsyncConnection,
    action: str,
    rescoring_id: UUID,
    editor: Editor,
    *,
    digest: str | None = None,
) -> None:
    await append_audit(
        connection,
        at=editor.at,
        actor=editor.person,
        action=action,
        subject=to_text("rsc", rescoring_id),
        payload={},
        digest=digest,
    )
