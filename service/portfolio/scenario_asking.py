"""Ask what would be: the answer if it is there, else it is worked out and asked for again."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, ClassVar, Final, Literal
from uuid import UUID

from fastapi import Response
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.portfolio import scenario_store
from service.portfolio.reading import Statement
from service.rulesets import Editor
from service.storage import transaction
from service.web import Answer, Refusal

__all__ = ["ScenarioFailed", "TooManyScenarios", "ask_default", "pending_answer", "scenario_of"]

_MOST_OPEN: Final = 20
_RETRY_AFTER_S: Final = 2
_BY_DEFAULT: Final = "0.2"


class TooManyScenarios(Refusal):
    """Too many scenarios of a statement are not worked out yet."""

    code: ClassVar[str] = "too_many_scenarios"

    def __init__(self) -> None:
        words = f"{_MOST_OPEN} scenarios of this statement wait already; ask again in a minute"
        super().__init__(words, headers={"Retry-After": "60"})


class ScenarioFailed(Refusal):
    """A scenario could not be worked out."""

    code: ClassVar[str] = "scenario_failed"


async def scenario_of(
    engine: AsyncEngine,
    statement: Statement,
    *,
    kind: Literal["sensitivity", "focus"],
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
    if row.state in {"failed", "cancelled"}:
        raise ScenarioFailed(f"it could not be worked out: {row.failure}; take a new statement")
    return row


async def ask_default(
    connection: AsyncConnection, statement: Statement, *, scenario_id: UUID, at: datetime, by: str
) -> None:
    """Have worked out what is asked of every statement: a fifth more and less of all rates."""
    values = _values(statement, "sensitivity", f"by={_BY_DEFAULT}", at, by=by)
    await scenario_store.add(connection, {**values, "id": scenario_id, "document": None})


def pending_answer(row: Row[Any]) -> Response:
    """Return that a scenario is being worked out, how far it is, and when to ask again."""
    shown = {"state": row.state, "done": row.done, "total": row.total}
    headers = {"Retry-After": str(_RETRY_AFTER_S)}
    return Answer.of(shown, status=202, headers=headers).to_response()


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
