"""Keep what became of leads and accounts; one or a thousand at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.outcomes import store
from service.outcomes.reading import Outcome
from service.rulesets import Editor
from service.storage import append_audit, to_text
from service.web import Fault, Refusal

__all__ = [
    "BadOutcome",
    "Kept",
    "OutcomeConflict",
    "OutcomeNotFound",
    "OutcomeWithdrawn",
    "existing_outcome",
    "record",
    "withdraw",
]


class BadOutcome(Refusal):
    """An outcome cannot be right as it was sent."""

    code: ClassVar[str] = "validation_failed"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("the outcome cannot be right as it was sent; see errors", faults=faults)


class OutcomeConflict(Refusal):
    """The source told something else under this id before."""

    code: ClassVar[str] = "outcome_conflict"


class OutcomeNotFound(Refusal):
    """No outcome has this id."""

    code: ClassVar[str] = "outcome_not_found"


class OutcomeWithdrawn(Refusal):
    """The outcome was withdrawn before."""

    code: ClassVar[str] = "outcome_withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An outcome that is kept: since now, since before, or since before and withdrawn."""

    state: Literal["entered", "repeated", "withdrawn"]
    id: UUID


@dataclass(slots=True)
class _Book:
    """What the database holds that the outcomes are about, and what is new."""

    decisions: set[UUID]
    before: dict[tuple[str, str], Row[Any]]
    fresh: dict[tuple[str, str], tuple[Outcome, UUID]]

    def has_decision_of(self, outcome: Outcome) -> bool:
        return outcome.decision_id is None or outcome.decision_id in self.decisions


async def record(
    connection: AsyncConnection, outcomes: Sequence[Outcome], editor: Editor
) -> list[Kept | Refusal]:
    """Keep *outcomes* and return what became of each, in order.

    One that its source told before is recognised and changes nothing. Of two with one
    source's id, the first counts. What contradicts it, or names a decision that there is
    not, is refused. An account or a lead need not be known yet.
    """
    named = {one.decision_id for one in outcomes if one.decision_id is not None}
    book = _Book(
        decisions=await store.find_decisions(connection, named),
        before=await store.find_by_source(connection, sorted({one.source_id for one in outcomes})),
        fresh={},
    )
    for one in outcomes:
        if book.has_decision_of(one) and one.source_id not in book.before:
            book.fresh.setdefault(one.source_id, (one, editor.fresh_id()))
    rows = [_row(one, outcome_id, editor) for one, outcome_id in book.fresh.values()]
    added = await store.add_outcomes(connection, rows)
    # What somebody else kept between our look and our insert has been committed by now.
    late = [name for name, (_, outcome_id) in book.fresh.items() if outcome_id not in added]
    book.before |= await store.find_by_source(connection, late)
    return [_ending_of(one, book) for one in outcomes]


async def existing_outcome(connection: AsyncConnection, outcome_id: UUID) -> Row[Any]:
    """Return the outcome of this id.

    Raises:
        OutcomeNotFound: If there is none.
    """
    row = await store.find_outcome(connection, outcome_id)
    if row is None:
        raise OutcomeNotFound("there is no outcome with this id; GET /v1/outcomes lists them")
    return row


async def withdraw(
    connection: AsyncConnection, outcome_id: UUID, *, reason: str, editor: Editor
) -> Row[Any]:
    """Let an outcome count nowhere any more, and return it; it stays to be seen.

    The source's own id stays taken: told the same again it is still withdrawn, and the right
    outcome comes under an id of its own.

    Raises:
        OutcomeNotFound: If there is none.
        OutcomeWithdrawn: If it was withdrawn before.
    """
    await existing_outcome(connection, outcome_id)
    if not await store.withdraw_outcome(
        connection, outcome_id, by=editor.person, at=editor.at, reason=reason
    ):
        raise OutcomeWithdrawn("this outcome was withdrawn already; GET it to see why")
    await append_audit(
        connection,
        at=editor.at,
        actor=editor.person,
        action="outcomes.withdraw",
        subject=to_text("out", outcome_id),
        payload={},
    )
    return await existing_outcome(connection, outcome_id)


def _row(outcome: Outcome, outcome_id: UUID, editor: Editor) -> dict[str, object]:
    return {
        "id": outcome_id,
        "external_id": outcome.external_id,
        "decision_id": outcome.decision_id,
        "account_key": outcome.account_key,
        "result": outcome.result,
        "at": outcome.at,
        "opened_at": outcome.opened_at,
        "amount": outcome.amount,
        "owner": outcome.owner,
        "product": outcome.product,
        "source": outcome.source,
        "source_event_id": outcome.event_id,
        "digest": outcome.digest,
        "recorded_at": editor.at,
        "recorded_by": editor.person,
    }


def _ending_of(outcome: Outcome, book: _Book) -> Kept | Refusal:
    if not book.has_decision_of(outcome):
        return _no_decision(outcome)
    before = book.before.get(outcome.source_id)
    if before is not None:
        if before.digest != outcome.digest:
            return _conflict(outcome, before.id)
        return Kept(state="withdrawn" if before.withdrawn_at else "repeated", id=before.id)
    first, outcome_id = book.fresh[outcome.source_id]
    if first.digest != outcome.digest:
        return _conflict(outcome, outcome_id)
    return Kept(state="entered" if outcome is first else "repeated", id=outcome_id)


def _conflict(outcome: Outcome, other: UUID) -> OutcomeConflict:
    words = "the source told something else under this id before; withdraw that, and use a new id"
    pointer = f"{outcome.at_pointer}/event_id"
    fault = Fault(code="outcome_conflict", message=words, pointer=pointer)
    return OutcomeConflict(words, faults=[fault], members={"outcome": to_text("out", other)})


def _no_decision(outcome: Outcome) -> BadOutcome:
    words = "no decision has this id; send the one that `/v1/qualify` answered"
    pointer = f"{outcome.at_pointer}/decision"
    return BadOutcome([Fault(code="unknown_decision", message=words, pointer=pointer)])
