"""Standard Webhooks, version 1: how the receiver knows that it is from us, and whole."""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Sequence
from datetime import datetime
from typing import Final

__all__ = ["SECRET_BYTES", "headers_of", "make_secret", "signature_of"]

SECRET_BYTES: Final = 32
_PREFIX: Final = "whsec_"


def make_secret(randomness: bytes | None = None) -> str:
    """Return a fresh secret, as its receiver enters it."""
    given = os.urandom(SECRET_BYTES) if randomness is None else randomness
    return _PREFIX + base64.b64encode(given).decode("ascii")


def signature_of(body: bytes, *, message: str, stamp: int, secret: str) -> str:
    """Return the signature of a message that is sent at *stamp*, in seconds since 1970.

    Raises:
        ValueError: If *secret* is none of ours.
    """
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("this is no webhook secret") from None
    signed = f"{message}.{stamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode("ascii")


def headers_of(
    body: bytes, *, message: str, at: datetime, secrets: Sequence[str]
) -> dict[str, str]:
    """Return the headers of one attempt; it verifies with each of *secrets*."""
    stamp = int(at.timestamp())
    signatures = [
        signature_of(body, message=message, stamp=stamp, secret=secret) for secret in secrets
    ]
    return {
        "content-type": "application/json",
        "webhook-id": message,
        "webhook-timestamp": str(stamp),
        "webhook-signature": " ".join(signatures),
    }
