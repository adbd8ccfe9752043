"""Make, change and remove connections: fetch, judge, keep, tell."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final
from uuid import UUID

import orjson
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.delivery import Reach, reach_of
from service.intake import store
from service.intake.connection_document import (
    ConnectionDocument,
    ConnectionSent,
    Resolved,
    SecretsSent,
    check_secrets,
    resolve,
)
from service.intake.map_document import merged
from service.settings import Settings
from service.storage import SealingKeyUnusable, append_audit, sealer_of, to_text
from service.web import House, Refusal, check_match, etag_of

__all__ = [
    "Connection",
    "ConnectionExists",
    "ConnectionNotFound",
    "change",
    "connect",
    "connection_of",
    "disconnect",
    "existing",
    "is_token_of",
    "members_of",
    "secrets_of",
]

_TOKEN_BYTES: Final = 24
_PLAIN: Final = frozenset({"authentication", "map", "path_token", "public_url", "writes"})


class ConnectionNotFound(Refusal):
    """No connection has this id."""

    code: ClassVar[str] = "connection_not_found"

    def __init__(self) -> None:
        super().__init__("there is no connection with this id; GET /v1/connections lists them")


class ConnectionExists(Refusal):
    """Another connection has this name."""

    code: ClassVar[str] = "connection_exists"


class SecretsUnreadable(Refusal):
    """A connection's secrets were sealed with another key than this deployment has."""

    code: ClassVar[str] = "secrets_unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A stored connection with its secrets, ready to work. *token* is there when it was made."""

    row: Row[Any]
    resolved: Resolved
    secrets: Mapping[str, Any] = field(repr=False)
    reach: Reach
    token: str | None = field(default=None, repr=False)

    @property
    def id(self) -> UUID:
        """Its id."""
        found: UUID = self.row.id
        return found

    @property
    def name(self) -> str:
        """Its name, which is the source of what is known through it."""
        found: str = self.row.name
        return found

    @property
    def signing(self) -> tuple[str, ...]:
        """The secrets by which deliveries are verified."""
        return tuple(self.secrets.get("signing", ()))


async def connect(
    connection: AsyncConnection, sent: ConnectionSent, *, house: House, person: str
) -> Connection:
    """Make a connection.

    Raises:
        InvalidConnection: If it could not work.
        ConnectionExists: If its name is taken.
    """
    document = ConnectionDocument.model_validate(members_of(sent))
    resolved = resolve(sent.preset, document)
    secrets = secrets_of(sent.secrets)
    check_secrets(resolved, secrets)
    now = house.clock()
    connection_id = house.new_uuid(now)
    token = house.randomness(_TOKEN_BYTES).hex() if resolved.has_path_token else None
    values = {
        "id": connection_id,
        "name": sent.name,
        "preset": sent.preset,
        "document": members_of(sent),
        "secrets": _sealed(secrets, connection_id, house.settings),
        "path_token_hash": None if token is None else _hash(token),
        "row_version": 1,
        "created_at": now,
        "created_by": person,
        "updated_at": now,
    }
    if not await store.add(connection, values):
        words = "there is a connection with this name; change that one, or take another name"
        raise ConnectionExists(words)
    told = sorted(members_of(sent))
    await _tell(connection, "connections.create", connection_id, house=house, by=person, told=told)
    row = await existing(connection, connection_id)
    return Connection(
        row=row,
        resolved=resolved,
        secrets=secrets,
        reach=reach_of(house.settings),
        token=token,
    )


