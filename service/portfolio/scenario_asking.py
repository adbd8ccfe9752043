"""Ask what would be: the answer if it is there, else it is worked out and asked for again."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, ClassVar, Final, Literal
from uuid import UUID

from fastapi import Response
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.portfolio import scenario_store, store
from service.portfolio.reading import Statement
from service.rulesets import Editor
from service.storage import append_audit, leases, to_text, transaction
from service.storage.tables import ScenarioRow
from service.web import Answer, Refusal

__all__ = ["ScenarioFailed", "ScenarioNotFound", "ScenarioOver", "TooManyScenarios"]
__all__ += ["ask_default", "cancel", "pending_answer", "question_since", "scenario_of"]
__all__ += ["scenario_shown", "since_of"]

_MOST_OPEN: Final = 20
_RETRY_AFTER_S: Final = 2
_BY_DEFAULT: Final = "0.2"
_SINCE: Final = "since="
_FROM_THE_START: Final = {"state": "queued", "attempts": 0, "done": 0, "finished_at": None}


class TooManyScenarios(Refusal):
    """Too many scenarios of a statement are not worked out yet."""

    code: ClassVar[str] = "too_many_scenarios"

    def __init__(self) -> None:
        words = f"{_MOST_OPEN} scenarios of this statement wait already; ask again in a minute"
        super().__init__(words, headers={"Retry-After": "60"})


class ScenarioNotFound(Refusal):
    """No scenario has this id."""

    code: ClassVar[str] = "scenario_not_found"


class ScenarioOver(Refusal):
    """A scenario has ended, so that this cannot be done any more."""

    code: ClassVar[str] = "scenario_over"


class ScenarioFailed(Refusal):
    """A scenario could not be worked out."""

    code: ClassVar[str] = "scenario_failed"


async def scenario_of(
    engine: AsyncEngine,
    statement: Statement,
    *,
    kind: Literal["sensitivity", "focus", "movements"],
    question: str,
    editor: Editor,
    document: Callable[[], Awaitable[bytes | None]],
) -> Row[Any]:
    """Return the scenario of *statement* that answers *question*; one that waits if it is new.

    The *document* is asked for where nobody asked the question before.

    Raises:
        TooManyScenarios: If many wait already.
        ScenarioFailed: If it could not be worked out.
    """
    async with transaction(engine) as connection:
        row = await scenario_store.find(connection, statement.id, question=question)
    if row is None:
        told = await document()
        async with transaction(engine) as connection:
            if await scenario_store.count_open(connection, statement.id) >= _MOST_OPEN:
                raise TooManyScenarios
            values = _values(statement, kind, question, editor.at, by=editor.person)
            await scenario_store.add(
                connection, {**values, "id": editor.fresh_id(), "document": told}
            )
            row = await scenario_store.find(connection, statement.id, question=question)
    if row is None:
        raise AssertionError("a scenario that was just added is there")
    if row.state == "cancelled":
        async with transaction(engine) as connection:
            await leases.change_state(
                connection, ScenarioRow, row.id, of=("cancelled",), to=_FROM_THE_START
            )
            row = await scenario_store.find(connection, statement.id, question=question)
    if row is None or row.state == "failed":
        raise ScenarioFailed(
            f"it could not be worked out: {row and row.failure}; take a new statement"
        )
    return row


async def ask_default(
    connection: AsyncConnection,
    statement: Statement,
    *,
    new_id: Callable[[], UUID],
    at: datetime,
    by: str,
) -> None:
    """Have worked out what is asked of every statement.

    That is a fifth more and less of all rates, and why accounts moved since the statement before.
    """
    asked: list[tuple[str, str]] = [("sensitivity", f"by={_BY_DEFAULT}")]
    before = await store.find_before(connection, statement.rule_set, statement.at)
    if before is not None:
        asked.append(("movements", question_since(before.id)))
    for kind, question in asked:
        values = _values(statement, kind, question, at, by=by)
        await scenario_store.add(connection, {**values, "id": new_id(), "document": None})


def question_since(statement_id: UUID) -> str:
    """Return how it is asked why accounts moved since an earlier statement."""
    return f"{_SINCE}{statement_id}"


def since_of(question: str) -> UUID:
    """Return the earlier statement of such a question."""
    return UUID(question.removeprefix(_SINCE))


def pending_answer(row: Row[Any]) -> Response:
    """Return that a scenario is being worked out, how far it is, and when to ask again."""
    shown = scenario_shown(row)
    headers = {"Retry-After": str(_RETRY_AFTER_S)}
    return Answer.of(shown, status=202, headers=headers).to_response()


def scenario_shown(row: Row[Any]) -> dict[str, Any]:
    """Return a scenario and how far it is."""
    id_ = to_text("scn", row.id)
    return {"id": id_, "state": row.state, "done": row.done, "total": row.total}


async def cancel(
    connection: AsyncConnection, slug: str, scenario_id: UUID, *, editor: Editor
) -> Row[Any]:
    """Stop working out a scenario; who asks the same again has it worked out from the start.

    Raises:
        ScenarioNotFound: If there is none.
        ScenarioOver: If it has ended already.
    """
    row = await leases.find_row(connection, ScenarioRow, scenario_id)
    if row is None or row.rule_set != slug:
        raise ScenarioNotFound("there is no scenario with this id; who waits for one has its id")
    to = {"state": "cancelled", "finished_at": editor.at}
    if not await leases.change_state(connection, ScenarioRow, scenario_id, of=leases.OPEN, to=to):
        raise ScenarioOver(f"the scenario is {row.state} and cannot be cancelled")
    await append_audit(
        connection,
        at=editor.at,
        actor=editor.person,
        action="portfolio.cancel",
        subject=to_text("scn", scenario_id),
        payload={},
    )
    cancelled = await leases.find_row(connection, ScenarioRow, scenario_id)
    if cancelled is None:
        raise AssertionError("a scenario that was just cancelled is there")
    return cancelled


def _values(
    statement: Statement, kind: str, question: str, at: datetime, *, by: str
) -> dict[str, Any]:
    return {
        "statement_id": statement.id,
        "rule_set": statement.rule_set,
        "version": statement.version,
        "kind": kind,
        "question": question,
        "state": "queued",
        "generation": 0,
        "attempts": 0,
        "done": 0,
        "total": statement.accounts,
        "asked_by": by,
        "created_at": at,
    }
