"""The outermost layer: every request gets an id, an answer, headers, a count and a line.

Nothing gets past it: what the house did not answer becomes a problem response here, so
that even a defect is answered with cross-origin headers and a request id.
"""

import os
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.storage import make_id
from service.web.cors import cors_headers, is_preflight, preflight_headers
from service.web.failures import respond_to
from service.web.journal import is_told, journal, tell_request
from service.web.metrics import Metrics
from service.web.visit import Clock, Visit

__all__ = ["REQUEST_ID_BYTES", "Envelope", "tell_visit"]

REQUEST_ID_BYTES: Final = 8
_NO_SNIFFING: Final = (b"x-content-type-options", b"nosniff")
_CLIENT_LEFT: Final = 499  # nginx's word for it; never sent, only counted and logged
_log = journal("web")


def tell_visit(
    visit: Visit, method: str, *, metrics: Metrics, status: int, duration_s: float
) -> None:
    """Count a request that is over and write its line: no path, no query, no body."""
    template = visit.template
    metrics.count_request(method=method, route=template, status=status, duration_s=duration_s)
    if visit.defect is None and not is_told():
        return
    fields: dict[str, object] = {
        "method": method,
        "route": template,
        "status": status,
        "ms": round(duration_s * 1000, 2),
        "request_id": visit.request_id,
    }
    if visit.caller is not None:
        fields["key"] = visit.caller.prefix
    if visit.problem is not None:
        fields["problem"] = visit.problem
    if visit.defect is None:
        tell_request(fields)
        return
    _log.error("request failed", **fields, error=visit.defect, where=visit.stack)


class Envelope:
    """Wraps *app*, the gate. *timer* is a monotonic clock in seconds."""

    def __init__(
        self, app: ASGIApp, *, clock: Clock, timer: Callable[[], float], metrics: Metrics
    ) -> None:
        self._app = app
        self._clock = clock
        self._timer = timer
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens inside."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s, method = self._timer(), scope["method"]
        request_id = make_id("req", self._clock(), randomness=os.urandom(REQUEST_ID_BYTES))
        head = dict(scope["headers"])
        visit = Visit(request_id=request_id, head=head)
        visit.enter(scope)
        sending = _Sending(send, visit, cors_headers(head.get(b"origin")))
        if scope["method"] == "HEAD":  # what GET would answer, without its body
            scope = {**scope, "method": "GET"}
            sending.is_headless = True
        try:
            if is_preflight(scope, head):
                await sending.preflight()
            else:
                await self._app(scope, receive, sending)
        except ClientDisconnect:
            sending.status = sending.status or _CLIENT_LEFT
        except Exception as error:  # noqa: BLE001 - this is the front door: nobody is behind it
            if sending.status:
                visit.note_defect(error)
            else:
                await respond_to(error, visit)(scope, receive, sending)
        finally:
            duration_s = self._timer() - began_s
            tell_visit(
                visit,
                method if method in _METHODS else "other",
                metrics=self._metrics,
                status=sending.status,
                duration_s=duration_s,
            )


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class _Sending:
    """Adds the headers of every answer and remembers its status, 0 before it began."""

    def __init__(self, send: Send, visit: Visit, cors: list[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._visit = visit
        self._cors = cors
        self.status = 0
        self.is_headless = False

    def __call__(self, message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            visit = self._visit
            message["headers"] = [
                *message.get("headers", ()),
                (b"x-request-id", visit.request_id.encode()),
                _NO_SNIFFING,
                *self._cors,
                *visit.headers,
            ]
        elif self.is_headless:
            message = {**message, "body": b""}
        return self._send(message)

    async def preflight(self) -> None:
        """Answer a preflight: 204, for any origin."""
        headers = preflight_headers()
        await self({"type": "http.response.start", "status": 204, "headers": headers})
        await self({"type": "http.response.body", "body": b""})
