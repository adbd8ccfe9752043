"""Who is asking: the key a request came with, and what it may do."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

__all__ = ["Caller", "KeyKind", "Scope"]


class Scope(StrEnum):
    """What a secret key may be allowed to do; a key has exactly those it lists.

    Only `admin` contains the others.
    """

    DECIDE = "decide"
    RULES_READ = "rules:read"
    RULES_WRITE = "rules:write"
    RULES_PUBLISH = "rules:publish"
    ACCOUNTS = "accounts"
    ADMIN = "admin"


class KeyKind(StrEnum):
    """Whether a key is kept on a server or stands in the source of a web page."""

    SECRET = "secret"  # noqa: S105 - a kind of key, not one
    PUBLISHABLE = "publishable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A key that was found valid, without anything secret.

    *person* is whom the audit names. *rule_set* and *origins* bind a publishable key
    and are empty on a secret one. *is_publishable* keys are public and get the narrowed answer.
    """

    key_id: UUID
    kind: KeyKind
    prefix: str
    person: str
    scopes: frozenset[Scope] = frozenset()
    rule_set: str | None = None
    origins: frozenset[str] = frozenset()
    expires_at: datetime | None = None
    is_publishable: bool = field(init=False)

    def __post_init__(self) -> None:
        """Say once what every request asks several times."""
        object.__setattr__(self, "is_publishable", self.kind is KeyKind.PUBLISHABLE)

    def may(self, scope: Scope) -> bool:
        """Return whether this key's scopes contain *scope*."""
        return scope in self.scopes or Scope.ADMIN in self.scopes
