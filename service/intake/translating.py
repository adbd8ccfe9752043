"""Read a delivery by its connection's map, and have what it says take effect: once.

Everything that an item changes is committed together with the mark that it was seen. So a
delivery may be read again, by a worker that comes after one that died, or by a person who
corrected the map: what had its effect has no second one.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts import AccountEditor, Line, News, find_bearers, keep_many
from service.decisions import (
    Desk,
    Draft,
    Ending,
    Entry,
    count_kept,
    keep_decisions,
    settle,
)
from service.intake import delivery_store, lead_store, store
from service.intake.asking_for_leads import case_of, is_lead, why_not
from service.intake.connecting import Connection, connection_of
from service.intake.erasing import ask_to_erase
from service.intake.fetching import Fetch, fetch_whole
from service.intake.reading import Erasure, Read, Said, Skipped, Unmapped
from service.intake.reading_deliveries import read_delivery
from service.intake.troubles import tell_trouble
from service.intake.vendor_http import VendorUnavailable
from service.intake.wanting import want_of_leads
from service.intake.writing_back import ask_to_write
from service.storage import Job, defer, transaction
from service.web import Answer, House, Refusal

__all__ = ["ask_to_translate", "translate"]

_PROBLEMS_KEPT: Final = 100


@dataclass(slots=True)
class _Outcome:
    """What the items of one delivery came to; *undone* are events that had no effect yet."""

    tally: Counter[str] = field(default_factory=Counter)
    problems: list[dict[str, Any]] = field(default_factory=list)
    undone: set[bytes] = field(default_factory=set)

    def fail(self, one: Said | Unmapped, code: str, message: str, pointer: str) -> None:
        """Say that an item could not take effect; read again, it may."""
        self.tally["unmapped"] += 1
        if isinstance(one, Said) and one.event is not None:
            self.undone.add(one.event)
        if len(self.problems) < _PROBLEMS_KEPT:
            told = {"item": one.place, "code": code, "message": message, "pointer": pointer}
            self.problems.append(told)


async def ask_to_translate(
    connection: AsyncConnection, delivery_id: UUID, *, at: datetime | None = None
) -> None:
    """Have a delivery read once this transaction is committed, now or not before *at*."""
    await defer(connection, Job.TRANSLATE_INTAKE, {"delivery": str(delivery_id)}, schedule_at=at)


async def translate(desk: Desk, delivery_id: UUID, *, fetch: Fetch = fetch_whole) -> None:
    """Read the delivery and let it take effect; nothing happens where that was done already.

    Where a vendor that has the rest of it cannot be asked now, it is read again when it can.

    Raises:
        DatabaseUnavailable: If that cannot be done now; ask again later.
    """
    house = desk.house
    async with transaction(house.engine) as connection:
        row = await delivery_store.lock_waiting(connection, delivery_id, is_held=False)
        stored = None if row is None else await store.find(connection, row.connection_id)
    if row is None or stored is None:
        return
    known = connection_of(stored, house.settings)
    found = await read_delivery(row, known, now=house.clock())
    try:
        found = await fetch(found, known, house=house)
    except VendorUnavailable as later:
        await _wait(delivery_id, known, later, house=house)
        return
    leads = sorted(
        (
            one
            for one in found
            if isinstance(one, Said) and is_lead(one, known) and not why_not(one, known)
        ),
        key=lambda one: one.at or row.received_at,
    )

    async def commit(drafts: Sequence[Draft]) -> None:
        async with transaction(house.engine) as connection:
            if await delivery_store.lock_waiting(connection, delivery_id, is_held=True) is None:
                return
            drafted = {id(said): draft for said, draft in zip(leads, drafts, strict=True)}
            work = _Work(
                connection=connection,
                known=known,
                house=house,
                delivery_id=delivery_id,
                received_at=row.received_at,
                outcome=_Outcome(),
                drafted=drafted,
            )
            endings = await work.keep(found)
            await _finish(connection, delivery_id, work)
            if known.resolved.writes.targets:
                await ask_to_write(connection, known.id)
        kept = [draft for draft, _ in endings]
        count_kept(kept, [ending for _, ending in endings], desk)

    cases = [case_of(said, known, house=house, delivery_id=delivery_id) for said in leads]
    await settle(cases, desk, commit=commit)


async def _wait(
    delivery_id: UUID, known: Connection, later: VendorUnavailable, *, house: House
) -> None:
    """Have a delivery read again when its vendor can be asked, and say if that is trouble."""
    async with transaction(house.engine) as connection:
        await ask_to_translate(connection, delivery_id, at=house.clock() + later.wait)
        if not later.is_usual:
            await tell_trouble(connection, known, why=later.words, house=house)


async def _finish(connection: AsyncConnection, delivery_id: UUID, work: "_Work") -> None:
    """Say of a delivery what it came to, and of its connection if it needs somebody."""
    problems = work.outcome.problems
    await delivery_store.set_state(
        connection,
        delivery_id,
        state="parked" if problems else "done",
        tally=dict(work.outcome.tally),
        problems=problems or None,
        translated_at=work.house.clock(),
    )
    if problems:
        words = "a delivery could not be read whole; look at its parked deliveries"
        await tell_trouble(connection, work.known, why=words, house=work.house)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """The transaction in which a delivery takes effect; *drafted* are its leads' decisions."""

    connection: AsyncConnection
    known: Connection
    house: House
    delivery_id: UUID
    received_at: datetime
    outcome: _Outcome
    drafted: Mapping[int, Draft]

    async def keep(self, found: Sequence[Read]) -> list[tuple[Draft, Ending]]:
        """Keep what is news among *found*; return how the decisions ended."""
        self.outcome.tally["items"] = len(found)
        for one in found:
            if isinstance(one, Skipped):
                self.outcome.tally[f"skipped_{one.why}"] += 1
            elif isinstance(one, Unmapped):
                self.outcome.fail(one, one.code, one.message, one.pointer)
        told = [one for one in found if isinstance(one, Said | Erasure)]
        events = {one.event for one in told if one.event is not None}
        fresh = await delivery_store.mark_seen(
            self.connection, self.known.id, events, at=self.house.clock()
        )
        unused = set(fresh)
        news = [one for one in told if self._is_news(one, unused)]
        said = [one for one in news if isinstance(one, Said)]
        accounts = [one for one in said if not is_lead(one, self.known) and one.facts]
        await self._keep_accounts(accounts)
        endings = await self._keep_leads([one for one in said if is_lead(one, self.known)])
        notices = sum(isinstance(one, Erasure) for one in news)
        if notices:
            self.outcome.tally["erasures"] = notices
            await ask_to_erase(self.connection, self.delivery_id)
        await delivery_store.unmark_seen(self.connection, self.known.id, self.outcome.undone)
        return endings

    def _is_news(self, one: Said | Erasure, unused: set[bytes]) -> bool:
        """Return whether an item has had no effect yet; the second of two equal ones has."""
        if one.event is None:
            return True
        if one.event in unused:
            unused.discard(one.event)
            return True
        self.outcome.tally["repeated"] += 1
        return False

    async def _keep_accounts(self, said: Sequence[Said]) -> None:
        """Tell the accounts what is said of them, each word with the instant it was true."""
        if not said:
            return
        identities = {one.identity for one in said if one.identity is not None}
        keys = await find_bearers(self.connection, sorted(identities))
        lines = [self._line(one, keys) for one in said]
        editor = AccountEditor(
            person=f"connection {self.known.name}",
            now=self.house.clock(),
            new_uuid=self.house.new_uuid,
        )
        endings = await keep_many(self.connection, lines, editor, cause="change")
        for one, ending in zip(said, endings, strict=True):
            if isinstance(ending, Refusal):
                self.outcome.fail(one, ending.code, ending.detail, f"/kinds/{one.kind}")
                continue
            self.outcome.tally[ending.state] += 1
            if ending.outdated:
                # A later word, or one of a higher rank, is known: kept beside it, not applied.
                self.outcome.tally["late"] += 1

    def _line(self, one: Said, keys: Mapping[tuple[str, str], str]) -> Line:
        key = one.key if one.identity is None else keys.get(one.identity, one.key)
        news = News(
            facts=one.facts,
            source=self.known.name,
            at=self._at(one),
            is_everything=False,
            is_dated=True,
            by=f"connection {self.known.name}",
        )
        identities = () if one.identity is None else (one.identity,)
        return Line(key=key, news=news, identities=identities)

    async def _in_time(self, said: Sequence[Said]) -> list[Said]:
        """Return of which leads nothing newer is known, the oldest word first.

        What comes late is counted and decides nothing: the newest word has been decided on.
        Whoever waits for an answer gets one.
        """
        said = sorted(said, key=self._at)
        drafted = [(one, self.drafted[id(one)]) for one in said]
        told = [
            (one.key, (self._at(one), draft.record.id))
            for one, draft in drafted
            if isinstance(draft, Entry)
        ]
        newest = await lead_store.lock_newest(
            self.connection, self.known.id, dict(reversed(told)), now=self.house.clock()
        )
        in_time = []
        for one in said:
            if not one.is_waited_for and self._at(one) < newest.get(one.key, self._at(one)):
                self.outcome.tally["late"] += 1
            else:
                in_time.append(one)
        for key, (at, decision_id) in dict(told).items():
            if at > newest[key]:
                await lead_store.set_newest(
                    self.connection, self.known.id, key, at=at, decision_id=decision_id
                )
        return in_time

    def _at(self, said: Said) -> datetime:
        return said.at or self.received_at

    async def _keep_leads(self, said: Sequence[Said]) -> list[tuple[Draft, Ending]]:
        """Keep the decisions on leads, and have them written back where that is wanted."""
        for one in said:
            if why := why_not(one, self.known):
                self.outcome.fail(one, *why)
        asked = await self._in_time([one for one in said if id(one) in self.drafted])
        drafts = [self.drafted[id(one)] for one in asked]
        endings = await keep_decisions(self.connection, drafts)
        for one, ending in zip(asked, endings, strict=True):
            if isinstance(ending, Refusal):
                self.outcome.fail(one, ending.code, ending.detail, f"/kinds/{one.kind}")
            elif isinstance(ending, Answer):
                self.outcome.tally["decided"] += 1
            else:
                raise ending
        decided = [
            (one, draft.record.id)
            for one, draft in zip(asked, drafts, strict=True)
            if isinstance(draft, Entry)
        ]
        await want_of_leads(self.connection, self.known, decided, at=self.house.clock())
        return list(zip(drafts, endings, strict=True))
