"""Read the file of an import that was claimed, to its end or until something stops it.

Its rows go the way of the routes for many: read, kept and told alike. What became of a
portion, its problems and how far the import is are one transaction.
"""

import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import UUID

import anyio
import orjson
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from service.accounts import Clerk, many_accounts, many_events, read_kinds
from service.bulk.import_rows import (
    Bad,
    Job,
    Kinds,
    Sendable,
    Skipped,
    plan_of,
    rows_of,
    written_in,
)
from service.bulk.import_tally import ImportTally
from service.bulk.map_document import InvalidMap
from service.bulk.opening import open_input
from service.bulk.rows import Input, UnreadableFile
from service.imports import store
from service.outcomes import Measure, many_outcomes
from service.rulesets import Editor
from service.storage import (
    RANDOM_BYTES,
    DatabaseNotMigrated,
    DatabaseUnavailable,
    leases,
    make_uuid,
    to_text,
    transaction,
)
from service.storage.tables import ImportRow
from service.web import LEASE, LINE_BYTES, Element, Many, Refusal, only_tried, rfc3339

__all__ = ["MOST_PROBLEMS", "TakenAway", "carry_out"]

MOST_PROBLEMS: Final = 100_000
"""So many of an import are kept; more are only counted."""

_AT_ONCE: Final = 1_000
_LONG: Final = timedelta(minutes=1)

Made = Sendable | Bad | Skipped
Clock = Callable[[], datetime]


class TakenAway(Exception):
    """The import was cancelled, or another process has it now."""


@dataclass(frozen=True, slots=True)
class _Import:
    """An import that is ours, and its file as it is read."""

    row: Row[Any]
    rows: Input
    made: Iterator[Made]
    ignored: list[str]
    engine: AsyncEngine
    clock: Clock


async def carry_out(
    row: Row[Any], *, engine: AsyncEngine, clock: Clock, at_once: int = _AT_ONCE
) -> None:
    """Read the file of *row*, which is ours, from where it was left, *at_once* rows at a time.

    Raises:
        TakenAway: If somebody cancelled it or has it now.
        DatabaseUnavailable, DatabaseNotMigrated: As any transaction.
    """
    try:
        with TemporaryDirectory(prefix="goodfit-import-") as folder:
            file = Path(folder) / f"file.{row.format}"
            await _fetch(row, file, engine)
            await _read(row, file, engine=engine, clock=clock, at_once=at_once)
    except (InvalidMap, UnreadableFile) as error:
        await _end(row, engine, clock, state="failed", failure=_words(error))
    except BaseException:
        with suppress(DatabaseUnavailable, DatabaseNotMigrated):
            async with transaction(engine) as connection:
                await leases.set_columns(connection, ImportRow, row, lease_until=None)
        raise


async def _fetch(row: Row[Any], file: Path, engine: AsyncEngine) -> None:
    """Write the pieces of the file into one."""
    number = 0
    async with await anyio.open_file(file, "wb") as written:
        while True:
            async with transaction(engine) as connection:
                part = await store.read_part(connection, row.id, number)
            if part is None:
                return
            await written.write(part)
            number += 1
            if number % 100 == 0:
                await _put(row, engine, lease_until=leases.longer(LEASE))


async def _read(
    row: Row[Any], file: Path, *, engine: AsyncEngine, clock: Clock, at_once: int
) -> None:
    job = Job(what=row.what, source=row.source, at=rfc3339(row.at), is_dry=row.dry_run)
    map_text = "" if row.map is None else json.dumps(row.map, ensure_ascii=False)
    kinds = await _kinds(engine) if row.what == "events" else {}
    with open_input(file, **written_in(map_text)) as rows:
        _, plan = plan_of(job, rows.columns, map_text=map_text, kinds=kinds)
        made = rows_of(rows, plan, job=job, kinds=kinds)
        # The rows before were dealt with when the import was taken up the last time.
        next(islice(made, row.rows, row.rows), None)
        work = _Import(row, rows, made, sorted(plan.ignored), engine, clock)
        await _keep_all(work, at_once)
    await _end(row, engine, clock, state="done", share=1.0)


