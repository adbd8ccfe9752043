"""Write decisions back: what changed, in batches, as fast as the vendor lets us, until it is taken.

A record is told again until the vendor says that it took it: to write the same values twice
changes nothing, so a worker may die anywhere. What a vendor refuses for a reason of its own is
parked with words for an administrator, and stops nothing else.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.intake import store, write_store
from service.intake.connecting import Connection, connection_of
from service.intake.fetching import open_hubspot
from service.intake.hubspot_writing import HUBSPOT_AT_ONCE, write_to_hubspot
from service.intake.pacing import pace_of
from service.intake.pipedrive_writing import PIPEDRIVE_AT_ONCE, write_to_pipedrive
from service.intake.salesforce_writing import (
    SALESFORCE_AT_ONCE,
    let_into_salesforce,
    write_to_salesforce,
)
from service.intake.troubles import tell_trouble
from service.intake.vendor_http import Vendor, VendorUnavailable
from service.intake.wanting import want_of_accounts
from service.intake.writes import Send, Writing, Written
from service.storage import Job, defer, to_text, transaction
from service.web import House

__all__ = ["ask_to_write", "write_back"]

_LOOKED_AT: Final = 1_000
_ATTEMPTS: Final = 8
_FIRST: Final = timedelta(seconds=20)
_LONGEST: Final = timedelta(hours=2)
_AGAIN: Final = timedelta(seconds=30)
_AT_ONCE: Final = {
    "hubspot": HUBSPOT_AT_ONCE,
    "salesforce": SALESFORCE_AT_ONCE,
    "pipedrive": PIPEDRIVE_AT_ONCE,
}


async def ask_to_write(
    connection: AsyncConnection, connection_id: UUID, *, at: datetime | None = None
) -> None:
    """Have a connection look for what is to be written, now or not before *at*."""
    name = f"write_back:{connection_id}"
    await defer(
        connection,
        Job.WRITE_BACK,
        {"connection": str(connection_id)},
        lock=name,
        queueing_lock=name,
        schedule_at=at,
    )


async def write_back(house: House, connection_id: UUID) -> None:
    """Write what is due of one connection, and ask for the next time.

    Nothing is raised for what a vendor does: it is kept with the records and the connection.
    """
    async with transaction(house.engine) as connection:
        row = await store.find(connection, connection_id)
    if row is None:
        return
    known = connection_of(row, house.settings)
    if not known.resolved.writes.targets or known.resolved.preset not in _AT_ONCE:
        return
    while await _work_out(house, known) == _LOOKED_AT:
        pass
    again = house.clock() + _AGAIN
    try:
        await _send_all(house, known)
    except VendorUnavailable as later:
        again = house.clock() + later.wait
        if not later.is_usual:
            async with transaction(house.engine) as connection:
                await tell_trouble(connection, known, why=later.words, house=house)
    async with transaction(house.engine) as connection:
        await ask_to_write(connection, connection_id, at=again)


async def _work_out(house: House, known: Connection) -> int:
    async with transaction(house.engine) as connection:
        return await want_of_accounts(connection, known, at=house.clock(), most=_LOOKED_AT)


async def _send_all(house: House, known: Connection) -> None:
    """Send what is due until nothing is, batch by batch.

    Raises:
        VendorUnavailable: If the vendor cannot be asked now; what was not taken waits.
    """
    at_once = _AT_ONCE[known.resolved.preset]
    begun = house.clock()
    async with transaction(house.engine) as connection:
        due = await write_store.list_due(connection, known.id, at=begun, most=_LOOKED_AT)
    if not due:
        return
    is_well = True
    async with _vendor(known, house) as send:
        for _, same in groupby(due, key=lambda row: row.object):
            rows = list(same)
            for start in range(0, len(rows), at_once):
                is_well &= await _send(house, known, rows[start : start + at_once], send)
    if is_well:
        async with transaction(house.engine) as connection:
            await store.end_trouble(connection, known.id)


async def _send(house: House, known: Connection, rows: Sequence[Row[Any]], send: Send) -> bool:
    """Send one batch and keep how each record of it ended; return whether all were taken.

    Raises:
        VendorUnavailable: If nobody was told; the batch waits for as long as the vendor says.
    """
    writings = [_writing(row, known) for row in rows]
    try:
        endings = await send(writings)
    except VendorUnavailable as later:
        async with transaction(house.engine) as connection:
            for row in rows:
                due = house.clock() + later.wait
                await write_store.end(connection, row, due_at=due, problem=later.words)
        raise
    async with transaction(house.engine) as connection:
        for row, ending in zip(rows, endings, strict=True):
            await _end(connection, row, ending, at=house.clock())
        parked = [ending for ending in endings if ending.ending == "parked"]
        if parked:
            words = f"a record could not be written: {parked[0].words}"
            await tell_trouble(connection, known, why=words, house=house)
    return all(ending.ending == "taken" for ending in endings)


async def _end(
    connection: AsyncConnection, row: Row[Any], ending: Written, *, at: datetime
) -> None:
    attempts = row.attempts + 1
    if ending.ending == "taken":
        values: dict[str, object] = {"state": "written", "written": row.wanted, "problem": None}
        await write_store.end(connection, row, written_at=at, attempts=0, **values)
    elif ending.ending == "later":
        await write_store.end(connection, row, due_at=at + ending.wait, problem=ending.words)
    elif ending.ending == "parked" or attempts >= _ATTEMPTS:
        values = {"state": "parked", "problem": ending.words, "attempts": attempts}
        await write_store.end(connection, row, **values)
    else:
        wait = min(_FIRST * 2 ** (attempts - 1), _LONGEST)
        values = {"due_at": at + wait, "problem": ending.words, "attempts": attempts}
        await write_store.end(connection, row, **values)


def _writing(row: Row[Any], known: Connection) -> Writing:
    names = {
        tells: name
        for target in known.resolved.writes.targets
        if target.object == row.object
        for tells, name in target.properties.items()
    }
    values = {names[tells]: value for tells, value in row.wanted.items() if tells in names}
    return Writing(
        record=row.object,
        external_id=row.external_id,
        values=values,
        trace=to_text("dec", row.decision_id),
    )


@asynccontextmanager
async def _vendor(known: Connection, house: House) -> AsyncIterator[Send]:
    """Open the vendor's API for the block, with what proves that we may write."""
    url, secrets = known.resolved.writes.url, known.secrets
    pace = pace_of(house, known.id)
    match known.resolved.preset:
        case "hubspot":
            async with open_hubspot(known, house) as vendor:
                yield partial(write_to_hubspot, vendor)
        case "salesforce":
            async with Vendor(_of_its_own(url), headers={}, reach=known.reach, pace=pace) as vendor:
                yield _let_in_first(vendor, secrets)
        case _:
            headers = {"x-api-token": str(secrets.get("access_token", ""))}
            async with Vendor(
                _of_its_own(url), headers=headers, reach=known.reach, pace=pace
            ) as vendor:
                yield partial(write_to_pipedrive, vendor)


def _let_in_first(salesforce: Vendor, secrets: Mapping[str, Any]) -> Send:
    """Return what gets a token with the first batch, whose records know if there is none."""
    is_in = False

    async def send(writings: Sequence[Writing]) -> Sequence[Written]:
        nonlocal is_in
        if not is_in:
            await let_into_salesforce(salesforce, secrets)
            is_in = True
        return await write_to_salesforce(salesforce, writings)

    return send


def _of_its_own(url: str | None) -> str:
    if url is None:
        words = "the connection does not say where its API is; set `writes.url`"
        raise VendorUnavailable(words)
    return url
