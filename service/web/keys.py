"""What a key looks like: `gf_sk_` or `gf_pk_`, thirty random characters, a checksum.

The checksum (six base62 digits of CRC-32, over everything before it) lets secret
scanners tell a key from noise without asking us, and lets us refuse noise without
asking the database. A label may stand after the kind: `gf_sk_demo_...`.
"""

import hashlib
import re
import secrets
import zlib
from typing import Final

from service.web.caller import KeyKind

__all__ = ["hash_of", "is_well_formed", "kind_of", "make_key", "shown_prefix"]

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_LENGTH: Final = 30
_CHECKSUM_LENGTH: Final = 6
_SHOWN_LENGTH: Final = 4
_KINDS: Final = {KeyKind.SECRET: "gf_sk_", KeyKind.PUBLISHABLE: "gf_pk_"}
_KEY: Final = re.compile(r"(gf_(?:sk|pk)_(?:[a-z]{1,12}_)?)([0-9A-Za-z]{30})([0-9A-Za-z]{6})")


def make_key(kind: KeyKind, *, label: str = "") -> str:
    """Return a fresh key with 178 random bits; *label* is up to twelve letters a-z.

    Raises:
        ValueError: If *label* is anything else.
    """
    head = _KINDS[kind] + (f"{label}_" if label else "")
    body = head + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    key = body + _checksum(body)
    if _KEY.fullmatch(key) is None:
        raise ValueError("a key's label takes one to twelve letters a to z")
    return key


def is_well_formed(key: str) -> bool:
    """Return whether *key* has our form and the right checksum; it may still be unknown."""
    match = _KEY.fullmatch(key)
    return match is not None and _checksum(match[1] + match[2]) == match[3]


def kind_of(key: str) -> KeyKind:
    """Return whether a well-formed *key* is secret or publishable."""
    return KeyKind.SECRET if key.startswith("gf_sk_") else KeyKind.PUBLISHABLE


def shown_prefix(key: str) -> str:
    """Return the part of a well-formed *key* that may be shown and logged."""
    head, separator, random = key.rpartition("_")
    return head + separator + random[:_SHOWN_LENGTH]


def hash_of(key: str) -> bytes:
    """Return the SHA-256 of *key*, which is all of it that is stored.

    A key is random, not chosen by a person: there is nothing to guess slowly.
    """
    return hashlib.sha256(key.encode()).digest()


def _checksum(text: str) -> str:
    rest = zlib.crc32(text.encode())
    digits = ""
    for _ in range(_CHECKSUM_LENGTH):
        rest, digit = divmod(rest, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
