"""Know again whom we have erased: an HMAC of each name, under a key that only we have.

A plain hash of an address is no secret: whoever has a list of addresses can look for it.
"""

import hmac
from collections.abc import Iterator
from hashlib import sha256
from typing import Final

from service.privacy.asking import Named
from service.settings import Settings
from service.storage.personal import Subject
from service.storage.sealing import sealer_of

__all__ = ["mark_of", "marking_key", "marks_of"]

_PURPOSE: Final = "erased subjects"


def marking_key(settings: Settings) -> bytes:
    """Return the key that marks are made with. Raises as `sealer_of`."""
    return sealer_of(settings).key_for(_PURPOSE)


def mark_of(kind: str, name: str, *, key: bytes) -> bytes:
    """Return by what the bearer of *name* is known again; an address in whatever case."""
    said = name.strip().casefold() if kind == "email" else name
    return hmac.digest(key, f"{kind}\0{said}".encode(), sha256)


def marks_of(named: Named, subject: Subject, *, key: bytes) -> set[bytes]:
    """Return the marks of every name that was asked for or found."""
    return {mark_of(kind, name, key=key) for kind, name in _names_of(named, subject)}


def _names_of(named: Named, subject: Subject) -> Iterator[tuple[str, str]]:
    yield from (("email", one) for one in named.emails)
    yield from (("external_id", one) for one in subject.external_ids)
    yield from (("account", one) for one in subject.account_keys)
    yield from (("identity", f"{system}\0{own}") for system, own in subject.identities)
