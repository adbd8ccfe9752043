"""Erase a subject: find what was made from its values, clear that, and know the subject again.

Each step is kept whole with how far it came, so the work goes on wherever it was stopped. A dry
run does the same and takes it back, so that its counts are those of the real thing.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service import accounts, decisions, rulesets
from service.delivery import Announcement, EventType, announce
from service.privacy import retaining, store
from service.privacy.asking import Named
from service.privacy.holdings import HOLDINGS
from service.privacy.marking import marks_of
from service.storage import (
    DatabaseNotMigrated,
    DatabaseUnavailable,
    append_audit,
    leases,
    to_text,
    transaction,
)
from service.storage.personal import Subject, clear
from service.web import Clock, journal, only_tried

__all__ = ["Eraser", "Pace", "TakenAway", "erase", "erase_next"]

LONG: Final = timedelta(minutes=10)
"""How long one step may take: most tables are searched whole, for words nobody has an index of."""
_log = journal("erasures")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much is done in one transaction; an erasure taken up *attempts* times has failed."""

    looked_at: int = 5_000
    cleared: int = 2_000
    lease: timedelta = timedelta(seconds=30)
    attempts: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Eraser:
    """What the work needs of one process.

    Attributes:
        key: Makes the secret by which subjects are known again; asked when one is erased.
        tell: Told how far it is: step, done, and of how many.
    """

    engine: AsyncEngine
    clock: Clock
    key: Callable[[], bytes]
    tell: Callable[[str, int, int | None], None] = lambda *_: None
    pace: Pace = field(default_factory=Pace)


class TakenAway(Exception):
    """Somebody else has this erasure now; nothing more was kept."""


async def erase_next(eraser: Eraser) -> bool:
    """Work on the oldest erasure that waits, to its end; return whether there was one.

    Raises:
        DatabaseUnavailable, DatabaseNotMigrated: As any transaction; the lease runs out and the
            work goes on from there.
    """
    async with transaction(eraser.engine) as connection:
        row = await store.claim(connection, lease=eraser.pace.lease)
    if row is None:
        return False
    if row.attempts > eraser.pace.attempts:
        await _fail(eraser, row, "the work stopped too often at the same place")
        return True
    try:
        await erase(eraser, row)
    except TakenAway:
        _log.warning("erasure taken away", erasure=to_text("era", row.id))
    except (DatabaseUnavailable, DatabaseNotMigrated):
        with suppress(DatabaseUnavailable, DatabaseNotMigrated):
            async with transaction(eraser.engine) as connection:
                await store.give_back(connection, row)
        raise
    except Exception as error:  # noqa: BLE001 - the front door of this work: a bug ends it, in words
        kind = type(error).__qualname__
        _log.error("erasure failed", erasure=to_text("era", row.id), kind=kind)
        await _fail(eraser, row, "something went wrong on our side")
    return True


async def erase(eraser: Eraser, row: Row[Any]) -> Row[Any]:
    """Work on a claimed erasure to its end; return it as it is then.

    Raises:
        TakenAway: If somebody else has it.
    """

    async def renew() -> None:
        async with transaction(eraser.engine) as connection:
            await store.renew(connection, row, eraser.pace.lease)

    async with leases.renewing(renew, lease=eraser.pace.lease):
        while row.state == "running":
            eraser.tell(row.step, row.done, row.total)
            row = await _take_step(eraser, row)
    eraser.tell(row.step, row.done, row.total)
    return row


async def _take_step(eraser: Eraser, row: Row[Any]) -> Row[Any]:
    """Take one step in one transaction, and keep with it how far that came."""
    async with transaction(eraser.engine, within=LONG) as connection:
        await connection.execute(text("SET LOCAL statement_timeout = '600s'"))
        if row.cause == "retention":
            values = await retaining.take_step(
                connection, row, key=eraser.key, most=eraser.pace.cleared
            )
        else:
            values = await _STEPS[row.step](eraser, connection, row)
        if values.get("state") == "done":
            values = {**values, "lease_until": None, "finished_at": eraser.clock()}
            await _end(connection, row, tally=values["tally"], at=eraser.clock())
        else:
            values = {**values, "attempts": 0, "lease_until": leases.longer(eraser.pace.lease)}
        if not await store.keep(connection, row, **values):
            raise TakenAway
        kept = await store.find(connection, row.id)
    if kept is None:
        raise TakenAway
    return kept


async def _find_accounts(
    eraser: Eraser, connection: AsyncConnection, row: Row[Any]
) -> Mapping[str, Any]:
    """Find the accounts; and clear them at once, so that no more decisions are made from them."""
    named = Named.from_json(row.sought)
    found = await accounts.find_accounts_of(
        connection, emails=named.emails, keys=named.account_keys, identities=named.identities
    )
    for kind, values in (
        ("account", found.ids),
        ("key", (*found.keys, *named.account_keys)),
        ("identity", [json.dumps(one) for one in found.identities]),
        ("mentioning", found.mentioning),
    ):
        await store.add_finds(connection, row.id, kind, values)
    tally = Counter(row.tally)
    if not row.dry_run:
        subject = Subject(emails=named.emails, accounts=found.ids, mentioning=found.mentioning)
        tally["account"] += await _clear_accounts(eraser, connection, subject)
    total = await decisions.count_decisions(connection) if named.emails else None
    return {"step": "decisions", "tally": tally, "done": 0, "total": total}


