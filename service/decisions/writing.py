"""Write decisions: what many requests want kept, in one transaction of the caller's.

A decision, the answer under its key and the assessment it changes are kept together or
not at all. Nothing here decides, renders or answers.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts import Assessed, keep_assessment
from service.decisions import store
from service.decisions.comparing import Original
from service.decisions.store import KeptAnswer, Writing
from service.decisions.telling import tell
from service.web import (
    Answer,
    AnswerErased,
    Claim,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    Refusal,
)

__all__ = ["Entry", "ReleasesMoved", "write"]


class ReleasesMoved(Exception):
    """Another version was live at a decision's instant than it was judged by: judge again.

    *decisions* are the ids of all that this is true of.
    """

    def __init__(self, decisions: frozenset[UUID]) -> None:
        super().__init__(f"{len(decisions)} to judge again")
        self.decisions = decisions


class Entry(Writing, frozen=True, kw_only=True):
    """What is to be kept of one decision, and of what that depends.

    *epoch* is that of the releases the version was chosen from, None where it was asked
    for by number. *assessed* is there where it becomes an account's assessment, and
    *original* where versions in the shadow are to judge it too, once it is committed.
    """

    epoch: int | None
    assessed: Assessed | None
    original: Original | None = None


async def write(connection: AsyncConnection, entries: Sequence[Entry]) -> list[Answer | Refusal]:
    """Keep *entries* in the transaction of *connection* and return what each is answered.

    Whose key was used before gets the answer kept under it, or the refusal that the key
    was used for something else; nothing else is kept of it. Send nothing before the
    commit.

    Raises:
        ReleasesMoved: If another version was live when one of them was decided. Roll back.
        IdempotencyInProgress: If one of the keys is being used elsewhere for longer than
            the session's lock timeout. Roll back.
    """
    await _check_live(connection, [entry for entry in entries if entry.epoch is not None])
    answers = await _claim(connection, entries)
    written = [entry for entry, answer in zip(entries, answers, strict=True) if _is_new(answer)]
    if written:
        await store.add_records(connection, [entry.record for entry in written])
    assessed = [entry.assessed for entry in written if entry.assessed is not None]
    # Sorted, so that two transactions never wait for each other's accounts in a ring.
    for one in sorted(assessed, key=lambda one: (one.account_id, one.rule_set, one.at)):
        await keep_assessment(connection, one)
    await tell(connection, [entry.record for entry in written])
    return answers


async def _check_live(connection: AsyncConnection, chosen: Sequence[Entry]) -> None:
    """Check that each of *chosen* was judged by the version that is live at its instant.

    Most releases are of another rule set, or for a later instant: that some were made
    says only that it has to be asked.
    """
    if not chosen or {entry.epoch for entry in chosen} == {await store.read_epoch(connection)}:
        return
    places = {(entry.record.rule_set, entry.record.decided_at) for entry in chosen}
    live = await store.read_live(connection, places)
    records = [entry.record for entry in chosen]
    moved = {one.id for one in records if live.get((one.rule_set, one.decided_at)) != one.version}
    if moved:
        raise ReleasesMoved(frozenset(moved))


def _is_new(answer: Answer | Refusal) -> bool:
    return isinstance(answer, Answer) and not answer.is_replayed


async def _claim(connection: AsyncConnection, entries: Sequence[Entry]) -> list[Answer | Refusal]:
    """Return each entry's answer: its own where its key was free, or it has none."""
    first: dict[tuple[str, bytes], Entry] = {}
    for entry in entries:
        if entry.claim is not None:
            first.setdefault(entry.claim.name, entry)
    if not first:
        return [Answer(body=entry.answer) for entry in entries]
    won = await _add(connection, first)
    lost = [entry.claim.name for entry in entries if entry.claim and entry.claim.name not in won]
    kept = await store.read_answers(connection, lost) if lost else {}
    for name in won:
        entry = first[name]
        if entry.claim is not None:
            kept[name] = KeptAnswer(body_hash=entry.claim.body_hash, body=entry.answer)
    return [
        Answer(body=entry.answer)
        if entry.claim is None or (entry.claim.name in won and first[entry.claim.name] is entry)
        else _repeated(entry.claim, kept)
        for entry in entries
    ]


async def _add(
    connection: AsyncConnection, first: Mapping[tuple[str, bytes], Entry]
) -> set[tuple[str, bytes]]:
    claims: Final[dict[tuple[str, bytes], tuple[Claim, UUID | None, bytes]]] = {
        name: (entry.claim, entry.record.id, entry.answer)
        for name, entry in first.items()
        if entry.claim is not None
    }
    try:
        return await store.add_claims(connection, claims)
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.errors.LockNotAvailable):
            raise IdempotencyInProgress from None
        raise


def _repeated(claim: Claim, kept: Mapping[tuple[str, bytes], KeptAnswer]) -> Answer | Refusal:
    answer = kept.get(claim.name)
    if answer is None:  # it expired between two statements
        return IdempotencyInProgress()
    if answer.body_hash != claim.body_hash:
        return IdempotencyKeyReused()
    if answer.body is None:
        return AnswerErased()
    return Answer(body=answer.body, is_replayed=True)
