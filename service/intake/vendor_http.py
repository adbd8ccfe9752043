"""Ask a vendor's API: bounded in time, bytes and reach, and whatever it says is a value."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar, Final, Protocol, Self

import httpx
import orjson

from service.delivery import Reach, Unreachable, open_client

__all__ = ["Pace", "Reply", "Vendor", "VendorUnavailable"]

_MOST_BYTES: Final = 8 * 1024 * 1024
_LONGEST_WAIT: Final = timedelta(hours=24)
_USUAL_WAIT: Final = timedelta(seconds=10)


class VendorUnavailable(Exception):
    """A vendor cannot be asked now; *wait* is how long it says, or we think, it takes.

    *is_usual* says that to wait is part of normal work, and nobody has to be told.
    """

    code: ClassVar[str] = "vendor_unavailable"

    def __init__(
        self, words: str, *, wait: timedelta = _USUAL_WAIT, is_usual: bool = False
    ) -> None:
        super().__init__(words)
        self.words = words
        self.is_usual = is_usual
        self.wait = min(max(wait, timedelta(seconds=1)), _LONGEST_WAIT)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a vendor answered: *content* is its JSON, None where it was none."""

    status: int
    content: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def interval(self) -> timedelta:
        """How long it takes until the vendor counts anew."""
        told = self.headers.get("x-hubspot-ratelimit-interval-milliseconds", "")
        if told.isascii() and told.isdigit() and len(told) < 10:
            return timedelta(milliseconds=int(told))
        reset = self.headers.get("x-ratelimit-reset", "")
        if reset.isascii() and reset.isdigit() and len(reset) < 7:
            return timedelta(seconds=int(reset))
        return _USUAL_WAIT


class Pace(Protocol):
    """When a vendor may be asked; shared by all who ask it."""

    async def wait_for(self) -> None:
        """Let a request begin, or raise `VendorUnavailable`."""

    async def heed(self, reply: Reply) -> None:
        """Take notice of what a reply says is left."""

    async def hold(self, wait: timedelta, why: str, *, is_usual: bool) -> None:
        """Have nobody ask for as long."""


class Vendor:
    """One vendor's API, as far as *reach* lets anybody go. Use it as a context."""

    def __init__(self, url: str, *, headers: Mapping[str, str], reach: Reach, pace: Pace) -> None:
        self._pace = pace
        self._url = url.rstrip("/")
        self._headers = dict(headers)
        self._reach = reach
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Return itself, ready."""
        self._client = await self._open.enter_async_context(open_client(self._reach))
        self._client.headers.update(self._headers)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close what is open."""
        await self._open.aclose()

    def authorize(self, headers: Mapping[str, str]) -> None:
        """Send *headers* with everything from now on."""
        self._client.headers.update(headers)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        form: Mapping[str, str] | None = None,
    ) -> Reply:
        """Return the reply to one request, refusals included.

        Raises:
            VendorUnavailable: If there is none, it is too long, or it asks us to wait; or if an
                earlier reply, to whichever worker, did.
        """
        await self._pace.wait_for()
        address = path if path.startswith(("http://", "https://")) else self._url + path
        content = None if json is None else orjson.dumps(json)
        headers = {} if json is None else {"Content-Type": "application/json"}
        try:
            request = self._client.build_request(
                method, address, content=content, data=form, headers=headers
            )
            response = await self._client.send(request, stream=True)
            try:
                body = await _read(response)
            finally:
                await response.aclose()
        except Unreachable as error:
            words = f"the vendor's address may not be asked: {error}"
            raise VendorUnavailable(words) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            words = f"the vendor cannot be reached ({type(error).__name__}); look at its address"
            raise VendorUnavailable(words) from None
        reply = Reply(response.status_code, _decoded(body), response.headers)
        try:
            _check(reply)
        except VendorUnavailable as later:
            await self._pace.hold(later.wait, later.words, is_usual=False)
            raise
        await self._pace.heed(reply)
        return reply


async def _read(response: httpx.Response) -> bytes:
    parts, length = [], 0
    async for part in response.aiter_bytes():
        parts.append(part)
        length += len(part)
        if length > _MOST_BYTES:
            raise VendorUnavailable("the vendor's answer is far too long; look at its address")
    return b"".join(parts)


def _decoded(body: bytes) -> Any:  # noqa: ANN401 - JSON
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _check(reply: Reply) -> None:
    """Raise where a vendor says that it can be asked again later, and when."""
    # 477 is HubSpot's while an account is moved; the rest is what proxies say.
    if reply.status in {429, 477} or reply.status >= 500:
        told = reply.headers.get("retry-after", "")
        is_number = told.isascii() and told.isdigit() and len(told) < 7
        wait = timedelta(seconds=int(told)) if is_number else reply.interval
        what = "asks us to wait" if reply.status in {429, 477} else "is out of order"
        words = f"the vendor {what} (status {reply.status}); it is asked again by itself"
        raise VendorUnavailable(words, wait=wait)
