"""Count a body while it arrives, and refuse it before it is read where that is possible.

The counter stands between the server and whoever reads: chunked bodies without a
length meet the same limit as honest ones, and a client that stalls is let go.
"""

import asyncio
import functools
from collections.abc import Mapping
from typing import ClassVar, Final

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
# What is left of a refused body is not worth reading: the connection goes with it.
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
    limit = _limit_of(body, head.get(b"content-type", b""))
    if head.get(b"content-encoding", b"identity").lower() != b"identity":
        raise UnsupportedMediaType("send the body uncompressed", headers=_CLOSE)
    declared = head.get(b"content-length", b"0")
    if limit is not None and (
        len(declared) > _LONGEST_LENGTH or not declared.isdigit() or int(declared) > limit
    ):
        raise _too_large(limit)
    return limit


@functools.lru_cache(maxsize=256)
def _limit_of(body: Body, content_type: bytes) -> int | None:
    """Return the limit for a content type, which few callers ever vary."""
    text = content_type.decode("latin-1")
    given = _media_type(text)
    media_type = "application/json" if given in {"", CURL_DEFAULT} else given
    if media_type not in body.limits:
        listed = " or ".join(sorted(body.limits))
        raise UnsupportedMediaType(f"this address reads {listed}; send that", headers=_CLOSE)
    charset = text.lower().partition("charset=")[2].strip('" ;')
    if charset not in {"", "utf-8", "utf8", "us-ascii"}:
        raise UnsupportedMediaType("only UTF-8 is read here; encode the body so", headers=_CLOSE)
    return body.limits[media_type]


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
                async with asyncio.timeout_at(deadline):
                    message = await receive()
        except TimeoutError:
            words = f"the body did not arrive within {timeout_s:g} s; send it again"
            raise BodyTimeout(words, headers=_CLOSE) from None
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            if limit_bytes is not None and taken > limit_bytes:
                raise _too_large(limit_bytes)
            is_complete = not message.get("more_body", False)
        return message

    return receive_counted


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


def _too_large(limit_bytes: int) -> BodyTooLarge:
    words = f"the body is longer than {limit_bytes // 1024} kB; send less"
    return BodyTooLarge(words, headers=_CLOSE)
