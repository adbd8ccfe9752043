"""The gate: what a request must show before anything of it is read.

Address, key, scope, origin, rate, then what the head says of the body; only then is
the rest of the house asked. A request that fails here costs no JSON and no database.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from starlette.types import ASGIApp, Receive, Scope, Send

from service.web.access import Access, Door, NothingHere, find_access
from service.web.addresses import neighbourhood_of
from service.web.bodies import BODY_TIMEOUT_S, check_head, count
from service.web.caller import Caller
from service.web.crowd import Crowd
from service.web.keyring import KeyRing
from service.web.limiter import Limiter, Rate
from service.web.refusals import Refusal
from service.web.visit import visit_of

_PLACE_OF_KEY: Final = 3  # of `/v1/forms/{publishable_key}`

__all__ = ["Gate", "OriginNotAllowed", "PublishableKey", "Rates", "ScopeMissing"]


class ScopeMissing(Refusal):
    """The key's scopes do not contain what the route needs."""

    code: ClassVar[str] = "scope_missing"


class PublishableKey(Refusal):
    """A publishable key came to a route that takes secret ones only."""

    code: ClassVar[str] = "publishable_key"


class KeyExposed(Refusal):
    """A secret key came where everybody can read it."""

    code: ClassVar[str] = "key_exposed"


class OriginNotAllowed(Refusal):
    """A publishable key came from a web page it is not bound to."""

    code: ClassVar[str] = "origin_not_allowed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How often a secret key may ask, None as often as it likes; *crowd* counts the others.

    *proxies* of ours stand in front and tell from where a stranger asks.
    """

    secret: Rate | None
    crowd: Crowd
    proxies: int = 0


class Gate:
    """Lets a request through to *app*, or raises the refusal it meets."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        keys: KeyRing,
        limiter: Limiter,
        rates: Rates,
        body_timeout_s: float = BODY_TIMEOUT_S,
    ) -> None:
        self._app = app
        self._keys = keys
        self._limiter = limiter
        self._rates = rates
        self._body_timeout_s = body_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, its body counted while it is read."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        visit = visit_of(scope)
        access = find_access(scope["method"], _path_of(scope))
        visit.access = access
        head = visit.head
        if access.needs is not Door.OPEN:
            visit.caller = await self._keys.caller_behind(_key_in(scope, access, head))
            check_caller(visit.caller, access, origin=head.get(b"origin"))
            if visit.caller.is_publishable or self._rates.secret is not None:
                limited = self._count(visit.caller, scope, head)
                visit.headers += [(k.encode(), v.encode()) for k, v in limited.items()]
        if access.body is not None:
            limit = check_head(head, access.body)
            receive = count(receive, limit, timeout_s=self._body_timeout_s)
        await self._app(scope, receive, send)

    def _count(self, caller: Caller, scope: Scope, head: Mapping[bytes, bytes]) -> dict[str, str]:
        if caller.is_publishable:
            address = neighbourhood_of(scope, head, proxies=self._rates.proxies)
            return self._rates.crowd.admit(caller.key_id, address)
        rate = self._rates.secret
        return {} if rate is None else self._limiter.admit(caller.key_id, rate)


def _key_in(scope: Scope, access: Access, head: Mapping[bytes, bytes]) -> str | None:
    """Return what stands for the `Authorization` header: it, or the key in the address."""
    if access.needs is not Door.KEY_IN_ADDRESS:
        return _text(head, b"authorization")
    return f"Bearer {scope['path'].split('/')[_PLACE_OF_KEY]}"


def _text(head: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = head.get(name)
    return None if value is None else value.decode("latin-1")


def _path_of(scope: Scope) -> str:
    """Return the path, once nothing in it or its query could upset a database.

    Raises:
        NothingHere: If the address holds the character U+0000.
    """
    path: str = scope["path"]
    if "\0" in path or b"%00" in scope["query_string"]:
        raise NothingHere("no address holds the character U+0000; leave it out")
    return path


def check_caller(caller: Caller, access: Access, *, origin: bytes | None) -> None:
    """Let *caller* through to the route of *access*, or say why not.

    Raises:
        PublishableKey: If the key is public and the route is not.
        OriginNotAllowed: If the key is public and bound to other pages.
        KeyExposed: If the key is secret and stands in the address.
        ScopeMissing: If the key lacks the scope the route needs.
    """
    if caller.is_publishable:
        if not access.publishable:
            words = "a publishable key may only qualify; use a secret key, on a server"
            raise PublishableKey(words)
        if caller.origins and (
            origin is None or origin.decode("latin-1").lower() not in caller.origins
        ):
            words = "this key is not for the page's origin; add the origin to the key's list"
            raise OriginNotAllowed(words)
    elif access.needs is Door.KEY_IN_ADDRESS:
        raise KeyExposed("a secret key stands in an address; revoke it, it may be in logs")
    elif not isinstance(access.needs, Door) and not caller.may(access.needs):
        words = f"this needs a key with the scope `{access.needs}`; ask an admin for one"
        raise ScopeMissing(words)
