"""One connection: what is usual is answered without ASGI, everything else through it.

Somebody who waits at a form asks one short question of one address. Between the bytes and
that question uvicorn makes a scope, a cycle, an event, a task and three messages for each
request, which takes as long as the decision. So a connection keeps the head and the body of
such a request and shows both to the application's *door*. What the door takes it answers, by
one call, once all is committed. What it does not take goes the way of every other request, as
if nobody had looked at it before, and so does whatever comes in an unusual manner.

Whoever asks again and again sends the same head again and again. A head that was read, of a
request that the door took, is known by its bytes from then on and not parsed any more.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

__all__ = ["Connection", "Door", "Heads", "Reply"]

# What is held together for the door; a body that is longer is read piece by piece.
_HELD_BYTES: Final = 64 * 1024
# A body that takes longer is waited for by whoever refuses slow ones.
_HELD_S: Final = 1.0
_BLANK: Final = b"\r\n\r\n"
_KNOWN_BYTES: Final = 2_048
_KNOWN: Final = 512

Reply = Callable[[int, bytes, bytes], None]
"""Sends status, header lines and body of the one answer to a request."""


class Door(Protocol):
    """What an application answers without ASGI: POST requests for one *target*."""

    target: bytes

    def take(self, head: Mapping[bytes, bytes], body: bytes, reply: Reply) -> bool:
        """Return whether *reply* will be called with the answer, once and not before this returns.

        False says that nothing was done, and that the request is to be asked through ASGI. It
        raises nothing.
        """


@dataclass(frozen=True, slots=True)
class _Read:
    """What the bytes of a head say: its headers by lower-case name, and how long the body is."""

    head: Mapping[bytes, bytes]
    body_bytes: int


class Heads:
    """What was read of heads, by their bytes: of some hundred short ones.

    It holds keys, as does whoever checks them.
    """

    def __init__(self) -> None:
        self._read: dict[bytes, _Read] = {}

    def __len__(self) -> int:
        """Return how many are known."""
        return len(self._read)

    def find(self, text: bytes) -> _Read | None:
        """Return what the bytes of a head say, where they were read before."""
        return self._read.get(text)

    def add(self, request: bytes, *, head: Mapping[bytes, bytes], body: bytes) -> None:
        """Know the *head* of a request from now on, if these are all its bytes."""
        body_at = request.find(_BLANK) + len(_BLANK)
        if body_at <= _KNOWN_BYTES and len(request) == body_at + len(body):
            if len(self._read) >= _KNOWN:
                self._read.clear()
            self._read[request[:body_at]] = _Read(head, len(body))


# Of all connections: a client has many.
_HEADS: Final = Heads()


class Connection(HttpToolsProtocol):
    """A connection that can be told that its next answer is its last."""

    is_leaving = False
    was_asked = False

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - as uvicorn gives them
        super().__init__(*arguments, **named)
        door: Door | None = getattr(self.app, "door", None)
        self._door = door if self.limit_concurrency is None and not self.root_path else None
        self._held: bytes | None = None  # the body so far of a request kept for the door
        self._head: dict[bytes, bytes] = {}
        self._patience: asyncio.TimerHandle | None = None
        self._is_between = True  # two requests, as far as the parser has read
        self._whole = b""  # what is being read, where it began a request
        self._is_left = False  # by the door, to which it need not be shown again
        self._default_headers: list[tuple[bytes, bytes]] | None = None
        self._default_lines = b""

    def leave(self) -> None:
        """Close after the next answer, which says so."""
        self.is_leaving = True
        self._let_go()
        # What has begun to answer without saying so leaves that to the answer after it.
        if self.was_asked and not self.cycle.response_started:
            self.cycle.keep_alive = False

    def is_silent_since(self, instant_s: float) -> bool:
        """Return whether nothing is being asked or answered here, nor was since *instant_s*."""
        if not self.was_asked:
            return True
        answered = self.timeout_keep_alive_task  # there from an answer to the next request
        return answered is not None and answered.when() - self.timeout_keep_alive <= instant_s

    def default_lines(self) -> bytes:
        """Return the header lines of every answer, which uvicorn makes anew each second."""
        headers = self.server_state.default_headers
        if headers is not self._default_headers:
            self._default_headers = headers
            self._default_lines = b"".join(b"%b: %b\r\n" % pair for pair in headers)
        return self._default_lines

    def shutdown(self) -> None:
        """Close, after the answer to what was asked."""
        self._let_go()
        super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what was held."""
        self._held = None
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read *data*; wait a moment for the rest of a body that is held."""
        if self._is_between and self._take_known(data):
            return
        self._whole = data if self._is_between else b""
        super().data_received(data)
        self._whole, self._is_left = b"", False
        if self._held is not None and self._patience is None:
            self._patience = self.loop.call_later(_HELD_S, self._let_go)

    def on_message_begin(self) -> None:
        """Begin with an empty head; what ASGI wants to know of it is made when it is asked."""
        self._is_between = False
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        """Hold the request for the door, or begin to answer it."""
        self.was_asked = True
        door = None if self._is_left else self._door
        if door is not None and self.url == door.target and self._is_usual():
            self._held, self._head = b"", dict(self.headers)
        else:
            self._begin()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        if self._held is None:
            super().on_body(body)
            return
        self._held += body
        if len(self._held) > _HELD_BYTES:
            self._let_go()

    def on_message_complete(self) -> None:
        """Show the door what was held for it."""
        self._is_between = True
        body = self._held
        if body is None or self._door is None:
            super().on_message_complete()
            return
        self._stop_waiting()
        asked = _Asked(self)
        if self._door.take(self._head, body, asked.answer):
            self._held = None
            self.cycle = asked  # type: ignore[assignment]
            _HEADS.add(self._whole, head=self._head, body=body)
        else:
            self._let_go()
            super().on_message_complete()

    def _take_known(self, data: bytes) -> bool:
        """Return whether *data* is a whole request with a head that is known, and was taken."""
        body_at = data.find(_BLANK) + len(_BLANK)
        read = _HEADS.find(data[:body_at])
        if (
            read is None
            or len(data) != body_at + read.body_bytes
            or self._door is None
            or not self._is_free()
        ):
            return False
        asked = _Asked(self)
        if not self._door.take(read.head, data[body_at:], asked.answer):
            self._is_left = True
            return False
        self._unset_keepalive_if_required()
        self.was_asked = True
        self.cycle = asked  # type: ignore[assignment]
        return True

    def _is_free(self) -> bool:
        """Return whether nothing is being answered here, and another request may come."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return (cycle is None or cycle.response_complete) and not (
            self.is_leaving or self.flow.write_paused
        )

    def _is_usual(self) -> bool:
        """Return whether a request begins that stands alone and stays for another."""
        parser = self.parser
        return (
            self._is_free()
            and not self.expect_100_continue
            and parser.get_method() == b"POST"
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
        )

    def _let_go(self) -> None:
        """Ask what is held through ASGI."""
        body, self._held = self._held, None
        if body is not None:
            self._stop_waiting()
            self._begin()
            if body:
                super().on_body(body)

    def _begin(self) -> None:
        """Begin to answer through ASGI; the last request of a connection that leaves."""
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers
        super().on_headers_complete()
        if self.is_leaving:
            self.cycle.keep_alive = False

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


class _Asked:
    """A request that the door answers: what uvicorn asks of a cycle, and nothing more."""

    __slots__ = ("_connection", "disconnected", "keep_alive", "response_complete")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.disconnected = False
        self.keep_alive = True
        self.response_complete = False

    @property
    def response_started(self) -> bool:
        """Whether its head is sent: that is, all of it."""
        return self.response_complete

    @property
    def message_event(self) -> "_Asked":
        """Whom uvicorn wakes when something happens to the request: nobody waits."""
        return self

    def set(self) -> None:
        """Wake nobody."""

    def answer(self, status: int, headers: bytes, body: bytes) -> None:
        """Send the whole answer, where the client still is."""
        connection = self._connection
        self.response_complete = True
        transport = connection.transport
        if self.disconnected or transport.is_closing():
            return
        lines = connection.default_lines()
        if not self.keep_alive:
            headers += b"connection: close\r\n"
        transport.write(b"".join((STATUS_LINE[status], lines, headers, b"\r\n", body)))
        if not self.keep_alive:
            transport.close()
        connection.on_response_complete()
