"""`POST /v1/accounts`: many accounts at a time."""

from collections.abc import Sequence
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts.event_routes import DryRun, HeaderRefused, IdempotencyKey, only_tried
from service.accounts.keeping import Editor
from service.accounts.keeping_many import Ending, Line, keep_many
from service.accounts.many_schemas import AccountLineSent, AccountsShown
from service.accounts.routes import news_of
from service.storage import transaction
from service.web import (
    LINE_BYTES,
    REFUSALS,
    Answer,
    BodyTooLarge,
    Caller,
    Element,
    House,
    InHouse,
    Refusal,
    ResultStream,
    StrictRoute,
    Visit,
    Visiting,
    WithKey,
    answer_once,
    faults_within,
    media_type_of,
    read_json,
    respond_to,
    split_array,
)

__all__ = ["many_routes"]

many_routes = APIRouter(
    prefix="/v1/accounts", tags=["accounts"], route_class=StrictRoute, responses=REFUSALS
)
_NDJSON: Final = "application/x-ndjson"
_ELEMENTS: Final = 1_000
_LINE: Final = AccountLineSent.model_json_schema(ref_template="#/components/schemas/{model}")
_MANY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "array",
                    "items": {name: part for name, part in _LINE.items() if name != "$defs"},
                    "maxItems": _ELEMENTS,
                }
            },
            _NDJSON: {
                "schema": {"type": "string", "description": "One account a line, 64 kB at most."}
            },
        },
    }
}
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Every account's result, in order",
        "content": {_NDJSON: {"schema": {"type": "string", "description": "One result a line."}}},
    }
}


class BadAccount(Refusal):
    """A line is no account as it is sent."""

    code = "validation_failed"


@many_routes.post(
    "",
    operation_id="keepAccounts",
    response_model=AccountsShown,
    responses=_STREAM,
    openapi_extra=_MANY,
)
async def keep_accounts(
    *,
    request: Request,
    house: InHouse,
    caller: WithKey,
    visit: Visiting,
    idempotency_key: IdempotencyKey = None,
    dry_run: DryRun = False,
) -> Response:
    """Make or change up to 1,000 accounts in an array, or any number line by line.

    Each line says something of one account, as PATCH does, and makes it if there is none.
    One that cannot be kept gets a problem and fails no other. An array is kept whole
    before its answer; of a stream every line before its result.
    """

    async def keep(connection: AsyncConnection, elements: Sequence[Element]) -> list[bytes]:
        return await _keep(connection, elements, house=house, caller=caller, visit=visit)

    async def keep_portion(elements: Sequence[Element]) -> list[bytes]:
        async with transaction(house.engine) as connection, only_tried(connection, dry_run):
            return await keep(connection, elements)

    if media_type_of(request.headers) == _NDJSON:
        if idempotency_key is not None:
            words = "a stream has no Idempotency-Key; sending it again is safe"
            raise HeaderRefused(words)
        return ResultStream(keep_portion)
    elements = [
        Element(number=place + 1, text=text, pointer=f"/{place}")
        for place, text in enumerate(split_array(await request.body(), elements=_ELEMENTS))
    ]
    if dry_run:
        results = await keep_portion(elements)
        return Answer(body=b'{"data":[%b]}' % b",".join(results)).to_response()

    async def work(connection: AsyncConnection) -> Answer:
        results = await keep(connection, elements)
        return Answer(body=b'{"data":[%b]}' % b",".join(results))

    return await answer_once(request, work, house=house, caller=caller)


async def _keep(
    connection: AsyncConnection,
    elements: Sequence[Element],
    *,
    house: House,
    caller: Caller,
    visit: Visit,
) -> list[bytes]:
    editor = Editor(person=caller.person, now=house.clock(), new_uuid=house.new_uuid)
    read = [await _read(element, editor) for element in elements]
    endings = iter(
        await keep_many(connection, [one for one in read if isinstance(one, Line)], editor)
    )
    results = []
    for element, one in zip(elements, read, strict=True):
        ending = next(endings) if isinstance(one, Line) else one
        results.append(_result(element.number, ending, visit))
    return results


async def _read(element: Element, editor: Editor) -> Line | Refusal:
    at = element.pointer
    if element.text is None:
        return BodyTooLarge(f"this line is longer than {LINE_BYTES // 1024} kB; send less in one")
    try:
        value = await read_json(element.text, at=at)
        sent = AccountLineSent.model_validate(value)
        news = news_of(sent, now=editor.now, is_everything=sent.is_everything, pointer=f"{at}/at")
    except Refusal as refusal:
        return refusal
    except ValidationError as invalid:
        words = "this is no account as it is sent; see errors"
        return BadAccount(words, faults=faults_within(invalid, at=at))
    identities = tuple((one.system, one.id) for one in sent.identities)
    return Line(key=sent.account, news=news, identities=identities, at=at)


def _result(number: int, ending: Ending | Refusal, visit: Visit) -> bytes:
    if isinstance(ending, Refusal):
        code = visit.problem
        body = bytes(respond_to(ending, visit).body)
        visit.problem = code  # the request as a whole was not refused
        return orjson.dumps({"line": number, "problem": orjson.Fragment(body)})
    return orjson.dumps({"line": number, "state": ending.state, "outdated": list(ending.outdated)})
