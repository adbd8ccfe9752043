"""Make keys and take them back: the key is shown once, only its hash is kept."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage import append_audit, to_text
from service.web import key_store
from service.web.caller import KeyKind, Scope
from service.web.key_schemas import KeyAsked
from service.web.keys import hash_of, make_key, shown_prefix
from service.web.refusals import Fault, Refusal

__all__ = ["KeyNotFound", "LastAdminKey", "MadeKey", "give_key", "take_key_back"]


class KeyNotFound(Refusal):
    """No key has this id."""

    code: ClassVar[str] = "key_not_found"


class LastAdminKey(Refusal):
    """Nobody could make keys any more."""

    code: ClassVar[str] = "last_admin_key"


class RuleSetUnknown(Refusal):
    """A publishable key would be bound to a rule set that is not there."""

    code: ClassVar[str] = "validation_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeKey:
    """A key that was just made: *key* itself, and its row without the hash."""

    key: str
    row: Row[Any]


async def give_key(
    connection: AsyncConnection,
    asked: KeyAsked,
    *,
    key_id: UUID,
    by: str,
    at: datetime,
    label: str = "",
) -> MadeKey:
    """Make the key that was *asked* for and keep its hash, with an entry in the audit.

    *by* is the person who makes it; *label* stands in the key for people to see, as in
    `gf_sk_demo_...`. Tell nobody the key before the transaction is committed.

    Raises:
        RuleSetUnknown: If it is to be bound to a rule set that does not exist.
    """
    if asked.rule_set is not None and not await key_store.has_rule_set(connection, asked.rule_set):
        words = "there is no such rule set; create it first"
        fault = Fault(code="unknown", message=words, pointer="/rule_set")
        raise RuleSetUnknown(f"the key cannot be bound; {words}", faults=[fault])
    key = make_key(KeyKind(asked.kind), label=label)
    values = {
        "id": key_id,
        "prefix": shown_prefix(key),
        "sha256": hash_of(key),
        "kind": asked.kind,
        "name": asked.name,
        "person": asked.person,
        "scopes": sorted(set(asked.scopes)),
        "rule_set": asked.rule_set,
        "origins": sorted(set(asked.origins)),
        "created_at": at,
        "created_by": by,
        "expires_at": asked.expires_at,
    }
    await key_store.add_key(connection, values)
    row = await _existing(connection, key_id)
    await append_audit(
        connection,
        at=at,
        actor=by,
        action="keys.create",
        subject=to_text("key", key_id),
        payload={name: values[name] for name in _TOLD},
    )
    return MadeKey(key=key, row=row)


_TOLD = ("prefix", "kind", "name", "person", "scopes", "rule_set", "origins")


async def take_key_back(
    connection: AsyncConnection, key_id: UUID, *, by: str, at: datetime
) -> None:
    """Revoke a key, with an entry in the audit; one that is revoked already stays as it is.

    Raises:
        KeyNotFound: If there is none with this id.
        LastAdminKey: If no other valid key has the scope `admin`.
    """
    row = await _existing(connection, key_id)
    if row.revoked_at is not None:
        return
    is_admin = Scope.ADMIN in row.scopes
    if is_admin and not await key_store.count_other_admins(connection, key_id):
        words = "this is the last key with the scope `admin`; make another one first"
        raise LastAdminKey(words)
    await key_store.revoke_key(connection, key_id, by=by)
    await append_audit(
        connection,
        at=at,
        actor=by,
        action="keys.revoke",
        subject=to_text("key", key_id),
        payload={"prefix": row.prefix},
    )


async def _existing(connection: AsyncConnection, key_id: UUID) -> Row[Any]:
    row = await key_store.read_key(connection, key_id)
    if row is None:
        raise KeyNotFound("there is no key with this id; list them with GET /v1/keys")
    return row
