"""Whether a delivery comes from whom it says: over the bytes as they came, in constant time."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final, assert_never

from service.intake.hubspot_signing import hubspot_signature
from service.intake.schemes import (
    Basic,
    Bearer,
    HeaderToken,
    Hmac,
    HubSpot,
    PathToken,
    Scheme,
    StandardWebhooks,
)
from service.intake.standard_signing import is_signed_by
from service.web import InvalidJSON, Refusal, split_array

__all__ = ["BadSignature", "Received", "check_signature", "first_element"]

_DIGITS: Final = re.compile(r"[0-9]{1,16}", re.ASCII)
_HASHES: Final = {"sha1": hashlib.sha1, "sha256": hashlib.sha256, "sha512": hashlib.sha512}
_MOST_ELEMENTS: Final = 4_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class BadSignature(Refusal):
    """A delivery does not prove where it comes from.

    The answer says only that; *why* is for the connection's administrator.
    """

    code: ClassVar[str] = "bad_signature"

    def __init__(self, why: str) -> None:
        super().__init__("the delivery is not signed as this connection asks; look at its secret")
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request as it came. *url* is the public one, *headers* have lower-case names."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


def check_signature(
    received: Received, scheme: Scheme, *, secrets: Sequence[str], now: datetime
) -> None:
    """Let a genuine delivery pass: one that any of *secrets* vouches for, at about *now*.

    Raises:
        BadSignature: For every other, however odd it is.
    """
    match scheme:
        case HubSpot():
            _check_hubspot(received, scheme, secrets, now)
        case Hmac():
            _check_hmac(received, scheme, secrets, now)
        case StandardWebhooks():
            _check_standard(received, scheme, secrets, now)
        case Bearer():
            given = _credentials(received, "bearer")
            _check_any(given, secrets, lambda secret: secret.encode())
        case HeaderToken():
            given = _header(received, scheme.header)
            _check_any(given, secrets, lambda secret: secret.encode())
        case Basic():
            given = _credentials(received, "basic")
            _check_any(given, secrets, lambda secret: base64.b64encode(secret.encode()))
        case PathToken():
            pass  # whoever found the address has shown the token already
        case _:
            assert_never(scheme)


def _check_hubspot(
    received: Received, scheme: HubSpot, secrets: Sequence[str], now: datetime
) -> None:
    if "v3" in scheme.versions and "x-hubspot-signature-v3" in received.headers:
        version, given = "v3", _header(received, "x-hubspot-signature-v3")
        timestamp = _header(received, "x-hubspot-request-timestamp")
        _check_age(timestamp, "ms", scheme.tolerance_s, now)
    else:
        given = _header(received, "x-hubspot-signature")
        version, timestamp = received.headers.get("x-hubspot-signature-version", ""), ""
        if version not in {"v1", "v2"} or version not in scheme.versions:
            raise BadSignature("it has a signature of a version that the connection does not take")

    def expected(secret: str) -> bytes:
        return hubspot_signature(
            version,
            secret=secret,
            method=received.method,
            url=received.url,
            body=received.body,
            timestamp=timestamp,
        )

    _check_any(given, secrets, expected)


def _check_hmac(received: Received, scheme: Hmac, secrets: Sequence[str], now: datetime) -> None:
    given = _header(received, scheme.header)
    if not given.startswith(scheme.prefix):
        raise BadSignature(f"its signature does not begin with `{scheme.prefix}`")
    timestamp = ""
    if scheme.timestamp_header is not None:
        timestamp = _header(received, scheme.timestamp_header)
        _check_age(timestamp, scheme.timestamp_unit, scheme.tolerance_s, now)
    body = received.body if scheme.of == "body" else first_element(received.body)
    before, after = scheme.signed.replace("{timestamp}", timestamp).split("{body}")
    signed = b"".join((before.encode(), body, after.encode()))

    def expected(secret: str) -> bytes:
        digest = hmac.digest(secret.encode(), signed, _HASHES[scheme.algorithm])
        return digest.hex().encode() if scheme.encoding == "hex" else base64.b64encode(digest)

    _check_any(given[len(scheme.prefix) :], secrets, expected)


def first_element(body: bytes) -> bytes:
    """Return the bytes of a JSON array's first element; of anything else all of it."""
    if not body.lstrip().startswith(b"["):
        return body
    try:
        elements = split_array(body, elements=_MOST_ELEMENTS)
    except InvalidJSON:
        raise BadSignature("its body is no list of events, of which the first is signed") from None
    if not elements:
        raise BadSignature("its body is an empty list, of which nothing is signed")
    return elements[0].strip()


def _check_standard(
    received: Received, scheme: StandardWebhooks, secrets: Sequence[str], now: datetime
) -> None:
    message_id = _header(received, "webhook-id")
    timestamp = _header(received, "webhook-timestamp")
    signatures = _header(received, "webhook-signature").split(" ")
    _check_age(timestamp, "s", scheme.tolerance_s, now)
    signed = b".".join((_bytes(message_id), timestamp.encode(), received.body))
    if not any([is_signed_by(secret, signatures, signed) for secret in secrets]):  # noqa: C419 - all of them, whichever is right
        raise BadSignature("no signature of it is of a secret of the connection")


def _check_age(timestamp: str, unit: str, tolerance_s: int, now: datetime) -> None:
    if _DIGITS.fullmatch(timestamp) is None:
        raise BadSignature("its timestamp is not a whole number")
    stamped = int(timestamp) / (1 if unit == "s" else 1_000)
    if abs((now - _EPOCH) / timedelta(seconds=1) - stamped) > tolerance_s:
        raise BadSignature(f"it was signed more than {tolerance_s} s from now; look at the clocks")


def _check_any(given: str, secrets: Sequence[str], expected: Callable[[str], bytes]) -> None:
    """Compare *given* with what each secret would give, all of them, whichever is right."""
    shown = _bytes(given)
    found = [hmac.compare_digest(shown, expected(secret)) for secret in secrets]
    if not any(found):
        raise BadSignature("its signature or secret is not the connection's")


def _credentials(received: Received, kind: str) -> str:
    scheme, _, given = _header(received, "authorization").partition(" ")
    if scheme.lower() != kind:
        raise BadSignature(f"its Authorization is not of the kind `{kind}`")
    return given


def _header(received: Received, name: str) -> str:
    value = received.headers.get(name)
    if not value:
        raise BadSignature(f"it has no header `{name}`")
    return value


def _bytes(text: str) -> bytes:
    """Return a header's bytes; one that was none of bytes equals nothing."""
    return text.encode("latin-1", "backslashreplace")
