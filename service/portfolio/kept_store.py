"""Answers of a statement, kept: what its positions add up to never changes.

A question is its SQL with its parameters. The first who asks waits for the sums of a hundred
thousand positions, and everybody after reads the few rows they came to. The rows go with the
statement, and where positions are cleared of what they held of a person.
"""

import hashlib
from collections import namedtuple
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, func, literal, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import insert as insert_or_not
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage.tables import StatementAnswer, StatementRow

__all__ = ["find_answer", "keep_answer", "kept_rows"]

_MOST_ROWS: Final = 5_000
"""More are no answer that somebody reads, and are asked for again each time."""
_MOST_QUESTIONS: Final = 500
_EXACT: Final = "exact"
_DIALECT: Final = postgresql.dialect()  # type: ignore[no-untyped-call]


async def kept_rows(
    connection: AsyncConnection,
    statement_id: UUID,
    query: Any,  # noqa: ANN401 - SQLAlchemy's statements have no type in common that compiles
    given: Mapping[str, object] | None = None,
) -> Sequence[Any]:
    """Return the rows of *query* over a statement, as they were found the first time.

    It reads nothing that may change. Rows are named tuples of texts, numbers, flags and what
    JSON holds.
    """
    question = _question(query, given)
    answer = await _find(connection, statement_id, question)
    if answer is not None:
        return _read(answer)
    result = await connection.execute(query, given or {})
    names, rows = list(result.keys()), result.all()
    if len(rows) <= _MOST_ROWS:
        await _keep(connection, statement_id, question, _written(names, rows))
    return rows


async def find_answer(
    connection: AsyncConnection, statement_id: UUID, asked: str, *, as_of: str
) -> Any:  # noqa: ANN401 - of JSON
    """Return what `keep_answer` kept *as of* the same state of all else; None if that moved on."""
    answer = await _find(connection, statement_id, _hash(asked))
    return None if answer is None or answer["as_of"] != as_of else answer["told"]


async def keep_answer(
    connection: AsyncConnection,
    statement_id: UUID,
    asked: str,
    told: Mapping[str, Any],
    *,
    as_of: str,
) -> None:
    """Keep what was *told* where it hangs on more than the statement, whose state *as_of* names."""
    await _keep(connection, statement_id, _hash(asked), {"as_of": as_of, "told": told})


async def _find(
    connection: AsyncConnection, statement_id: UUID, question: bytes
) -> Mapping[str, Any] | None:
    kept = select(StatementAnswer.answer).where(
        StatementAnswer.statement_id == statement_id, StatementAnswer.question == question
    )
    answer: Mapping[str, Any] | None = (await connection.execute(kept)).scalar_one_or_none()
    return answer


async def _keep(
    connection: AsyncConnection, statement_id: UUID, question: bytes, answer: Mapping[str, Any]
) -> None:
    """Keep an answer, unless the statement has gone or too much was asked of it."""
    of_it = StatementAnswer.statement_id == statement_id
    number = select(func.count()).select_from(StatementAnswer).where(of_it).scalar_subquery()
    there = (
        select(
            StatementRow.id,
            literal(question, StatementAnswer.question.type),
            literal(answer, StatementAnswer.answer.type),
        )
        .where(StatementRow.id == statement_id, number < _MOST_QUESTIONS)
        .with_for_update(key_share=True, read=True)
    )
    new = insert_or_not(StatementAnswer).from_select(["statement_id", "question", "answer"], there)
    kept = new.on_conflict_do_update(
        index_elements=["statement_id", "question"], set_={"answer": new.excluded.answer}
    )
    await connection.execute(kept)


def _question(query: Any, given: Mapping[str, object] | None) -> bytes:  # noqa: ANN401 - as above
    compiled = query.compile(dialect=_DIALECT)
    told = sorted({**compiled.params, **(given or {})}.items())
    return _hash(repr((compiled.string, told)))


def _hash(asked: str) -> bytes:
    return hashlib.sha256(asked.encode()).digest()


def _written(names: Sequence[str], rows: Sequence[Row[Any]]) -> dict[str, Any]:
    return {"names": names, "rows": [[_cell(value) for value in row] for row in rows]}


def _cell(value: object) -> object:
    return {_EXACT: str(value)} if isinstance(value, Decimal) else value


def _read(answer: Mapping[str, Any]) -> Sequence[Any]:
    kept = namedtuple("Kept", answer["names"], rename=True)  # type: ignore[misc]  # noqa: PYI024 - names are found
    return [kept(*(_value(cell) for cell in row)) for row in answer["rows"]]


def _value(cell: Any) -> object:  # noqa: ANN401 - of JSON
    return Decimal(cell[_EXACT]) if isinstance(cell, dict) and _EXACT in cell else cell
