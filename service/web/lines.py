"""NDJSON in, NDJSON out: results leave while lines still arrive.

The stream is read no faster than its results are taken, and holds one portion of lines
at a time. Whoever sends much must therefore read while sending.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.web.failures import respond_to
from service.web.refusals import Refusal
from service.web.visit import visit_of

__all__ = ["LINE_BYTES", "PORTION", "Element", "ResultStream", "elements_of"]

LINE_BYTES: Final = 64 * 1024
"""How long one line of NDJSON may be."""

PORTION: Final = 128
"""How many lines of a stream share a transaction at most."""

_TAKEN_WITHIN_S: Final = 30.0
_MEDIA_TYPE: Final = "application/x-ndjson"


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """One element as it came: *text* is None where it was too long. *number* is from 1.

    *pointer* is where it stood in the body, empty for a line, which is a body of its own.
    """

    number: int
    text: bytes | None
    pointer: str = ""


class ResultStream(Response):
    """Reads lines, answers each portion as *answer* does, and sends that at once."""

    def __init__(self, answer: Callable[[Sequence[Element]], Awaitable[list[bytes]]]) -> None:
        super().__init__(media_type=_MEDIA_TYPE)
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            ClientDisconnect: If the client leaves, or does not take what it asked for.
        """
        headers = [(name, value) for name, value in self.raw_headers if name != b"content-length"]
        start = {"type": "http.response.start", "status": 200, "headers": headers}
        has_begun = False
        try:
            async for portion in elements_of(receive):
                results = await self._answer(portion)
                if not has_begun:
                    has_begun = True
                    await send(start)
                await _send_part(send, b"\n".join(results) + b"\n")
        except Refusal as refusal:  # the lines stopped coming
            if not has_begun:
                raise
            said = bytes(respond_to(refusal, visit_of(scope)).body)
            await _send_part(send, b'{"problem":%b}\n' % said)
        if not has_begun:
            await send(start)
        await send({"type": "http.response.body", "body": b""})


async def elements_of(receive: Receive) -> AsyncIterator[list[Element]]:
    """Yield the lines that have arrived, a portion at a time; blank ones only count.

    A line past the limit is yielded without its text. What follows the last line feed
    is a line once the body ends, and nothing if the client leaves.

    Raises:
        ClientDisconnect: If the client left before the end.
    """
    lines = _Lines()
    is_more = True
    while is_more:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientDisconnect
        is_more = message.get("more_body", False)
        elements = lines.take(message.get("body", b""), is_last=not is_more)
        for begin in range(0, len(elements), PORTION):
            yield elements[begin : begin + PORTION]


class _Lines:
    """Cuts a stream into lines, holding at most one unfinished line."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._is_too_long = False
        self._number = 0

    def take(self, part: bytes, *, is_last: bool) -> list[Element]:
        """Return the lines that *part* finishes."""
        *finished, rest = part.split(b"\n")
        elements = [one for piece in finished if (one := self._finish(piece)) is not None]
        self._add(rest)
        if is_last and (one := self._finish(b"")) is not None:
            elements.append(one)
        return elements

    def _add(self, piece: bytes) -> None:
        if self._is_too_long or len(self._rest) + len(piece) > LINE_BYTES + 1:  # a \r
            self._is_too_long = True
            self._rest.clear()
        else:
            self._rest += piece

    def _finish(self, piece: bytes) -> Element | None:
        self._add(piece)
        text = bytes(self._rest.removesuffix(b"\r"))
        is_too_long = self._is_too_long or len(text) > LINE_BYTES
        self._rest.clear()
        self._is_too_long = False
        self._number += 1
        if is_too_long:
            return Element(number=self._number, text=None)
        return Element(number=self._number, text=text) if text.strip() else None


async def _send_part(send: Send, body: bytes) -> None:
    try:
        async with asyncio.timeout(_TAKEN_WITHIN_S):
            await send({"type": "http.response.body", "body": body, "more_body": True})
    except TimeoutError:
        raise ClientDisconnect from None
