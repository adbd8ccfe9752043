"""`POST /v1/qualify` with a publishable key: a page asks on behalf of whoever looks at it."""

from time import perf_counter
from typing import Final

from starlette.types import Receive, Scope, Send

from service.decisions import QUALIFY, Case, Desk, claim_in, question_of, read_question
from service.forms.asking import Asked, ask
from service.forms.visit_header import VISIT_HEADER, read_seen
from service.storage import to_text
from service.web import neighbourhood_of, read_body, read_json, visit_of

__all__ = ["FormFront"]

_JSON: Final = (b"content-type", b"application/json")
_REPLAYED: Final = (b"idempotency-replayed", b"true")
_NOT_STORED: Final = (b"cache-control", b"no-store")


class FormFront:
    """Answers questions of publishable keys; a plain ASGI function behind the gate."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one question, or raise the refusal it meets."""
        visit, house = visit_of(scope), self._desk.house
        if visit.caller is None:
            raise AssertionError("the gate lets nobody qualify without a key")
        began_s = perf_counter()
        body = await read_body(receive)
        question = question_of(read_question(await read_json(body)), visit.caller)
        key = visit.head.get(b"idempotency-key")
        claim = claim_in(
            None if key is None else key.decode("latin-1"),
            body=body,
            route=QUALIFY,
            caller=visit.caller,
            desk=self._desk,
        )
        at = house.clock()
        asked = Asked(
            case=Case(
                question=question,
                at=at,
                decision_id=house.new_uuid(at),
                claim=claim,
                began_s=began_s,
            ),
            key_id=visit.caller.key_id,
            address=neighbourhood_of(scope, visit.head, proxies=house.settings.trusted_proxies),
            seen=read_seen(visit.head.get(VISIT_HEADER)),
        )
        told = await ask(asked, self._desk)
        headers = [_JSON, _NOT_STORED, (b"content-length", b"%d" % len(told.answer.body))]
        if told.visit is not None:
            headers.append((VISIT_HEADER, to_text("vis", told.visit).encode()))
        if told.answer.is_replayed:
            headers.append(_REPLAYED)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": told.answer.body})
