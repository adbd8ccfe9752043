"""What a vendor's record should say of a decision: worked out, and kept until it does."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.intake import write_store
from service.intake.asking_for_leads import kind_of
from service.intake.connecting import Connection
from service.intake.connection_document import TargetDocument
from service.intake.reading import Said
from service.storage import to_text
from service.web import rfc3339

__all__ = ["is_change", "values_of", "want_of_accounts", "want_of_leads"]

# They differ with every decision, and alone are no reason to write one down.
_INCIDENTAL: Final = frozenset({"decision", "version", "decided_at"})


def values_of(row: Row[Any], target: TargetDocument) -> dict[str, Any]:
    """Return the values of the target's properties, by what each tells; a score by its value."""
    told: dict[str, Any] = {
        "verdict": row.verdict,
        "outcome": row.outcome,
        "decision": to_text("dec", row.id),
        "version": str(row.version),
        "decided_at": rfc3339(row.decided_at),
    }
    for name, score in (row.scores or {}).items():
        told[f"score:{name}"] = score["value"]
    return {name: told.get(name) for name in target.properties}


def is_change(wanted: Mapping[str, Any], written: Mapping[str, Any] | None) -> bool:
    """Return whether there is something to write that anybody would read."""
    if written is None:
        return True
    names = (wanted.keys() | written.keys()) - _INCIDENTAL
    return any(wanted.get(name) != written.get(name) for name in names)


async def want_of_leads(
    connection: AsyncConnection,
    known: Connection,
    decided: Sequence[tuple[Said, UUID]],
    *,
    at: datetime,
) -> None:
    """Have decisions on leads written to the records that they came from."""
    targets = known.resolved.writes.targets
    for said, decision_id in decided:
        kind = kind_of(said, known)
        for target in targets:
            if said.identity is None or (target.rule_set, target.object) != (
                kind.rule_set,
                kind.reads,
            ):
                continue
            row = await write_store.find_decision(connection, decision_id)
            if row is not None:
                await _want(connection, known, target, said.identity[1], row, at=at)


async def want_of_accounts(
    connection: AsyncConnection, known: Connection, *, at: datetime, most: int
) -> int:
    """Have assessments written to their accounts' records that are not yet; return how many."""
    count = 0
    objects = {
        kind.reads
        for kind in known.resolved.map.kinds.values()
        if kind and kind.subject == "account"
    }
    for target in known.resolved.writes.targets:
        if target.object not in objects:
            continue
        rows = await write_store.list_moved(
            connection,
            known.id,
            system=known.resolved.map.system,
            rule_set=target.rule_set,
            record=target.object,
            most=most,
        )
        for row in rows:
            await _want(connection, known, target, row.external_id, row, at=at)
        count += len(rows)
    return count


async def _want(
    connection: AsyncConnection,
    known: Connection,
    target: TargetDocument,
    external_id: str,
    row: Row[Any],
    *,
    at: datetime,
) -> None:
    before = await write_store.find_write(connection, known.id, target.object, external_id)
    wanted = values_of(row, target)
    written = None if before is None else before.written
    is_new = is_change(wanted, written)
    await write_store.want(
        connection,
        connection_id=known.id,
        record=target.object,
        external_id=external_id,
        decision_id=row.id,
        wanted=wanted,
        state="waiting" if is_new else "written",
        at=at,
    )
