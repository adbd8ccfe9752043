"""The portfolio at size: import, assess, state, and time every view.

`make bench ARGS="--portfolio --accounts 100000 --events 5000000"`; no line of the table, because
it compares with nobody but the second that a view may take. A part of the rows comes through the
service's import, which is timed; the rest is copied into the tables. It makes a database of its
own and removes it.
"""

import argparse
import asyncio
import json
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import UUID

import httpx
import psycopg
from sqlalchemy import Row, func
from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.machine import name_machine
from benchmarks.portfolio_import import import_accounts, import_events
from service.app import Application, create_app
from service.bulk.rescoring_working import LIMITS, carry_out
from service.portfolio import examine_newest, store, taking
from service.portfolio.agreeing import Asked
from service.portfolio.asking import ask_for
from service.portfolio.foreseeing import foresee
from service.rescorings import store as rescoring_store
from service.rules.templates import read_template
from service.rulesets import Editor, LiveRules, Running, install
from service.settings import Settings
from service.storage import (
    RANDOM_BYTES,
    DatabaseUnavailable,
    leases,
    libpq_url,
    make_uuid,
    migrate,
    open_engine,
    transaction,
)
from service.storage.embedded import EmbeddedPostgres
from service.storage.tables import RescoringRow
from service.web import KeyAsked, configure_logs, give_key

_SLUG: Final = "account_portfolio"
_LEASE: Final = timedelta(minutes=10)
_TURNS: Final = 5
_TRIES: Final = 5

# Sizes are skewed: few accounts bring and cost most, as in life.
_ACCOUNTS: Final = """
    COPY (
        SELECT uuidv7(), 'account-' || n, jsonb_build_object(
            'name', 'Account ' || n, 'customer_since', (date '2018-01-01' + (n * 7919 % 2800)),
            'segment', (ARRAY['core', 'adjacent', 'outside'])[1 + n % 3],
            'owner', 'owner-' || n % 40, 'product', 'product-' || n % 7,
            'employees', 5 + n * 31 % 2000, 'must_haves_met', n * 13 % 101,
            'core_use', n % 4 > 0, 'potential_revenue', 1000 + n * 977 % 300000,
            'sponsor', n % 3 > 0, 'usage_trend', (ARRAY['falling', 'flat', 'rising'])[1 + n % 3],
            'budget_next_year', n % 5 = 0, 'progress', (ARRAY['none', 'some', 'steady'])[1 + n % 3],
            'hours_sold', n * 17 % 300, 'price_to_list', 60 + n % 60,
            'price_since', '2025-06-01'), '{}', 1, now() - interval '1 day', now()
        FROM generate_series(1, %(accounts)s) AS n
    ) TO STDOUT
"""
_INTO_ACCOUNTS: Final = (
    b"COPY account (id, key, facts, provenance, row_version, created_at, updated_at) FROM STDIN"
)
_EVENTS: Final = """
    COPY (
        SELECT uuidv7(), id, kind, now() - random() * interval '500 days' - interval '1 hour',
            CASE WHEN kind IN ('revenue', 'cost') THEN amount END,
            CASE kind WHEN 'revenue' THEN jsonb_build_object('amount', amount)
                WHEN 'cost' THEN jsonb_build_object('amount', amount,
                    'driver', (ARRAY['hosting', 'travel', 'licences'])[1 + n % 3])
                WHEN 'meeting' THEN jsonb_build_object('held', n % 5 > 0, 'excused', n % 2 = 0)
                WHEN 'escalation' THEN '{}'
                ELSE jsonb_build_object('hours', round((random() * 8)::numeric, 2)) END,
            'source-' || n % 3, 'event-' || n, decode(md5(n::text), 'hex'),
            now() - interval '30 minutes', 'bench'
        FROM (
            SELECT n, ids[1 + floor(power(random(), 2) * array_length(ids, 1))::int] AS id,
                (ARRAY['revenue', 'revenue', 'cost', 'support_case', 'support_case', 'custom_work',
                    'meeting', 'escalation'])[1 + n % 8] AS kind,
                round((random() * 4000)::numeric, 2) AS amount
            FROM generate_series(1, %(events)s) AS n,
                (SELECT array_agg(id ORDER BY id) AS ids FROM account) AS known
        ) AS drawn
    ) TO STDOUT
"""
_INTO_EVENTS: Final = (
    b"COPY account_event (id, account_id, kind, at, amount, quantities, source, source_event_id,"
    b" digest, recorded_at, recorded_by) FROM STDIN"
)
_SOURCES: Final = """
    INSERT INTO account_source (name, rank, reports, row_version, updated_at, updated_by)
    SELECT 'source-' || n, 0, ARRAY['revenue', 'cost', 'support_case', 'custom_work', 'meeting',
        'escalation', 'discount', 'late_payment', 'goal_change', 'advice_followed', 'training',
        'abuse', 'process_exception'], 1, now(), 'bench' FROM generate_series(0, 2) AS n
"""
_OUTCOMES: Final = """
    INSERT INTO outcome_event (id, account_key, result, at, opened_at, amount, owner, product,
        source, source_event_id, digest, recorded_at, recorded_by)
    SELECT uuidv7(), 'account-' || n,
        (ARRAY['won', 'lost', 'won', 'renewed', 'churned'])[1 + n % 5],
        now() - (1 + n % 360) * interval '1 day',
        now() - (60 + n % 360 + n % 90) * interval '1 day',
        round((random() * 50000)::numeric, 2), 'owner-' || n % 40, 'product-' || n % 7,
        'source-0', 'outcome-' || n, decode(md5(n::text), 'hex'), now(), 'bench'
    FROM generate_series(1, %(accounts)s / 3) AS n
"""
_VIEWS: Final = (
    "matrix",
    "summary",
    "segments?by=owner",
    "whale-curve",
    "concentration",
    "matrix?slice=segment:core",
    "whale-curve?slice=owner:owner-7",
    "movements?since={since}&limit=0",
    "movements?since={since}",
    "better-off",
    "focus?keep=segment:core",
    "systemic",
    "alignment/marketing",
    "alignment/sales",
    "alignment/support",
    "alignment/product",
    "matrix.svg",
    "whale-curve.svg",
    "movements.svg?since={since}",
)
_DOWNLOADS: Final = ("whale-curve.csv",)
KEPT: Final = Path(__file__).resolve().parent.parent / "docs" / "measurements" / "portfolio.json"
"""The run that the guide speaks of."""


