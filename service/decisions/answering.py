"""Answer one question as it came over HTTP: the same for the route and for what is faster."""

from datetime import timedelta
from time import perf_counter
from typing import Final

from service.decisions.asking import Question, question_of
from service.decisions.desk import Desk
from service.decisions.qualifying import Case, qualify
from service.decisions.schemas import QuestionSent
from service.web import Answer, Caller, Claim, claim_of

__all__ = ["QUALIFY", "answer_asked", "answer_question", "claim_in"]

QUALIFY: Final = "POST /v1/qualify"
"""The route under which idempotency keys of single questions are remembered."""


async def answer_question(
    sent: QuestionSent, *, body: bytes, key: str | None, caller: Caller, desk: Desk
) -> Answer:
    """Return the answer to what was *sent* as *body*, once everything is committed.

    *key* is the Idempotency-Key header.

    Raises:
        Refusal: If the question cannot be answered; nothing is kept then.
        DatabaseUnavailable: If the database is; a retry with the same key finds out
            whether anything was kept.
    """
    question = question_of(sent, caller)
    return await answer_asked(question, body=body, key=key, caller=caller, desk=desk)


async def answer_asked(
    question: Question, *, body: bytes, key: str | None, caller: Caller, desk: Desk
) -> Answer:
    """Return the answer to *question*, as `answer_question` does.

    Raises:
        Refusal, DatabaseUnavailable: As there.
    """
    began_s = perf_counter()
    claim = claim_in(key, body=body, route=QUALIFY, caller=caller, desk=desk)
    at = desk.house.clock()
    case = Case(
        question=question,
        at=at,
        decision_id=desk.house.new_uuid(at),
        claim=None if question.is_dry else claim,
        began_s=began_s,
    )
    return await qualify(case, desk)


def claim_in(
    key: str | None, *, body: bytes, route: str, caller: Caller, desk: Desk
) -> Claim | None:
    """Return the claim that an Idempotency-Key makes on *route*; None without one.

    Raises:
        InvalidIdempotencyKey: If it is none of 1 to 255 printable characters.
    """
    if key is None:
        return None
    kept = timedelta(hours=desk.house.settings.idempotency_kept_h)
    return claim_of(key, key_id=caller.key_id, route=route, body=body, kept=kept)
