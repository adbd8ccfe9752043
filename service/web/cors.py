"""Cross-origin headers: for every origin, on every answer.

Keys travel in a header that a page has to set itself, never in cookies, so reading an
answer gives a page nothing that its own script could not fetch elsewhere. Which pages a
publishable key is for is judged by the gate, on the request itself.
"""

from collections.abc import Mapping

from starlette.types import Scope

__all__ = ["cors_headers", "is_preflight", "preflight_headers"]

_EXPOSED = (
    b"X-Request-Id, ETag, Link, Location, Retry-After, RateLimit, RateLimit-Policy, "
    b"Idempotency-Replayed, Goodfit-Visit"
)
_METHODS = b"GET, POST, PUT, PATCH, DELETE"
_ALLOWED = (
    b"authorization, content-type, idempotency-key, if-match, if-none-match, traceparent, "
    b"goodfit-visit"
)
_TWO_HOURS = b"7200"


def is_preflight(scope: Scope, head: Mapping[bytes, bytes]) -> bool:
    """Return whether a browser asks what it may send; such a request carries no key."""
    return scope["method"] == "OPTIONS" and b"access-control-request-method" in head


def cors_headers(origin: bytes | None) -> list[tuple[bytes, bytes]]:
    """Return what lets the page of *origin* read an answer; nothing without an origin."""
    if origin is None:
        return []
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-expose-headers", _EXPOSED),
        (b"vary", b"Origin"),
    ]


def preflight_headers() -> list[tuple[bytes, bytes]]:
    """Return what a 204 to a preflight says beside the headers of every answer."""
    return [
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-allow-headers", _ALLOWED),
        (b"access-control-max-age", _TWO_HOURS),
    ]
