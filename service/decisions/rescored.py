"""Decisions of a rescoring: many at once, each its account's current one from then on."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts import keep_staged, keep_staged_before
from service.decisions import rescored_store
from service.decisions.deciding import Record, decided_columns
from service.decisions.suspended import Under
from service.decisions.telling import tell_staged
from service.rules import Decision

__all__ = ["RESCORING", "keep_rescored", "rescored_record", "source_of"]

RESCORING: Final = "rescoring"
"""The source of a decision that somebody's rescoring made."""

_REQUEST: Final = "request"


def source_of(cause: str) -> str:
    """Return the source of the decisions of a rescoring that *cause* set off."""
    return RESCORING if cause == _REQUEST else cause


def rescored_record(
    decision: Decision,
    under: Under,
    *,
    decision_id: UUID,
    account_id: UUID,
    rule_set: str,
    version: int,
    digest: str,
    source: str = RESCORING,
) -> Record:
    """Return the row to write for an account's *decision*; a person's word is found later.

    *source* is what set it off.
    """
    return Record(
        decided_at=decision.at,
        id=decision_id,
        rule_set=rule_set,
        version=version,
        digest=digest,
        subject="account",
        external_id=None,
        account_id=account_id,
        source=source,
        override_of=None,
        latency_us=None,
        **decided_columns(decision, under),
    )


async def keep_rescored(
    connection: AsyncConnection, lines: Sequence[str], *, with_past: bool = False
) -> set[UUID]:
    """Keep the decisions in *lines* that become how their accounts stand; return all others' ids.

    Those are of accounts that are gone, were erased, or were decided later meanwhile. *with_past*
    keeps the last kind all the same, in its place in the account's history: the newer decision
    stands, and nobody is told.
    """
    if not lines:
        return set()
    await rescored_store.stage(connection, "".join(lines))
    await rescored_store.tell_overrides(connection)
    others = await keep_staged(connection)
    past = [one for one, is_late in others.items() if is_late and with_past]
    await rescored_store.leave_out(connection, others.keys() - set(past))
    await keep_staged_before(connection, past)
    await rescored_store.add_staged(connection)
    await rescored_store.leave_out(connection, past)
    await tell_staged(connection)
    return set(others)
