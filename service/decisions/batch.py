"""Decide many: each element judged for itself, all of a portion committed together."""

from collections.abc import Sequence
from time import perf_counter
from typing import ClassVar, Final

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from service.decisions.answering import claim_in
from service.decisions.asking import question_of, read_line
from service.decisions.desk import Desk
from service.decisions.qualifying import (
    Case,
    Draft,
    Ending,
    count,
    keep,
    qualify_many,
    settle,
)
from service.web import (
    LINE_BYTES,
    Answer,
    BodyTooLarge,
    Caller,
    Claim,
    Element,
    Refusal,
    Visit,
    read_json,
    respond_to,
    run_once,
)

__all__ = ["BATCH", "HeaderRefused", "answer_of", "results_of"]

BATCH: Final = "POST /v1/qualify/batch"
"""The route under which idempotency keys of arrays and lines are remembered."""


class HeaderRefused(Refusal):
    """A stream came under one Idempotency-Key; its lines have one each."""

    code: ClassVar[str] = "invalid_idempotency_key"


async def results_of(
    elements: Sequence[Element], *, caller: Caller, desk: Desk, visit: Visit
) -> list[bytes]:
    """Return one result for each of *elements*, in order, once all are committed."""
    cases = [await _case_of(one, caller, desk) for one in elements]
    asked = [case for case in cases if isinstance(case, Case)]
    endings = await qualify_many(asked, desk) if asked else []
    return _results(elements, cases, endings, visit)


async def answer_of(
    elements: Sequence[Element], *, caller: Caller, desk: Desk, visit: Visit, claim: Claim | None
) -> Answer:
    """Return the answer to a whole array, which is committed whole.

    With *claim*, it is kept in the same transaction.

    Raises:
        Refusal: If the array cannot be kept now, or its key was used before.
    """
    cases = [await _case_of(one, caller, desk) for one in elements]

    async def commit(drafts: Sequence[Draft]) -> Answer:
        endings: list[Ending] = []

        async def work(connection: AsyncConnection) -> Answer:
            endings[:] = await keep(connection, drafts)
            results = _results(elements, cases, endings, visit)
            return Answer(body=b'{"data":[%b]}' % b",".join(results))

        answer = await run_once(desk.house.engine, claim, work, turns=desk.house.turns)
        if not answer.is_replayed:
            count(drafts, endings, desk)
        return answer

    return await settle([case for case in cases if isinstance(case, Case)], desk, commit=commit)


def _results(
    elements: Sequence[Element],
    cases: Sequence[Case | Refusal],
    endings: Sequence[Ending],
    visit: Visit,
) -> list[bytes]:
    """Put the endings of the cases that were asked between the refusals of the others."""
    ended = iter(endings)
    return [
        _result(element.number, next(ended) if isinstance(case, Case) else case, visit)
        for element, case in zip(elements, cases, strict=True)
    ]


async def _case_of(element: Element, caller: Caller, desk: Desk) -> Case | Refusal:
    began_s = perf_counter()
    try:
        if element.text is None:
            words = f"this line is longer than {LINE_BYTES // 1024} kB; send less in one"
            raise BodyTooLarge(words)
        value = await read_json(element.text, at=element.pointer)
        line = read_line(value, at=element.pointer)
        question = question_of(line, caller, at=element.pointer)
        claim = claim_in(
            line.idempotency_key, body=element.text, route=BATCH, caller=caller, desk=desk
        )
    except Refusal as refusal:
        return refusal
    at = desk.house.clock()
    return Case(
        question=question,
        at=at,
        decision_id=desk.house.new_uuid(at),
        claim=None if question.is_dry else claim,
        began_s=began_s,
    )


def _result(number: int, ending: Ending, visit: Visit) -> bytes:
    head = orjson.dumps({"line": number})[:-1]
    if isinstance(ending, Answer):
        replayed = b',"replayed":true' if ending.is_replayed else b""
        return b'%b%b,"decision":%b}' % (head, replayed, ending.body)
    code = visit.problem
    body = bytes(respond_to(ending, visit).body)
    visit.problem = code  # the request as a whole was not refused
    return b'%b,"problem":%b}' % (head, body)
