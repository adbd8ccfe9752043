"""Ask for an erasure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.privacy import store
from service.rulesets import Editor
from service.storage import append_audit, to_text
from service.web import Refusal

__all__ = ["ErasureNotFound", "Named", "ask_for", "existing"]

Cause = Literal["request", "notice", "retention"]


class ErasureNotFound(Refusal):
    """No erasure has this id."""

    code: ClassVar[str] = "erasure_not_found"

    def __init__(self) -> None:
        super().__init__("there is no erasure with this id; GET /v1/erasures lists them")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What one person or company is called; at least one of these.

    *identities* are `(system, id)` by which other systems know an account.
    """

    emails: tuple[str, ...] = ()
    external_ids: tuple[str, ...] = ()
    account_keys: tuple[str, ...] = ()
    identities: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Named":
        """Return the names that `to_json` wrote."""
        identities = tuple((system, own) for system, own in stored["identities"])
        texts = {name: tuple(stored[name]) for name in ("emails", "external_ids", "account_keys")}
        return cls(**texts, identities=identities)

    def to_json(self) -> dict[str, Any]:
        """Return all names as JSON members."""
        return asdict(self)

    @property
    def kinds(self) -> list[str]:
        """What it is named by, never the names."""
        words = {
            "email": self.emails,
            "external_id": self.external_ids,
            "account": self.account_keys,
            "identity": self.identities,
        }
        return [kind for kind, names in words.items() if names]


async def ask_for(
    connection: AsyncConnection,
    named: Named,
    *,
    editor: Editor,
    dry_run: bool = False,
    cause: Cause = "request",
) -> Row[Any]:
    """Keep an erasure of *named* for somebody to take up; a *dry_run* only counts."""
    erasure_id = editor.fresh_id()
    await store.add(
        connection,
        {
            "id": erasure_id,
            "cause": cause,
            "known_by": named.kinds,
            "sought": named.to_json(),
            "dry_run": dry_run,
            "state": "queued",
            "step": "accounts",
            "generation": 0,
            "attempts": 0,
            "done": 0,
            "tally": {},
            "asked_by": editor.person,
            "created_at": editor.at,
        },
    )
    await append_audit(
        connection,
        at=editor.at,
        actor=editor.person,
        action="privacy.ask_erasure",
        subject=to_text("era", erasure_id),
        payload={"known_by": named.kinds, "dry_run": dry_run, "cause": cause},
    )
    return await existing(connection, erasure_id)


async def existing(connection: AsyncConnection, erasure_id: UUID) -> Row[Any]:
    """Return an erasure.

    Raises:
        ErasureNotFound: If there is none.
    """
    row = await store.find(connection, erasure_id)
    if row is None:
        raise ErasureNotFound
    return row
