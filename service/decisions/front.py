"""`POST /v1/qualify` as a plain ASGI function, in front of the routes.

Somebody waits at a form behind it, and a route of a framework takes longer than the
decision. It reads, checks and answers as the route `qualify` says, by the same functions;
that route documents it and is reached by nobody else.
"""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from service.decisions.answering import answer_asked
from service.decisions.asking import question_of, read_question, usual_question
from service.decisions.desk import Desk
from service.web import decode_json, is_slow, read_body, read_json, visit_of

__all__ = ["QualifyFront"]

_PATH: Final = "/v1/qualify"
_JSON: Final = (b"content-type", b"application/json")
_REPLAYED: Final = (b"idempotency-replayed", b"true")


class QualifyFront:
    """Answers `POST /v1/qualify` itself and passes everything else to *app*.

    What comes with a publishable key is a form's, and answered by *form*.
    """

    def __init__(self, app: ASGIApp, *, desk: Desk, form: ASGIApp) -> None:
        self._app = app
        self._desk = desk
        self._form = form

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request that the gate let through, or raise the refusal it meets."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] != _PATH:
            await self._app(scope, receive, send)
            return
        visit = visit_of(scope)
        if visit.caller is None:
            raise AssertionError("the gate lets nobody qualify without a key")
        if visit.caller.is_publishable:
            await self._form(scope, receive, send)
            return
        body = await read_body(receive)
        sent = await read_json(body) if is_slow(body) else decode_json(body)
        caller, key = visit.caller, visit.head.get(b"idempotency-key")
        answer = await answer_asked(
            usual_question(sent, caller) or question_of(read_question(sent), caller),
            body=body,
            key=None if key is None else key.decode("latin-1"),
            caller=caller,
            desk=self._desk,
        )
        headers = [_JSON, (b"content-length", b"%d" % len(answer.body))]
        if answer.is_replayed:
            headers.append(_REPLAYED)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})
