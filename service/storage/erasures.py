"""Ask for an erasure, from any floor: it is kept in the caller's transaction and worked off later.

The privacy room does the work. A name is kept only until that is done.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.storage.audit import append_audit
from service.storage.ids import to_text
from service.storage.tables import ErasureRow

__all__ = ["Named", "ask_to_erase"]


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


async def ask_to_erase(
    connection: AsyncConnection,
    named: Named,
    *,
    erasure_id: UUID,
    person: str,
    at: datetime,
    cause: Literal["request", "notice"],
    dry_run: bool = False,
) -> None:
    """Keep an erasure of *named* for somebody to take up; a *dry_run* only counts.

    A *notice* is another system's word. Appends to the audit, so ask last.
    """
    values = {
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
        "asked_by": person,
        "created_at": at,
    }
    await connection.execute(insert(ErasureRow).values(**values))
    await append_audit(
        connection,
        at=at,
        actor=person,
        action="privacy.ask_erasure",
        subject=to_text("era", erasure_id),
        payload={"known_by": named.kinds, "dry_run": dry_run, "cause": cause},
    )
