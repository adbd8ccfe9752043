"""Enter events into the ledger: fetch, judge, keep, tell; one or a thousand at a time."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts import ledger_store, parked_store
from service.accounts.due_store import Cause, mark_due
from service.accounts.entries import Entry, Told, Wrong
from service.web import Fault, rfc3339

__all__ = ["Addressed", "Case", "Clerk", "Ending", "content_of", "mark_entered", "record"]

State = Literal["entered", "repeated", "parked", "dropped", "conflict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clerk:
    """Who enters, and when."""

    person: str
    now: datetime
    new_uuid: Callable[[datetime], UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressed:
    """Whose an event is: an account's by its key, or by its identity in another system."""

    key: str | None = None
    identity: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One event on its way into the ledger. *at* is the pointer to it in what was sent."""

    told: Told
    of: Addressed
    read: Entry | Wrong
    at: str = ""

    @property
    def source_id(self) -> tuple[str, str]:
        """What tells this event from every other one."""
        return self.told.source, self.told.event_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What became of a case.

    `entered` and `repeated` name the entry; `parked` and `dropped` the parked event and
    its reasons; `conflict` says that the source told something else under this id before.
    *account_id* is whose ledger has grown by it.
    """

    state: State
    event_id: UUID | None = None
    parked_id: UUID | None = None
    reasons: tuple[Fault, ...] = ()
    account_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database holds that the cases are about."""

    by_key: Mapping[str, Row[Any]]
    by_identity: Mapping[tuple[str, str], Row[Any]]
    entered: Mapping[tuple[str, str], Row[Any]]
    parked: Mapping[tuple[str, str], Row[Any]]

    def account_of(self, case: Case) -> Row[Any] | None:
        if case.of.identity is not None:
            return self.by_identity.get(case.of.identity)
        return None if case.of.key is None else self.by_key.get(case.of.key)


async def record(connection: AsyncConnection, cases: Sequence[Case], clerk: Clerk) -> list[Ending]:
    """Enter what can be entered, park the rest, and return what became of each, in order.

    An event that its source told before is recognised and changes nothing. Of two in
    *cases* with one source's id, the first counts.
    """
    known = await _look_up(connection, cases)
    firsts = {case.source_id: case for case in reversed(cases)}
    endings: dict[tuple[str, str], Ending] = {}
    to_enter: dict[tuple[str, str], tuple[Case, UUID]] = {}
    to_park: dict[tuple[str, str], tuple[Case, Wrong]] = {}
    for name, case in firsts.items():
        account = known.account_of(case)
        before = known.entered.get(name)
        if before is not None:
            endings[name] = _compared(case, account, before)
        elif _is_dropped(case, known.parked.get(name)):
            endings[name] = _still_dropped(known.parked[name])
        elif account is None or isinstance(case.read, Wrong):
            to_park[name] = case, _all_wrong(case, account)
        else:
            to_enter[name] = case, account.id
    endings |= await _enter(connection, to_enter, known, clerk)
    endings |= await _park(connection, to_park, clerk)
    return [_ending_of(case, firsts[case.source_id], endings, known) for case in cases]


async def mark_entered(
    connection: AsyncConnection, endings: Iterable[Ending], *, cause: Cause
) -> None:
    """Have the accounts assessed whose ledgers have grown; last of all in a transaction."""
    accounts = {ending.account_id for ending in endings if ending.account_id is not None}
    await mark_due(connection, accounts, cause=cause)


def content_of(case: Case) -> str:
    """Return an event as parked events keep it: JSON text, the same for the same event.

    Exact numbers stand in it as texts, which are read as the same numbers.
    """
    told = case.told
    whose: dict[str, object] = {"account": case.of.key}
    if case.of.identity is not None:
        system, external_id = case.of.identity
        whose = {"identity": {"system": system, "id": external_id}}
    content = whose | {
        "kind": told.kind,
        "at": rfc3339(told.at),
        "quantities": dict(told.quantities),
        "source": told.source,
        "event_id": told.event_id,
    }
    if told.currency is not None:
        content["currency"] = told.currency
    return json.dumps(content, ensure_ascii=False, sort_keys=True, default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise AssertionError("an event consists of JSON values and exact numbers")


async def _look_up(connection: AsyncConnection, cases: Sequence[Case]) -> _Known:
    ids = sorted({case.source_id for case in cases})
    by_key, by_identity = await ledger_store.find_accounts(
        connection,
        keys={case.of.key for case in cases if case.of.key is not None},
        identities={case.of.identity for case in cases if case.of.identity is not None},
    )
    entered = await ledger_store.find_by_source(connection, ids)
    parked = await parked_store.find_parked_by_source(connection, ids)
    return _Known(by_key, by_identity, entered, parked)


def _compared(case: Case, account: Row[Any] | None, before: Row[Any]) -> Ending:
    """Say whether *before*, which is entered, is the same event."""
    is_same = (
        isinstance(case.read, Entry)
        and account is not None
        and account.stands == before.stands
        and case.read.digest == before.digest
    )
    return Ending(state="repeated" if is_same else "conflict", event_id=before.id)


def _is_dropped(case: Case, parked: Row[Any] | None) -> bool:
    return parked is not None and parked.state == "dropped" and parked.content == content_of(case)


def _still_dropped(parked: Row[Any]) -> Ending:
    reasons = tuple(Fault(**reason) for reason in parked.reasons)
    return Ending(state="dropped", parked_id=parked.id, reasons=reasons)


def _all_wrong(case: Case, account: Row[Any] | None) -> Wrong:
    wrong = case.read if isinstance(case.read, Wrong) else Wrong(faults=(), gaps=())
    if account is not None:
        return wrong
    place = "account" if case.of.identity is None else "identity"
    words = "no account is known by this; PUT the account, or the identity, and replay the event"
    gap = Fault(code="unknown_account", message=words, pointer=f"{case.at}/{place}")
    return replace(wrong, gaps=(gap, *wrong.gaps))


async def _enter(
    connection: AsyncConnection,
    to_enter: Mapping[tuple[str, str], tuple[Case, UUID]],
    known: _Known,
    clerk: Clerk,
) -> dict[tuple[str, str], Ending]:
    rows = {name: _row(case, account, clerk) for name, (case, account) in to_enter.items()}
    added = await ledger_store.add_entries(connection, list(rows.values()))
    endings: dict[tuple[str, str], Ending] = {}
    was_parked: dict[UUID, UUID] = {}
    for name, row in rows.items():
        if row["id"] in added:
            account_id = row["account_id"]
            endings[name] = Ending(state="entered", event_id=row["id"], account_id=account_id)
            if name in known.parked:
                was_parked[known.parked[name].id] = row["id"]
    await parked_store.close_parked(connection, was_parked, by=clerk.person)
    # Somebody else entered these between our look and our insert, and has committed by now.
    late = [name for name in rows if name not in endings]
    others = await ledger_store.find_by_source(connection, late)
    for name in late:
        case = to_enter[name][0]
        endings[name] = _compared(case, known.account_of(case), others[name])
    return endings


def _row(case: Case, account_id: UUID, clerk: Clerk) -> dict[str, Any]:
    entry = case.read
    if isinstance(entry, Wrong):
        raise AssertionError("what is wrong is parked, not entered")  # noqa: TRY004 - a bug
    return {
        "id": clerk.new_uuid(clerk.now),
        "account_id": account_id,
        "kind": entry.kind,
        "at": entry.at,
        "amount": entry.amount,
        "quantities": dict(entry.quantities),
        "source": entry.source,
        "source_event_id": entry.event_id,
        "digest": entry.digest,
        "recorded_at": clerk.now,
        "recorded_by": clerk.person,
    }


async def _park(
    connection: AsyncConnection,
    to_park: Mapping[tuple[str, str], tuple[Case, Wrong]],
    clerk: Clerk,
) -> dict[tuple[str, str], Ending]:
    reasons = {name: (*wrong.faults, *wrong.gaps) for name, (_, wrong) in to_park.items()}
    rows = [
        {
            "id": clerk.new_uuid(clerk.now),
            "source": case.told.source,
            "source_event_id": case.told.event_id,
            "content": content_of(case),
            "reasons": [
                replace(fault, pointer=(fault.pointer or "").removeprefix(case.at)).to_json()
                for fault in reasons[name]
            ],
            "state": "parked",
            "first_at": clerk.now,
            "last_at": clerk.now,
            "parked_by": clerk.person,
        }
        for name, (case, _) in to_park.items()
    ]
    kept = await parked_store.add_parked(connection, rows)
    return {
        name: Ending(state=kept[name].state, parked_id=kept[name].id, reasons=reasons[name])
        for name in to_park
    }


def _ending_of(
    case: Case,
    first: Case,
    endings: Mapping[tuple[str, str], Ending],
    known: _Known,
) -> Ending:
    """Return a case's own ending; one that repeats an earlier case is held against that."""
    ending = endings[case.source_id]
    if case is first:
        return ending
    if content_of(case) == content_of(first):
        return replace(ending, state="repeated") if ending.state == "entered" else ending
    one, other = known.account_of(case), known.account_of(first)
    is_same = (
        isinstance(case.read, Entry)
        and isinstance(first.read, Entry)
        and case.read.digest == first.read.digest
        and one is not None
        and other is not None
        and one.stands == other.stands
    )
    if is_same:
        return replace(ending, state="repeated") if ending.state == "entered" else ending
    return Ending(state="conflict", event_id=ending.event_id, parked_id=ending.parked_id)
