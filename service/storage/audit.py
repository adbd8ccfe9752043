"""Who changed what, in a chain: every entry's hash covers the entry before it.

The hash is SHA-256 over, in this order: the hash before (32 bytes, zeros for the first),
`seq` and the instant in microseconds since 1970 (eight bytes each, big-endian, signed),
then actor, action, subject, digest and payload, each as a length in eight bytes and its
UTF-8 bytes; a missing digest has the length -1. Anybody can recompute it from a dump.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.storage.engine import database_refusals
from service.storage.tables.audit import AuditEntryRow, AuditHead

__all__ = ["AuditAnchor", "AuditReport", "ChainBreak", "append_audit", "verify_audit"]
__all__ += ["verify_chain"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_FIRST: Final = bytes(32)
_REPORT_AT_MOST: Final = 100


@dataclass(frozen=True, slots=True)
class AuditAnchor:
    """A point of the chain to write down elsewhere: whoever rewrites the past must match it."""

    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class ChainBreak:
    """One place where the chain does not hold."""

    seq: int
    kind: Literal["changed", "removed", "out_of_place", "cut_off", "past_the_end", "rewritten"]
    message: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What a verification found; at most the first hundred breaks are listed."""

    entries: int
    anchor: AuditAnchor
    breaks: tuple[ChainBreak, ...]

    @property
    def holds(self) -> bool:
        """Say whether every entry is there, in place and unchanged."""
        return not self.breaks


async def append_audit(
    connection: AsyncConnection,
    *,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    payload: Mapping[str, Any],
    digest: str | None = None,
) -> AuditAnchor:
    """Add one entry in the caller's transaction; it is kept exactly when the change is.

    Only one transaction at a time can append, from this call to its end, so append last.

    Args:
        connection: Inside a transaction.
        at: The request's instant, aware.
        actor: Whose key it was: a person or a system, never a lead.
        action: What was done, as `room.verb`: `rulesets.release`.
        subject: What it was done to, by its public id, slug or key.
        payload: What changed, as JSON; no personal data, the chain is never erased.
        digest: The digest of the document concerned, where there is one.
    """
    head = (await connection.execute(select(AuditHead.seq, AuditHead.hash).with_for_update())).one()
    content = json.dumps(
        payload, allow_nan=False, ensure_ascii=False, separators=(",", ":"), sort_keys=True
    ).encode()
    row = {
        "seq": head.seq + 1,
        "at": at,
        "actor": actor,
        "action": action,
        "subject": subject,
        "digest": digest,
        "payload": content,
        "prev_hash": head.hash,
    }
    row["hash"] = _hash(row)
    await connection.execute(insert(AuditEntryRow).values(row))
    await connection.execute(update(AuditHead).values(seq=row["seq"], hash=row["hash"]))
    return AuditAnchor(row["seq"], row["hash"])


async def verify_audit(engine: AsyncEngine, *, anchor: AuditAnchor | None = None) -> AuditReport:
    """Walk the whole chain and return every place where it does not hold.

    Finds changed, removed, swapped and inserted entries, and an end that was cut off. Who
    owns the database can rewrite chain and head together; an *anchor* noted elsewhere
    (from an earlier report) finds that too.

    Raises:
        DatabaseUnavailable: If the database does not answer.
    """
    with database_refusals():
        async with engine.connect() as plain:
            # One snapshot, so that entries appended meanwhile are in neither half.
            connection = await plain.execution_options(isolation_level="REPEATABLE READ")
            head = (await connection.execute(select(AuditHead.seq, AuditHead.hash))).one_or_none()
            walk = _Walk(anchor)
            rows = select(AuditEntryRow.__table__).order_by(AuditEntryRow.seq)
            async with connection.stream(rows, execution_options={"yield_per": 500}) as found:
                async for row in found.mappings():
                    walk.step(row)
            await connection.rollback()
    walk.end(AuditAnchor(head.seq, head.hash) if head is not None else None)
    return AuditReport(walk.entries, walk.last, tuple(walk.breaks[:_REPORT_AT_MOST]))


def verify_chain(
    rows: Iterable[Mapping[Any, Any]],
    head: AuditAnchor | None,
    *,
    anchor: AuditAnchor | None = None,
) -> AuditReport:
    """Walk a chain whose entries come in order, wherever they were read; see `verify_audit`."""
    walk = _Walk(anchor)
    for row in rows:
        walk.step(row)
    walk.end(head)
    return AuditReport(walk.entries, walk.last, tuple(walk.breaks[:_REPORT_AT_MOST]))


class _Walk:
    """The state of one verification: where the chain stands and what was found so far."""

    def __init__(self, anchor: AuditAnchor | None) -> None:
        self.anchor = anchor
        self.last = AuditAnchor(0, _FIRST)
        self.entries = 0
        self.breaks: list[ChainBreak] = []

    def step(self, row: Mapping[Any, Any]) -> None:
        """Judge the next entry against the one before it."""
        self.entries += 1
        seq: int = row["seq"]
        if seq != self.last.seq + 1:
            self._note(seq - 1, "removed", f"entries {self.last.seq + 1} to {seq - 1} are gone")
        elif row["prev_hash"] != self.last.hash:
            self._note(seq, "out_of_place", f"entry {seq} does not follow entry {self.last.seq}")
        if _hash(row) != row["hash"]:
            self._note(seq, "changed", f"entry {seq} is not what was written")
        if self.anchor is not None and seq == self.anchor.seq and row["hash"] != self.anchor.hash:
            self._note(seq, "rewritten", f"entry {seq} differs from the anchor")
        self.last = AuditAnchor(seq, row["hash"])

    def end(self, head: AuditAnchor | None) -> None:
        """Judge the end of the chain against its head and the anchor."""
        seq = self.last.seq
        if head is None:
            self._note(seq, "cut_off", "the head of the chain is gone")
        elif seq < head.seq:
            self._note(head.seq, "cut_off", f"entries {seq + 1} to {head.seq} are gone")
        elif seq > head.seq:
            self._note(seq, "past_the_end", f"entries {head.seq + 1} to {seq} were added unseen")
        elif self.last.hash != head.hash:
            self._note(seq, "changed", f"entry {seq} is not the one the head names")
        if self.anchor is not None and seq < self.anchor.seq:
            self._note(self.anchor.seq, "cut_off", f"the anchor's entry {self.anchor.seq} is gone")

    def _note(
        self,
        seq: int,
        kind: Literal["changed", "removed", "out_of_place", "cut_off", "past_the_end", "rewritten"],
        message: str,
    ) -> None:
        if len(self.breaks) < _REPORT_AT_MOST:
            self.breaks.append(ChainBreak(seq, kind, message))


def _hash(row: Mapping[Any, Any]) -> bytes:
    """Return the hash that an entry with these columns must have; see the module's words."""
    summed = hashlib.sha256(row["prev_hash"])
    summed.update(row["seq"].to_bytes(8, "big", signed=True))
    summed.update(((row["at"] - _EPOCH) // _MICROSECOND).to_bytes(8, "big", signed=True))
    for column in ("actor", "action", "subject", "digest", "payload"):
        value = row[column]
        content = value.encode() if isinstance(value, str) else value
        length = -1 if content is None else len(content)
        summed.update(length.to_bytes(8, "big", signed=True))
        summed.update(content or b"")
    return summed.digest()