async def _keep_all(work: _Import, at_once: int) -> None:
    """Keep all rows, a portion at a time."""
    tally = ImportTally.from_json(work.row.tally)
    done = work.row.rows
    while portion := list(islice(work.made, at_once)):
        done += len(portion)
        share = min(1.0, work.rows.position / max(1, work.rows.size))
        await _keep(work, portion, tally, rows=done, share=share)
    if not done:
        await _put(work.row, work.engine, tally=tally.to_json(), ignored=work.ignored)


async def _keep(
    work: _Import, portion: Sequence[Made], tally: ImportTally, *, rows: int, share: float
) -> None:
    row = work.row
    many = _many_of(row, work.clock)
    sent = [one for one in portion if isinstance(one, Sendable)]
    elements = [_element(one) for one in sent]
    problems = [(one.line, one.code, one.reason) for one in portion if isinstance(one, Bad)]
    tally.bad += len(problems)
    tally.skipped += sum(isinstance(one, Skipped) for one in portion)
    async with transaction(work.engine, within=_LONG) as connection:
        async with only_tried(connection, row.dry_run):
            endings = await many.endings_of(connection, elements)
        for one, ending in zip(sent, endings, strict=True):
            complaint = tally.add(_told(ending))
            if complaint is not None:
                problems.append((one.line, *complaint))
        room = max(0, MOST_PROBLEMS - (tally.bad - len(problems)))
        await store.add_problems(connection, row.id, sorted(problems)[:room])
        kept = {
            "rows": rows,
            "share": share,
            "tally": tally.to_json(),
            "ignored": work.ignored,
            "attempts": 0,
            "lease_until": leases.longer(LEASE),
        }
        if not await leases.set_columns(connection, ImportRow, row, **kept):
            raise TakenAway


def _many_of(row: Row[Any], clock: Clock) -> Many[Any]:
    """Return how the rows are kept: as their route keeps them."""
    now = clock()
    match row.what:
        case "accounts":
            by = f"import {to_text('imp', row.id)}"
            return many_accounts(row.asked_by, clock=clock, new_uuid=_new_uuid, by=by)
        case "events":
            clerk = Clerk(person=row.asked_by, now=now, new_uuid=_new_uuid)
            return many_events(clerk, currency=row.currency)
        case _:
            editor = Editor(person=row.asked_by, at=now, new_uuid=_new_uuid)
            return many_outcomes(editor, Measure(currency=row.currency, now=now))


def _element(one: Sendable) -> Element:
    text = orjson.dumps(one.body)
    return Element(number=one.line, text=text if len(text) <= LINE_BYTES else None)


def _told(ending: Any) -> Any:  # noqa: ANN401 - JSON
    """Return an ending as the routes answer it."""
    if not isinstance(ending, Refusal):
        return ending
    faults = [fault.to_json() for fault in ending.faults]
    return {"problem": {"code": ending.code, "detail": ending.detail, "errors": faults}}


async def _kinds(engine: AsyncEngine) -> Kinds:
    async with transaction(engine) as connection:
        kinds = await read_kinds(connection)
    return {
        name: {quantity: one.type for quantity, one in kind.quantities.items()}
        for name, kind in kinds.items()
    }


async def _end(row: Row[Any], engine: AsyncEngine, clock: Clock, **values: object) -> None:
    """End an import, and forget its file with it."""
    async with transaction(engine, within=_LONG) as connection:
        ended = {"lease_until": None, "finished_at": clock(), **values}
        if not await leases.set_columns(connection, ImportRow, row, **ended):
            raise TakenAway
        await store.drop_parts(connection, row.id)


async def _put(row: Row[Any], engine: AsyncEngine, **values: object) -> None:
    async with transaction(engine) as connection:
        if not await leases.set_columns(connection, ImportRow, row, **values):
            raise TakenAway


def _words(error: InvalidMap | UnreadableFile) -> str:
    """Return why no more of a file can be read; what was kept of its rows stays."""
    if isinstance(error, InvalidMap):
        return "; ".join(f"map{one.pointer}: {one.message}" for one in error.problems)
    return str(error)


def _new_uuid(at: datetime) -> UUID:
    return make_uuid(at, secrets.token_bytes(RANDOM_BYTES))