async def change(
    connection: AsyncConnection,
    connection_id: UUID,
    sent: Mapping[str, Any],
    *,
    is_whole: bool = False,
    secrets: SecretsSent | None,
    new_token: bool = False,
    if_match: str | None = None,
    house: House,
    person: str,
) -> Connection:
    """Change a connection by a JSON merge patch on its document; secrets that are given replace.

    Where *sent* is the *whole* document, it takes the place of the one that was there.

    Raises:
        ConnectionNotFound: If there is none.
        Clash: If somebody changed it since the state of *if_match*.
        InvalidConnection: If it could not work afterwards.
    """
    row = await existing(connection, connection_id, locked=True)
    if if_match is not None:
        check_match(if_match, etag_of(row.row_version))
    patched = sent if is_whole else merged(row.document, sent)
    document = {name: value for name, value in patched.items() if value is not None}
    resolved = resolve(row.preset, ConnectionDocument.model_validate(document))
    kept = dict(_opened(row, house.settings))
    if secrets is not None:
        kept |= secrets_of(secrets)
    check_secrets(resolved, kept)
    values: dict[str, object] = {"document": document, "updated_at": house.clock()}
    token = None
    if secrets is not None:
        values["secrets"] = _sealed(kept, connection_id, house.settings)
    if resolved.has_path_token and (new_token or row.path_token_hash is None):
        token = house.randomness(_TOKEN_BYTES).hex()
        values["path_token_hash"] = _hash(token)
    elif not resolved.has_path_token:
        values["path_token_hash"] = None
    await store.change(connection, connection_id, **values)
    names = document.keys() | row.document.keys() if is_whole else sent.keys()
    told = [one for one in names if not is_whole or document.get(one) != row.document.get(one)]
    told += ["secrets"] if secrets is not None and (not is_whole or secrets_of(secrets)) else []
    await _tell(
        connection, "connections.change", connection_id, house=house, by=person, told=sorted(told)
    )
    row = await existing(connection, connection_id)
    return Connection(
        row=row,
        resolved=resolved,
        secrets=kept,
        reach=reach_of(house.settings),
        token=token,
    )


async def disconnect(
    connection: AsyncConnection, connection_id: UUID, *, house: House, person: str
) -> None:
    """Remove a connection, its secrets, and everything it sent; what became of it stays.

    Raises:
        ConnectionNotFound: If there is none.
    """
    if not await store.remove(connection, connection_id):
        raise ConnectionNotFound
    await _tell(connection, "connections.remove", connection_id, house=house, by=person, told=[])


async def existing(
    connection: AsyncConnection, connection_id: UUID, *, locked: bool = False
) -> Row[Any]:
    """Return the row of a connection.

    Raises:
        ConnectionNotFound: If there is none.
    """
    row = await store.find(connection, connection_id, locked=locked)
    if row is None:
        raise ConnectionNotFound
    return row


def connection_of(row: Row[Any], settings: Settings) -> Connection:
    """Return a stored connection, ready to work.

    Raises:
        SecretsUnreadable: If its secrets were sealed with another key.
    """
    resolved = resolve(row.preset, ConnectionDocument.model_validate(row.document))
    secrets = _opened(row, settings)
    return Connection(row=row, resolved=resolved, secrets=secrets, reach=reach_of(settings))


def is_token_of(row: Row[Any], token: str | None) -> bool:
    """Return whether an address that holds *token* is the connection's."""
    if row.path_token_hash is None:
        return token is None
    return token is not None and hmac.compare_digest(row.path_token_hash, _hash(token))


def members_of(sent: ConnectionDocument) -> dict[str, Any]:
    """Return a connection's document as it is kept: what was said, and nothing else."""
    told: dict[str, Any] = sent.model_dump(include=set(_PLAIN), exclude_unset=True, mode="json")
    return {name: value for name, value in told.items() if value is not None}


def secrets_of(secrets: SecretsSent) -> dict[str, Any]:
    """Return the secrets that were given, by name."""
    told: dict[str, Any] = secrets.model_dump(exclude_unset=True)
    return {name: value for name, value in told.items() if value}


def _sealed(secrets: Mapping[str, Any], connection_id: UUID, settings: Settings) -> bytes | None:
    if not secrets:
        return None
    return sealer_of(settings).seal(orjson.dumps(secrets), about=f"connection:{connection_id}")


def _opened(row: Row[Any], settings: Settings) -> Mapping[str, Any]:
    if row.secrets is None:
        return {}
    try:
        opened = sealer_of(settings).open(row.secrets, about=f"connection:{row.id}")
    except SealingKeyUnusable as error:
        raise SecretsUnreadable(f"this connection's secrets cannot be read here: {error}") from None
    secrets: Mapping[str, Any] = orjson.loads(opened)
    return secrets


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def _tell(
    connection: AsyncConnection,
    action: str,
    connection_id: UUID,
    *,
    house: House,
    by: str,
    told: list[str],
) -> None:
    """Add the change to the audit chain: which members, never what they say."""
    await append_audit(
        connection,
        at=house.clock(),
        actor=by,
        action=action,
        subject=to_text("con", connection_id),
        payload={"members": told},
    )
