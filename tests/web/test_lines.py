"""A stream of results as the network sees it: no faster than it is read, never cut silently."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message, Scope

from service.storage import make_id
from service.web import Element, ResultStream, Visit, lines
from service.web.bodies import BodyTimeout

pytestmark = pytest.mark.anyio


async def echo(elements: Sequence[Element]) -> list[bytes]:
    """Answer every line by its number."""
    return [b'{"line":%d}' % element.number for element in elements]


def visited() -> Scope:
    """Return the scope of a request inside the envelope."""
    scope: Scope = {"type": "http"}
    request_id = make_id("req", datetime(2026, 11, 22, tzinfo=UTC), randomness=b"requests")
    Visit(request_id=request_id).enter(scope)
    return scope


class Wire:
    """A client that sends parts of a body, and takes results when told to."""

    def __init__(self, *parts: bytes | Exception) -> None:
        self._parts = list(parts)
        self.received = 0
        self.sent: list[Message] = []
        self.takes = asyncio.Event()
        self.takes.set()

    async def receive(self) -> Message:
        """Hand on the next part, or raise it."""
        self.received += 1
        part = self._parts.pop(0)
        if isinstance(part, Exception):
            raise part
        return {"type": "http.request", "body": part, "more_body": bool(self._parts)}

    async def send(self, message: Message) -> None:
        """Take a part of the answer."""
        await self.takes.wait()
        self.sent.append(message)

    @property
    def body(self) -> bytes:
        """What was taken so far."""
        return b"".join(message.get("body", b"") for message in self.sent)


async def test_each_part_is_answered_before_the_next_is_read() -> None:
    """Results leave as their lines arrive, and the stream is then ended."""
    wire = Wire(b"1\n2\n", b"3", b"\n4")
    await ResultStream(echo)(visited(), wire.receive, wire.send)
    assert [message.get("body") for message in wire.sent] == [
        None,
        b'{"line":1}\n{"line":2}\n',
        b'{"line":3}\n{"line":4}\n',
        b"",
    ]
    assert dict(wire.sent[0]["headers"])[b"content-type"] == b"application/x-ndjson"
    assert not wire.sent[-1].get("more_body", False)


async def test_nothing_is_read_while_results_are_not_taken() -> None:
    """A client that does not read is not read from: nothing piles up here."""
    wire = Wire(b"1\n", b"2\n", b"3\n")
    wire.takes.clear()
    answering = asyncio.create_task(ResultStream(echo)(visited(), wire.receive, wire.send))
    for _ in range(20):
        await asyncio.sleep(0)
    assert wire.received == 1
    wire.takes.set()
    await answering
    assert wire.received == 3
    assert wire.body == b'{"line":1}\n{"line":2}\n{"line":3}\n'


async def test_a_client_that_never_takes_its_results_is_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After a while without reading, the connection ends, and with it the work."""
    monkeypatch.setattr(lines, "_TAKEN_WITHIN_S", 0.05)
    wire = Wire(b"1\n", b"2\n")
    stream = ResultStream(echo)

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.sleep(3600)

    with pytest.raises(ClientDisconnect):
        await stream(visited(), wire.receive, send)
    assert wire.received == 1


async def test_lines_that_stop_coming_are_said_so_at_the_end() -> None:
    """A stream that stalls ends with a problem, so that nobody takes it for whole."""
    wire = Wire(b"1\n", BodyTimeout("the body did not arrive within 20 s; send it again"))
    await ResultStream(echo)(visited(), wire.receive, wire.send)
    first, last = wire.body.splitlines()
    assert first == b'{"line":1}'
    assert json.loads(last)["problem"]["code"] == "request_timeout"


async def test_lines_that_never_came_are_a_refusal() -> None:
    """Before the first result there is still a status to say it with."""
    wire = Wire(BodyTimeout("the body did not arrive within 20 s; send it again"))
    with pytest.raises(BodyTimeout):
        await ResultStream(echo)(visited(), wire.receive, wire.send)
    assert wire.sent == []
