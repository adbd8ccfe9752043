"""Many things in one request: an array of up to a thousand, or lines without end.

Each is read, kept and answered for itself, and none fails another. An array is kept whole
before its answer; of a stream every portion before its results.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Generic, TypeVar

import orjson
from fastapi import Header, Query, Request, Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage import transaction
from service.web.bodies import BodyTooLarge, media_type_of
from service.web.caller import Caller
from service.web.failures import faults_within, respond_to
from service.web.house import House
from service.web.idempotency import Answer
from service.web.json import BATCH_ELEMENTS, split_array
from service.web.json_limits import LEAD, Limits
from service.web.lines import LINE_BYTES, Element, ResultStream
from service.web.once import answer_once
from service.web.refusals import Refusal
from service.web.strict_route import read_json
from service.web.visit import Visit

__all__ = [
    "NDJSON",
    "STREAMED",
    "BadElement",
    "DryRun",
    "IdempotencyKey",
    "Many",
    "StreamWithKey",
    "answer_many",
    "body_of_many",
    "only_tried",
]

NDJSON: Final = "application/x-ndjson"
STREAMED: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "What became of each, in order",
        "content": {NDJSON: {"schema": {"type": "string", "description": "One result a line."}}},
    }
}
"""The `responses` of a route that answers lines as well."""

IdempotencyKey = Annotated[
    str | None,
    Header(description="1 to 255 printable characters; a repeat gets the first answer again."),
]
DryRun = Annotated[bool, Query(description="Only say what would become of each; nothing is kept.")]

_One = TypeVar("_One")


class BadElement(Refusal):
    """One of many does not have the form it needs."""

    code: ClassVar[str] = "validation_failed"


class StreamWithKey(Refusal):
    """A stream came under one Idempotency-Key; it is answered bit by bit, and kept nowhere."""

    code: ClassVar[str] = "invalid_idempotency_key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Many(Generic[_One]):
    """How one kind of thing is read and kept, many at a time.

    Attributes:
        what: Its name with its article, as in `no event`, for those that are none.
        read: From JSON, and the pointer to it, what is said; raises a refusal or pydantic's error.
        keep: Keeps those that could be read; gives for each a result's members, or its refusal.
        limits: Of the JSON text of each.
        safe_because: Why a stream needs no Idempotency-Key.
    """

    what: str
    read: Callable[[object, str], _One]
    keep: Callable[[AsyncConnection, list[_One]], Awaitable[Sequence[Mapping[str, Any] | Refusal]]]
    safe_because: str
    limits: Limits = LEAD

    async def take(self, element: Element) -> _One | Refusal:
        """Return what *element* says, or why it is none of these."""
        at = element.pointer
        if element.text is None:
            words = f"this line is longer than {LINE_BYTES // 1024} kB; send less in one"
            return BodyTooLarge(words)
        try:
            return self.read(await read_json(element.text, limits=self.limits, at=at), at)
        except Refusal as refusal:
            return refusal
        except ValidationError as invalid:
            words = f"this is {self.what} as it is sent; see errors"
            return BadElement(words, faults=faults_within(invalid, at=at))

    async def endings_of(
        self, connection: AsyncConnection, elements: Sequence[Element]
    ) -> list[Mapping[str, Any] | Refusal]:
        """Read and keep *elements*, and return what became of each, in order."""
        return await self.keep_read(connection, [await self.take(one) for one in elements])

    async def keep_read(
        self, connection: AsyncConnection, read: Sequence[_One | Refusal]
    ) -> list[Mapping[str, Any] | Refusal]:
        """Keep what `take` returned, where it is no refusal."""
        good = [one for one in read if not isinstance(one, Refusal)]
        kept = iter(await self.keep(connection, good))
        return [one if isinstance(one, Refusal) else next(kept) for one in read]


async def answer_many(
    request: Request,
    many: Many[_One],
    *,
    house: House,
    caller: Caller,
    visit: Visit,
    idempotency_key: str | None,
    dry_run: bool,
) -> Response:
    """Answer an array with `{"data": [...]}`, and lines with lines.

    Raises:
        StreamWithKey: If lines come under an Idempotency-Key.
        InvalidJSON: If an array is none, or has too many elements.
    """

    async def enter(elements: Sequence[Element]) -> list[bytes]:
        read = [await many.take(element) for element in elements]
        async with transaction(house.engine) as connection, only_tried(connection, dry_run):
            return await _results(connection, elements, read, many, visit)

    if media_type_of(request.headers) == NDJSON:
        if idempotency_key is not None:
            words = f"a stream has no Idempotency-Key; {many.safe_because}"
            raise StreamWithKey(words)
        return ResultStream(enter)
    elements = [
        Element(number=place + 1, text=text, pointer=f"/{place}")
        for place, text in enumerate(split_array(await request.body()))
    ]
    if dry_run:
        return _whole(await enter(elements)).to_response()
    read = [await many.take(element) for element in elements]

    async def work(connection: AsyncConnection) -> Answer:
        return _whole(await _results(connection, elements, read, many, visit))

    return await answer_once(request, work, house=house, caller=caller)


def body_of_many(schema: Mapping[str, Any], *, a_line: str) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that reads an array, or lines, of *schema*."""
    array = {"type": "array", "items": schema, "maxItems": BATCH_ELEMENTS}
    lines = {"type": "string", "description": f"{a_line} a line, 64 kB at most."}
    content = {"application/json": {"schema": array}, NDJSON: {"schema": lines}}
    return {"requestBody": {"required": True, "content": content}}


@asynccontextmanager
async def only_tried(connection: AsyncConnection, dry_run: bool) -> AsyncIterator[None]:  # noqa: FBT001 - the parameter as it came
    """Take back whatever the block has written, where it was only to be tried."""
    if not dry_run:
        yield
        return
    attempt = await connection.begin_nested()
    yield
    await attempt.rollback()


async def _results(
    connection: AsyncConnection,
    elements: Sequence[Element],
    read: Sequence[_One | Refusal],
    many: Many[_One],
    visit: Visit,
) -> list[bytes]:
    """Keep what was *read* and return a result for each element, in order."""
    endings = await many.keep_read(connection, read)
    return [
        _result(element.number, ending, visit)
        for element, ending in zip(elements, endings, strict=True)
    ]


def _result(number: int, ending: Mapping[str, Any] | Refusal, visit: Visit) -> bytes:
    if not isinstance(ending, Refusal):
        return orjson.dumps({"line": number, **ending})
    code = visit.problem
    body = bytes(respond_to(ending, visit).body)
    visit.problem = code  # the request as a whole was not refused
    return orjson.dumps({"line": number, "problem": orjson.Fragment(body)})


def _whole(results: Sequence[bytes]) -> Answer:
    return Answer(body=b'{"data":[%b]}' % b",".join(results))
