"""Signatures of Standard Webhooks 1.0.0: v1 by a shared secret, v1a by a public key."""

import base64
import binascii
import hmac
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

__all__ = ["is_secret", "is_signed_by"]

_SECRET: Final = "whsec_"  # noqa: S105 - how secrets begin
_PUBLIC: Final = "whpk_"
# A header of many signatures would cost a check each.
_MOST: Final = 16


def is_secret(text: str) -> bool:
    """Return whether *text* can be a secret or a public key of this standard."""
    prefix = _PUBLIC if text.startswith(_PUBLIC) else _SECRET
    key = _decoded(text.removeprefix(prefix))
    if key is None or not text.startswith(prefix):
        return False
    return len(key) == 32 if prefix == _PUBLIC else 24 <= len(key) <= 64


def is_signed_by(secret: str, signatures: Sequence[str], signed: bytes) -> bool:
    """Return whether one of *signatures* is that of *secret* over *signed*."""
    given = signatures[:_MOST]
    if secret.startswith(_PUBLIC):
        return any(_verifies(secret, one, signed) for one in given)
    key = _decoded(secret.removeprefix(_SECRET))
    if key is None:
        return False
    expected = b"v1," + base64.b64encode(hmac.digest(key, signed, "sha256"))
    shown = (one.encode("latin-1", "backslashreplace") for one in given)
    return any([hmac.compare_digest(one, expected) for one in shown])  # noqa: C419 - all of them, whichever is right


def _verifies(public: str, signature: str, signed: bytes) -> bool:
    version, _, text = signature.partition(",")
    key, given = _decoded(public.removeprefix(_PUBLIC)), _decoded(text)
    if version != "v1a" or key is None or given is None:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(given, signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def _decoded(text: str) -> bytes | None:
    """Return the bytes behind base64 as one would write it; None where it is none."""
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return decoded if base64.b64encode(decoded).decode() == text else None