@dataclass(slots=True)
class Report:
    """What was timed: name to the median and the slowest of its turns, in seconds."""

    rows: dict[str, tuple[float, float]] = field(default_factory=dict)

    def add(self, what: str, seconds: Sequence[float], also: str = "") -> None:
        """Note and print one measurement."""
        ordered = sorted(seconds)
        self.rows[what] = ordered[len(ordered) // 2], ordered[-1]
        slowest = f"  slowest {ordered[-1]:.3f} s" if len(ordered) > 1 else ""
        sys.stdout.write(f"{what:<44} {self.rows[what][0]:>9.3f} s{slowest}  {also}\n")
        sys.stdout.flush()

    def time(self, what: str, work: Callable[[], object]) -> None:
        """Do *work* once and note how long it took."""
        began_s = time.perf_counter()
        work()
        self.add(what, [time.perf_counter() - began_s])

    async def wait(self, what: str, work: Callable[[], Awaitable[object]]) -> None:
        """Await *work* once and note how long it took."""
        began_s = time.perf_counter()
        await work()
        self.add(what, [time.perf_counter() - began_s])


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.portfolio", description=__doc__)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--imported", type=int, default=50_000, help="events through the import")
    parser.add_argument("--folder", type=Path, default=None, help="where the database goes")
    parser.add_argument("--keep", action="store_true", help=f"write {KEPT.name}")
    given = parser.parse_args(arguments)
    configure_logs(level="error", style="console")
    report = Report()
    loads = [os.getloadavg()[0]]
    with TemporaryDirectory(prefix="goodfit-bench-", dir=given.folder) as folder:
        Path(folder).chmod(0o755)  # the server's own user looks in
        with EmbeddedPostgres.start(Path(folder) / "home") as server:
            _run(server.url(), given, report)
    loads.append(os.getloadavg()[0])
    told = {
        "machine": dict(name_machine()),
        "load": [round(load, 1) for load in loads],
        "accounts": given.accounts,
        "events": given.events,
        "imported": given.imported,
        "seconds": {
            name: {"median": round(median, 3), "slowest": round(slowest, 3)}
            for name, (median, slowest) in report.rows.items()
        },
    }
    if given.keep:
        KEPT.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def _run(url: str, given: argparse.Namespace, report: Report) -> None:
    report.time("migrate", lambda: migrate(url))
    sizes = {"accounts": given.accounts, "events": max(0, given.events - given.imported)}
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        report.time(
            "copy accounts", lambda: _copy(url, connection, _ACCOUNTS, _INTO_ACCOUNTS, sizes)
        )
        report.time("copy events", lambda: _copy(url, connection, _EVENTS, _INTO_EVENTS, sizes))
        connection.execute(_SOURCES.encode())
        connection.execute(_OUTCOMES.replace("%(accounts)s", str(given.accounts)).encode())
        connection.execute("ANALYZE")
    asyncio.run(_measure(url, given, report))


def _copy(
    url: str, source: psycopg.Connection[Any], select: str, into: bytes, sizes: dict[str, int]
) -> None:
    """Copy what *select* makes up into the database, as an import would."""
    text = select
    for name, size in sizes.items():
        text = text.replace(f"%({name})s", str(size))
    with (
        psycopg.connect(libpq_url(url)) as target,
        source.cursor().copy(text.encode()) as made,
        target.cursor().copy(into) as copy,
    ):
        for part in made:
            copy.write(part)


