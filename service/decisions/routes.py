"""`/v1/qualify`: decide one, decide many."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request, Response

from service.decisions.answering import answer_question, claim_in
from service.decisions.batch import BATCH, HeaderRefused, answer_of, results_of
from service.decisions.desk import AtDesk
from service.decisions.schemas import (
    BatchShown,
    DecisionShown,
    LineSent,
    NarrowDecisionShown,
    QuestionSent,
)
from service.web import (
    REFUSALS,
    Element,
    ResultStream,
    StrictRoute,
    Visiting,
    WithKey,
    media_type_of,
    split_array,
)

__all__ = ["qualify_routes"]

qualify_routes = APIRouter(
    prefix="/v1/qualify", tags=["decide"], route_class=StrictRoute, responses=REFUSALS
)
_NDJSON: Final = "application/x-ndjson"
_ELEMENTS: Final = 1_000
IdempotencyKey = Annotated[
    str | None,
    Header(description="1 to 255 printable characters; a repeat gets the first answer again."),
]
FormVisit = Annotated[
    str | None,
    Header(
        description=(
            "With a publishable key: the visit's id from the last answer's header of this name, "
            "or `new`, and what the page saw: `;mode=`, `;fields=`, `;shown=`, `;ms=`, `;trap`."
        )
    ),
]
_LINE: Final = LineSent.model_json_schema(ref_template="#/components/schemas/{model}")
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "array", "items": _LINE, "maxItems": _ELEMENTS}
            },
            _NDJSON: {
                "schema": {
                    "type": "string",
                    "description": "One question a line, at most 64 kB each.",
                }
            },
        },
    }
}
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Every element's result, in order",
        "content": {
            _NDJSON: {"schema": {"type": "string", "description": "One result a line."}},
        },
    }
}


@qualify_routes.post("", operation_id="qualify", response_model=DecisionShown | NarrowDecisionShown)
async def decide_one(
    *,
    sent: QuestionSent,
    request: Request,
    desk: AtDesk,
    caller: WithKey,
    idempotency_key: IdempotencyKey = None,
    goodfit_visit: FormVisit = None,
) -> Response:
    """Decide one lead or account.

    The answer is sent after the decision is committed. A publishable key may send
    `lead` or `account`, `external_id`, `final` and `source`, and gets the narrow answer.
    """
    del goodfit_visit  # a form's questions are answered elsewhere
    answer = await answer_question(
        sent, body=await request.body(), key=idempotency_key, caller=caller, desk=desk
    )
    return answer.to_response()


@qualify_routes.post(
    "/batch",
    operation_id="qualifyBatch",
    response_model=BatchShown,
    responses=_STREAM,
    openapi_extra=_BODY,
)
async def decide_many(
    *,
    request: Request,
    desk: AtDesk,
    caller: WithKey,
    visit: Visiting,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Decide up to 1,000 in an array, or any number line by line.

    A bad element gets a problem of its own and does not fail the others. An array is
    committed whole before its answer; of a stream every line is, before its result is
    sent, and results are sent while lines still arrive: read them while sending. Lines
    may have an `idempotency_key` each; with a stream the header is refused.
    """

    async def decide(elements: Sequence[Element]) -> list[bytes]:
        return await results_of(elements, caller=caller, desk=desk, visit=visit)

    if media_type_of(request.headers) == _NDJSON:
        if idempotency_key is not None:
            words = "a stream has no Idempotency-Key; give each line an `idempotency_key`"
            raise HeaderRefused(words)
        return ResultStream(decide)
    body = await request.body()
    claim = claim_in(idempotency_key, body=body, route=BATCH, caller=caller, desk=desk)
    elements = [
        Element(number=place + 1, text=text, pointer=f"/{place}")
        for place, text in enumerate(split_array(body, elements=_ELEMENTS))
    ]
    answer = await answer_of(elements, caller=caller, desk=desk, visit=visit, claim=claim)
    return answer.to_response()
