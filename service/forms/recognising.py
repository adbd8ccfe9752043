"""Who asks again: recognised without a cookie, by what a question brings with it anyway.

Three marks, the strongest first: what names the person (an e-mail address among the
facts), the id that an earlier answer handed out, and where neither is there, the network
neighbourhood. docs/decisions says what that stops and what it does not.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import msgspec

from service.web import UNKNOWN

__all__ = ["Marks", "changes_any", "identities_in", "marks_of"]

_MOST_IDENTITIES: Final = 8
_EMAIL: Final = re.compile(r"[^@\s<>\"]{1,64}@[^@\s<>\"]{1,253}")


class Marks(msgspec.Struct, frozen=True, kw_only=True):
    """What a visitor of the form with *key_id* is recognised by.

    *visit* is the id the page sent. *identities* are hashes. *address* is a neighbourhood;
    it counts only for those who bring nothing else and say something: *by_address*.
    """

    key_id: UUID
    visit: UUID | None
    identities: tuple[bytes, ...]
    address: str
    by_address: bool

    @property
    def names(self) -> list[str]:
        """Names of all that two questions of one visitor have in common, in one order."""
        own = [f"{self.key_id} {one.hex()}" for one in self.identities]
        if self.visit is not None:
            own.append(f"{self.key_id} {self.visit}")
        if self.by_address:
            own.append(f"{self.key_id} {self.address}")
        return sorted(own)


def marks_of(facts: Mapping[str, Any], *, key_id: UUID, visit: UUID | None, address: str) -> Marks:
    """Return the marks of a question with these *facts*, as the rules read them."""
    identities = identities_in(facts, key_id=key_id)
    return Marks(
        key_id=key_id,
        visit=visit,
        identities=identities,
        address=address,
        by_address=not (visit or identities) and bool(facts) and address != UNKNOWN,
    )


def identities_in(facts: Mapping[str, Any], *, key_id: UUID) -> tuple[bytes, ...]:
    """Return hashes, under the key, of every e-mail address among the *facts*.

    A tag (`ann+2@`), case and dots that a mailbox does not tell apart make no other person.
    """
    found: dict[bytes, None] = {}
    for name in sorted(facts):
        value = facts[name]
        if isinstance(value, str) and _EMAIL.fullmatch(value.strip()):
            mailbox = _mailbox(value.strip().casefold())
            found[hashlib.sha256(f"{key_id} {mailbox}".encode()).digest()] = None
    return tuple(found)[:_MOST_IDENTITIES]


def changes_any(known: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    """Return whether *given* says something else of an attribute than was *known*."""
    return any(name in known and _same(known[name]) != _same(given[name]) for name in given)


def _same(value: object) -> object:
    """Return what two spellings of one answer have in common."""
    return value.strip().casefold() if isinstance(value, str) else value


def _mailbox(address: str) -> str:
    name, _, domain = address.rpartition("@")
    name = name.partition("+")[0]
    if domain in {"gmail.com", "googlemail.com"}:
        name, domain = name.replace(".", ""), "gmail.com"
    return f"{name}@{domain}"