async def _clear_accounts(eraser: Eraser, connection: AsyncConnection, subject: Subject) -> int:
    cleared = await clear(connection, accounts.ACCOUNT, subject)
    if subject.mentioning:
        cleared += await accounts.forget_mentions(
            connection,
            subject.mentioning,
            emails=subject.emails,
            personal=await rulesets.personal_attributes(connection),
            at=eraser.clock(),
        )
    return cleared


async def _find_decisions(
    eraser: Eraser, connection: AsyncConnection, row: Row[Any]
) -> Mapping[str, Any]:
    """Look through some decisions for the addresses; after the last, find those by name."""
    named = Named.from_json(row.sought)
    done = row.done
    if named.emails:
        place = None if row.position_at is None else (row.position_at, row.position_id)
        seen = await decisions.look_through(
            connection, named.emails, after=place, most=eraser.pace.looked_at
        )
        await store.add_finds(connection, row.id, "decision", seen.ids)
        await store.add_finds(connection, row.id, "candidate", seen.external_ids)
        await store.add_finds(connection, row.id, "mentioning", seen.accounts)
        done += seen.looked
        if seen.place is not None:
            at, decision_id = seen.place
            return {"position_at": at, "position_id": decision_id, "done": done}
    candidates = await store.read_finds(connection, row.id, "candidate")
    followed = await decisions.followed(connection, candidates, named.emails)
    await store.add_finds(connection, row.id, "external_id", followed)
    subject = await _subject_of(connection, row, named)
    ids = await decisions.find_by_names(connection, subject)
    await store.add_finds(connection, row.id, "decision", ids)
    total = len(await store.read_finds(connection, row.id, "decision"))
    position = {"position_at": None, "position_id": None}
    return {"step": "clearing", "done": 0, "total": total, **position}


async def _clear_some(
    eraser: Eraser, connection: AsyncConnection, row: Row[Any]
) -> Mapping[str, Any]:
    """Clear what hangs on some decisions; with the last of them, everything else."""
    named = Named.from_json(row.sought)
    most = eraser.pace.cleared
    texts = await store.read_finds(connection, row.id, "decision", after=row.done, most=most)
    ids = tuple(UUID(one) for one in texts)
    is_last = len(ids) < most
    subject = Subject(decisions=ids)
    if is_last:
        subject = replace(await _subject_of(connection, row, named), decisions=ids)
    tally = Counter(row.tally)
    async with only_tried(connection, row.dry_run):
        if is_last and row.dry_run:
            tally["account"] += await _clear_accounts(eraser, connection, subject)
        for holding in HOLDINGS:
            tally[holding.name] += await clear(connection, holding, subject)
    done = {"done": row.done + len(ids), "tally": tally}
    if not is_last:
        return done
    if not row.dry_run:
        marks = marks_of(named, subject, key=eraser.key())
        await store.add_erased(connection, marks, erasure_id=row.id, at=eraser.clock())
    await store.remove_finds(connection, row.id)
    return {**done, "sought": None, "state": "done"}


async def _subject_of(connection: AsyncConnection, row: Row[Any], named: Named) -> Subject:
    """Return everything that is known of the subject but its decisions."""
    found = {
        kind: tuple(await store.read_finds(connection, row.id, kind))
        for kind in ("account", "key", "identity", "mentioning", "external_id")
    }
    return Subject(
        emails=named.emails,
        external_ids=tuple(dict.fromkeys((*named.external_ids, *found["external_id"]))),
        identities=tuple((system, own) for system, own in map(json.loads, found["identity"])),
        account_keys=found["key"],
        accounts=tuple(UUID(one) for one in found["account"]),
        mentioning=tuple(UUID(one) for one in found["mentioning"]),
    )


_STEPS: Final = {
    "accounts": _find_accounts,
    "decisions": _find_decisions,
    "clearing": _clear_some,
}


async def _end(
    connection: AsyncConnection, row: Row[Any], *, tally: Mapping[str, int], at: datetime
) -> None:
    """Note in the audit what was cleared, in numbers, and tell whoever listens."""
    if row.dry_run:
        return
    cleared = {name: rows for name, rows in sorted(tally.items()) if rows}
    await append_audit(
        connection,
        at=at,
        actor=row.asked_by,
        action="privacy.retain" if row.cause == "retention" else "privacy.erase",
        subject=to_text("era", row.id),
        payload={"cleared": cleared},
    )
    if row.cause != "retention":
        told = {"erasure": to_text("era", row.id), "cause": row.cause, "cleared": cleared}
        await announce(
            connection,
            Announcement.caused_by(row.id, EventType.ERASURE_COMPLETED, at=at, data=told),
        )


async def _fail(eraser: Eraser, row: Row[Any], failure: str) -> None:
    """End an erasure in words. Whom it sought goes with it: it has to be asked for again."""
    async with transaction(eraser.engine) as connection:
        failed = {"state": "failed", "failure": failure, "sought": None}
        ended = {"lease_until": None, "finished_at": eraser.clock()}
        if await store.keep(connection, row, **failed, **ended):
            await store.remove_finds(connection, row.id)
