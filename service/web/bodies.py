"""Count a body while it arrives, and refuse it before it is read where that is possible.

The counter stands between the server and whoever reads: chunked bodies without a
length meet the same limit as honest ones, and a client that stalls is let go.
"""

import asyncio
import functools
import sys
from collections.abc import Generator, Mapping
from typing import Any, ClassVar, Final

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from service.web.access import Body
from service.web.refusals import Refusal

__all__ = [
    "BodyTimeout",
    "BodyTooLarge",
    "UnsupportedMediaType",
    "check_head",
    "count",
    "media_type_of",
    "read_body",
]

BODY_TIMEOUT_S: Final = 20.0
_LONGEST_LENGTH: Final = 15
# Many clients read an answer only after they have sent everything. So the rest of a
# refused body is read and thrown away, up to this much; past it the connection goes.
_THROWN_AWAY_BYTES: Final = 1024 * 1024
_THROWING_AWAY_S: Final = 1.0
_CLOSE: Final = {"Connection": "close"}


class BodyTooLarge(Refusal):
    """A body is longer than its route takes."""

    code: ClassVar[str] = "body_too_large"


class BodyTimeout(Refusal):
    """A body did not arrive in time."""

    code: ClassVar[str] = "request_timeout"


class UnsupportedMediaType(Refusal):
    """A body is of a kind its route does not read."""

    code: ClassVar[str] = "unsupported_media_type"


def media_type_of(headers: Headers) -> str:
    """Return the media type of a request's body, lower case and without parameters."""
    return _media_type(headers.get("content-type", ""))


def check_head(head: Mapping[bytes, bytes], body: Body) -> int | None:
    """Return how many bytes *body* may have, judged by its request's *head*; None is no limit.

    A missing content type counts as JSON, and so does what `curl -d` sends when told
    nothing: a first try should not fail on a header, and the body is read as strictly.

    Raises:
        UnsupportedMediaType: If it is compressed, in a charset other than UTF-8, or of
            another kind.
        BodyTooLarge: If its declared length is past the limit.
    """
    length = _length_in(head)
    closes = length is None or length > _THROWN_AWAY_BYTES
    limit, refusal = _limit_of(body, head.get(b"content-type", b""))
    if refusal is not None:
        raise UnsupportedMediaType(refusal, headers=_CLOSE if closes else None)
    if head.get(b"content-encoding", b"identity").lower() != b"identity":
        words = "send the body uncompressed"
        raise UnsupportedMediaType(words, headers=_CLOSE if closes else None)
    if limit is not None and length is not None and length > limit:
        raise _too_large(limit, closes=closes)
    return limit


def _length_in(head: Mapping[bytes, bytes]) -> int | None:
    """Return the declared length of a body, None without one; what is no number is endless."""
    declared = head.get(b"content-length")
    if declared is None:
        return None
    if len(declared) > _LONGEST_LENGTH or not declared.isdigit():
        return sys.maxsize
    return int(declared)


@functools.lru_cache(maxsize=256)
def _limit_of(body: Body, content_type: bytes) -> tuple[int | None, str | None]:
    """Return the limit for a content type, or why it is none of ours; few callers vary it."""
    text = content_type.decode("latin-1")
    given = _media_type(text)
    is_unsaid = given in {"", CURL_DEFAULT} and given not in body.limits
    media_type = "application/json" if is_unsaid else given
    if media_type not in body.limits:
        listed = " or ".join(sorted(body.limits))
        return None, f"this address reads {listed}; send that"
    charset = text.lower().partition("charset=")[2].strip('" ;')
    if charset not in {"", "utf-8", "utf8", "us-ascii"}:
        return None, "only UTF-8 is read here; encode the body so"
    return body.limits[media_type], None


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


# What `curl -d` says when it is told nothing; first-hour's examples rely on it.
CURL_DEFAULT: Final = "application/x-www-form-urlencoded"


def count(
    receive: Receive, limit_bytes: int | None, *, timeout_s: float = BODY_TIMEOUT_S
) -> Receive:
    """Return *receive*, refusing past *limit_bytes* and after *timeout_s* without the end.

    With a limit the time is for the whole body; without one, for each part of it.
    """
    taken = 0
    is_complete = False
    deadline = asyncio.get_running_loop().time() + timeout_s

    async def receive_counted() -> Message:
        nonlocal taken, is_complete
        if is_complete:
            return await receive()
        try:
            if limit_bytes is None:
                async with asyncio.timeout(timeout_s):
                    message = await receive()
            else:
                message = await _within(receive, deadline)
        except TimeoutError:
            words = f"the body did not arrive within {timeout_s:g} s; send it again"
            raise BodyTimeout(words, headers=_CLOSE) from None
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            is_complete = not message.get("more_body", False)
            if limit_bytes is not None and taken > limit_bytes:
                closes = not (is_complete or await _throw_away(receive))
                raise _too_large(limit_bytes, closes=closes)
        return message

    return receive_counted


async def _within(receive: Receive, deadline_s: float) -> Message:
    """Return the next message; one that is there already costs no timer.

    Raises:
        TimeoutError: If it does not come until *deadline_s* by the loop's clock.
    """
    receiving = receive().__await__()
    try:
        awaited = next(receiving)
    except StopIteration as there:
        message: Message = there.value
        return message
    async with asyncio.timeout_at(deadline_s):
        late: Message = await _Begun(receiving, awaited)
        return late


class _Begun(Generator[Any, Any, Message]):
    """What is left of an awaitable that was begun by hand and has *awaited* something."""

    def __init__(self, rest: Generator[Any, Any, Message], awaited: object) -> None:
        self._rest = rest
        self._awaited: list[object] = [awaited]

    def send(self, value: object) -> Any:  # noqa: ANN401  whatever the event loop understands
        return self._awaited.pop() if self._awaited else self._rest.send(value)

    def throw(self, *error: Any) -> Any:  # noqa: ANN401  as of generators
        return self._rest.throw(*error)

    def __await__(self) -> "_Begun":
        return self


async def read_body(receive: Receive) -> bytes:
    """Return the whole body; for plain ASGI functions behind the gate.

    Raises:
        ClientDisconnect: If the client left before the end.
        BodyTooLarge: As the gate's counter says.
    """
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body", False):
        return body
    parts = [body]
    while message["type"] == "http.request" and message.get("more_body", False):
        message = await receive()
        parts.append(message.get("body", b""))
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return b"".join(parts)


async def _throw_away(receive: Receive) -> bool:
    """Read what is left of a body; return whether its end came within reach."""
    thrown = 0
    try:
        async with asyncio.timeout(_THROWING_AWAY_S):
            while thrown <= _THROWN_AWAY_BYTES:
                message = await receive()
                thrown += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return bool(message["type"] == "http.request")
    except TimeoutError:
        pass
    return False


def _too_large(limit_bytes: int, *, closes: bool) -> BodyTooLarge:
    words = f"the body is longer than {limit_bytes // 1024} kB; send less"
    return BodyTooLarge(words, headers=_CLOSE if closes else None)