async def _measure(url: str, given: argparse.Namespace, report: Report) -> None:
    engine = open_engine(url, limits=LIMITS)
    try:
        async with _asking(url) as (client, app):
            await _import(client, engine, given, report)
            running = await _live(engine)
            since = datetime.now(UTC)
            for turn in ("first", "second"):
                await _state(engine, url, running, turn, report)
                since = since if turn == "second" else datetime.now(UTC)
            live = app.api.state.desk.live
            await report.wait("examination", lambda: examine_newest(app.house, live))
            await _views(client, since, report)
    finally:
        await engine.dispose()


async def _import(
    client: httpx.AsyncClient, engine: AsyncEngine, given: argparse.Namespace, report: Report
) -> None:
    rows = given.imported
    if not rows:
        return
    keys = [f"account-{n}" for n in range(1, given.accounts + 1)]
    sent_s, took_s = await import_accounts(client, engine, rows=rows // 10)
    report.add(f"import {rows // 10:,} accounts", [took_s], f"{rows / 10 / took_s:,.0f} rows/s")
    sent_s, took_s = await import_events(client, engine, keys=keys, rows=rows)
    report.add(f"send a file of {rows:,} events", [sent_s])
    report.add(f"import {rows:,} events", [took_s], f"{rows / took_s:,.0f} rows/s")


async def _live(engine: AsyncEngine) -> Running:
    editor = Editor(person="bench", at=datetime.now(UTC), new_uuid=_new_uuid)
    async with transaction(engine) as connection:
        await install(connection, read_template(_SLUG), editor=editor, note="", reason="bench")
    return await LiveRules(engine, timer=time.monotonic).version_at(_SLUG, datetime.now(UTC))


async def _state(
    engine: AsyncEngine, url: str, running: Running, turn: str, report: Report
) -> None:
    """Rescore and take a statement, each timed."""
    editor = Editor(person="bench", at=datetime.now(UTC), new_uuid=_new_uuid)
    async with transaction(engine) as connection:
        row = await ask_for(connection, running, editor=editor, asked=Asked())
        rescoring = await rescoring_store.claim(connection, row.rescoring_id, lease=_LEASE)
    if rescoring is None:
        raise AssertionError("nobody else saw it yet")

    async def rescore() -> None:
        claimed = rescoring
        for tries_left in reversed(range(_TRIES)):
            try:
                await carry_out(
                    claimed, running, engine=engine, url=url, clock=_clock, tell=lambda *_: None
                )
            except DatabaseUnavailable:  # a busy machine; a server goes on where it was, too
                if not tries_left:
                    raise
                claimed = await _claimed_again(engine, claimed)
            else:
                return

    await report.wait(f"{turn} rescoring", rescore)
    async with transaction(engine) as connection:
        claimed = await store.claim(connection, row.id, lease=_LEASE)
    if claimed is None:
        raise AssertionError("its rescoring is done")

    async def take() -> None:
        await taking.take(claimed, running, engine=engine, clock=_clock)

    async def look() -> None:
        live = LiveRules(engine, timer=time.monotonic)
        await foresee(running.slug, claimed.id, engine=engine, live=live)

    await report.wait(f"{turn} statement", take)
    await report.wait(f"{turn} statement's views", look)


async def _claimed_again(engine: AsyncEngine, row: Row[Any]) -> Row[Any]:
    """Give up a claim and take the next one."""
    async with transaction(engine) as connection:
        await leases.set_columns(connection, RescoringRow, row, lease_until=func.now())
        claimed = await rescoring_store.claim(connection, row.id, lease=_LEASE)
    if claimed is None:
        raise AssertionError("nobody else works on it")
    return claimed


@asynccontextmanager
async def _asking(url: str) -> AsyncIterator[tuple[httpx.AsyncClient, Application]]:
    """Give a client of the service in this process, with a key for accounts; and the service."""
    engine = open_engine(url)
    app = create_app(Settings(log_level="error"), engine)
    asked = KeyAsked(name="bench", person="bench", scopes=["accounts"])
    async with transaction(engine) as connection:
        now = datetime.now(UTC)
        key = await give_key(connection, asked, key_id=_new_uuid(now), by="bench", at=now)
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://goodfit.bench",
        headers={"Authorization": f"Bearer {key.key}"},
        timeout=600,
    )
    try:
        async with client:
            yield client, app
    finally:
        await app.api.state.desk.writer.close()
        await engine.dispose()


async def _views(client: httpx.AsyncClient, since: datetime, report: Report) -> None:
    """Ask for every view a few times over HTTP in process; the median and the slowest."""
    for view in (*_VIEWS, *_DOWNLOADS):
        address = view.format(since=since.isoformat().replace("+00:00", "Z"))
        seconds = []
        for _ in range(_TURNS):
            began_s = time.perf_counter()
            answer = await client.get(f"/v1/portfolio/{_SLUG}/{address}")
            seconds.append(time.perf_counter() - began_s)
            answer.raise_for_status()
        report.add(view, seconds)


def _new_uuid(at: datetime) -> UUID:
    return make_uuid(at, secrets.token_bytes(RANDOM_BYTES))


def _clock() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main()
