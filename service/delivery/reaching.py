"""Connect to where somebody else told us to, and never to what lies behind our own walls.

The name is resolved by us, every address it has is judged by our table, and the connection
goes to an address that was judged: at every attempt, for a name may lead elsewhere by then.
"""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address
from typing import Final
from urllib.parse import urlsplit

import httpx
import idna

from service.delivery.addresses import is_public
from service.settings import Settings

__all__ = ["Reach", "Reply", "Unreachable", "check_url", "open_client", "post", "reach_of"]

_LONGEST_URL: Final = 2_000
_WITHIN_S: Final = 5.0
_NAME: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
_VISIBLE: Final = re.compile(r"[!-\[\]-~]+", re.ASCII)  # no space, control or backslash
# Names that mean something inside a network only.
_INSIDE: Final = frozenset({"localhost", "localdomain", "local", "internal", "lan", "arpa"})
_LOW_PORTS: Final = frozenset({80, 443})


class Unreachable(Exception):
    """An address may not be connected to, or its name leads nowhere; the message says why."""

    code = "unreachable"


Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


async def _resolve(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(place[4][0]) for place in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far connections go: by default over TLS only, and to public addresses only.

    *is_open* lets plain HTTP and private addresses in: for development on one machine.
    """

    is_open: bool = False
    within: timedelta = timedelta(seconds=15)
    most_bytes: int = 64 * 1024
    resolve: Resolve = field(default=_resolve)
    allows_http: bool = False

    @property
    def schemes(self) -> tuple[str, ...]:
        """The schemes that an address may have."""
        return ("https", "http") if self.is_open or self.allows_http else ("https",)


def reach_of(settings: Settings) -> Reach:
    """Return how far this deployment reaches."""
    within = timedelta(seconds=settings.delivery_timeout_s)
    return Reach(is_open=settings.insecure_endpoints, within=within)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: the status, the headers, and the body as far as it was read."""

    status: int
    headers: httpx.Headers
    body: bytes


def check_url(url: str, reach: Reach) -> httpx.URL:
    """Return *url* read, where it is written plainly and names something that may be reached.

    An address that people do not write, such as `https://127.1` or one with a name and
    password before the host, is refused: readers of it disagree on what it says.

    Raises:
        Unreachable: If it is not.
    """
    if len(url) > _LONGEST_URL or not _VISIBLE.fullmatch(_in_ascii(url)):
        raise Unreachable("this is no address we can read; write it as https://host/path")
    try:
        parts, parsed = urlsplit(_in_ascii(url)), httpx.URL(_in_ascii(url))
        port = parts.port
    except (ValueError, httpx.InvalidURL):
        raise Unreachable("this is no address we can read; write it as https://host/path") from None
    if parts.scheme not in reach.schemes:
        raise Unreachable(f"the address begins otherwise; begin it with `{reach.schemes[0]}://`")
    if "@" in parts.netloc or parts.fragment or "%" in parts.netloc:
        raise Unreachable("the address has a name, a % or a # in it; write host and path only")
    if port is not None and port not in _LOW_PORTS and not 1024 <= port <= 65_535:
        raise Unreachable("the port is one of another service; use 443, or one from 1024 up")
    host = parsed.raw_host.decode("ascii")
    if host != (parts.hostname or ""):
        raise Unreachable("the host is not written plainly; write its name as in DNS")
    _check_host(host, reach)
    return parsed


async def check_address(url: httpx.URL, reach: Reach) -> Sequence[str]:
    """Return the addresses that *url*'s host has now, every one of which may be reached.

    Raises:
        Unreachable: If it has none, or one that may not.
        OSError: If it cannot be resolved now.
    """
    host = url.raw_host.decode("ascii")
    port = url.port or (443 if url.scheme == "https" else 80)
    found = [host] if _is_address(host) else await reach.resolve(host, port)
    if not found:
        raise Unreachable("the host has no address")
    if not reach.is_open and not all(is_public(address) for address in found):
        raise Unreachable("the host leads to an address that is not public")
    return found


@asynccontextmanager
async def open_client(reach: Reach) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client that reaches no further than *reach*: no redirects, no proxies, no cookies.

    Each request has a connection of its own, to an address that was judged for it.
    """
    inner = httpx.AsyncHTTPTransport(
        trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
    )
    async with httpx.AsyncClient(
        transport=_Judging(inner, reach),
        timeout=httpx.Timeout(reach.within.total_seconds(), connect=_WITHIN_S),
        follow_redirects=False,
        trust_env=False,
        headers={"User-Agent": "Goodfit", "Accept-Encoding": "identity"},
    ) as client:
        yield client


async def post(
    client: httpx.AsyncClient, url: str, *, body: bytes, headers: dict[str, str], reach: Reach
) -> Reply:
    """Return what *url* answers to *body*; no more of it than `most_bytes`, within the time.

    Raises:
        Unreachable: If it may not be reached.
        httpx.HTTPError, OSError, TimeoutError: If it was not, or did not answer in time.
    """
    checked = check_url(url, reach)
    async with (
        asyncio.timeout(reach.within.total_seconds()),
        client.stream("POST", checked, content=body, headers=headers) as answer,
    ):
        read = b""
        async for piece in answer.aiter_raw():
            read += piece
            if len(read) >= reach.most_bytes:
                break
        return Reply(answer.status_code, answer.headers, read[: reach.most_bytes])


class _Judging(httpx.AsyncBaseTransport):
    """Resolves, judges, and connects to what was judged; TLS still asks for the name."""

    def __init__(self, inner: httpx.AsyncBaseTransport, reach: Reach) -> None:
        self._inner = inner
        self._reach = reach

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send *request* to an address of its host."""
        url = check_url(str(request.url), self._reach)
        addresses = await check_address(url, self._reach)
        failure: Exception | None = None
        for address in addresses:
            there = httpx.Request(
                request.method,
                url.copy_with(host=address),
                headers=request.headers,  # with the Host that was asked for
                stream=request.stream,
                extensions=request.extensions | {"sni_hostname": url.raw_host.decode("ascii")},
            )
            try:
                return await self._inner.handle_async_request(there)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise failure or Unreachable("the host has no address")

    async def aclose(self) -> None:
        """Close what is open."""
        await self._inner.aclose()


def _in_ascii(url: str) -> str:
    """Return *url* with the host's name as DNS has it; as it is where that cannot be done."""
    if url.isascii():
        return url
    scheme, separator, rest = url.partition("://")
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    name, colon, port = host.partition(":")
    try:
        encoded = idna.encode(name).decode("ascii")
    except idna.IDNAError:
        return url
    return scheme + separator + encoded + colon + port + rest[len(host) :]


def _check_host(host: str, reach: Reach) -> None:
    if _is_address(host):
        if not reach.is_open and not is_public(host):
            raise Unreachable("the address is not public; name a host that everybody can reach")
        return
    labels = host.removesuffix(".").split(".")
    is_name = len(host) <= 253 and all(_NAME.fullmatch(label) for label in labels)
    # A name whose last part is a number is an address to some, in forms of their own.
    is_number = labels[-1].isdigit() or labels[-1].startswith("0x")
    is_inside = len(labels) == 1 or labels[-1] in _INSIDE
    if not is_name or is_number or (is_inside and not reach.is_open):
        raise Unreachable("the host is not written plainly; write its name as in DNS")


def _is_address(host: str) -> bool:
    for kind in (IPv4Address, IPv6Address):
        try:
            return str(kind(host)) == host or kind is IPv6Address
        except ValueError:
            continue
    return False
