"""The portfolio at size: load, rescore, state, and time every view.

`python -m benchmarks.portfolio --accounts 100000 --events 5000000`; no part of `make bench`,
because it compares with nobody. It makes a database of its own and removes it.
"""

import argparse
import asyncio
import secrets
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar
from uuid import UUID

import httpx
import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine

from service.app import create_app
from service.bulk.rescoring_working import LIMITS, carry_out
from service.portfolio import store, taking
from service.portfolio.agreeing import Asked
from service.portfolio.asking import ask_for
from service.rescorings import store as rescoring_store
from service.rules.templates import read_template
from service.rulesets import Editor, LiveRules, Running, install
from service.settings import Settings
from service.storage import (
    RANDOM_BYTES,
    libpq_url,
    make_uuid,
    migrate,
    open_engine,
    transaction,
)
from service.storage.embedded import EmbeddedPostgres
from service.web import KeyAsked, give_key

_SLUG: Final = "account_portfolio"
_LEASE: Final = timedelta(minutes=10)
_TURNS: Final = 5
_Found = TypeVar("_Found")

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
_VIEWS: Final = (
    "matrix",
    "summary",
    "segments?by=owner",
    "whale-curve",
    "concentration",
    "matrix?slice=segment:core",
    "whale-curve?slice=owner:owner-7",
    "matrix.svg",
    "whale-curve.svg",
    "movements?since={since}&limit=0",
    "movements?since={since}",
    "whale-curve.csv",
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.portfolio", description=__doc__)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--folder", type=Path, default=None, help="where the database goes")
    given = parser.parse_args()
    with TemporaryDirectory(prefix="goodfit-bench-", dir=given.folder) as folder:
        Path(folder).chmod(0o755)  # the server's own user looks in
        with EmbeddedPostgres.start(Path(folder) / "home") as server:
            _run(server.url(), accounts=given.accounts, events=given.events)


def _run(url: str, *, accounts: int, events: int) -> None:
    _tell("migrate", lambda: migrate(url))
    sizes = {"accounts": accounts, "events": events}
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        _tell("load accounts", lambda: _copy(url, connection, _ACCOUNTS, _INTO_ACCOUNTS, sizes))
        _tell("load events", lambda: _copy(url, connection, _EVENTS, _INTO_EVENTS, sizes))
        connection.execute(_SOURCES.encode())
        connection.execute("ANALYZE")
    asyncio.run(_measure(url))


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


async def _measure(url: str) -> None:
    engine = open_engine(url, limits=LIMITS)
    try:
        running = await _live(engine)
        since = datetime.now(UTC)
        for turn in ("first", "second"):
            await _state(engine, url, running, turn)
            since = since if turn == "second" else datetime.now(UTC)
        await _views(url, since)
    finally:
        await engine.dispose()


async def _live(engine: AsyncEngine) -> Running:
    editor = Editor(person="bench", at=datetime.now(UTC), new_uuid=_new_uuid)
    async with transaction(engine) as connection:
        await install(connection, read_template(_SLUG), editor=editor, note="", reason="bench")
    return await LiveRules(engine, timer=time.monotonic).version_at(_SLUG, datetime.now(UTC))


async def _state(engine: AsyncEngine, url: str, running: Running, turn: str) -> None:
    """Rescore and take a statement, each timed."""
    editor = Editor(person="bench", at=datetime.now(UTC), new_uuid=_new_uuid)
    async with transaction(engine) as connection:
        row = await ask_for(connection, running, editor=editor, asked=Asked())
        rescoring = await rescoring_store.claim(connection, row.rescoring_id, lease=_LEASE)
    if rescoring is None:
        raise AssertionError("nobody else saw it yet")

    async def rescore() -> None:
        await carry_out(
            rescoring, running, engine=engine, url=url, clock=_clock, tell=lambda *_: None
        )

    await _told(f"{turn} rescoring", rescore)
    async with transaction(engine) as connection:
        claimed = await store.claim(connection, row.id, lease=_LEASE)
    if claimed is None:
        raise AssertionError("its rescoring is done")

    async def take() -> None:
        await taking.take(claimed, running, engine=engine, clock=_clock)

    await _told(f"{turn} statement", take)


async def _views(url: str, since: datetime) -> None:
    """Ask for every view a few times over HTTP in process; the median and the slowest."""
    engine = open_engine(url)
    app = create_app(Settings(), engine)
    asked = KeyAsked(name="bench", person="bench", scopes=["accounts"])
    async with transaction(engine) as connection:
        now = datetime.now(UTC)
        key = await give_key(connection, asked, key_id=_new_uuid(now), by="bench", at=now)
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://goodfit.bench",
        headers={"Authorization": f"Bearer {key.key}"},
    )
    async with client:
        for view in _VIEWS:
            address = view.format(since=since.isoformat().replace("+00:00", "Z"))
            seconds = []
            for _ in range(_TURNS):
                began_s = time.perf_counter()
                answer = await client.get(f"/v1/portfolio/{_SLUG}/{address}")
                seconds.append(time.perf_counter() - began_s)
                answer.raise_for_status()
            seconds.sort()
            _print(view, seconds[len(seconds) // 2], f"slowest {seconds[-1]:.3f} s")
    await app.api.state.desk.writer.close()
    await engine.dispose()


def _tell(what: str, work: Callable[[], object]) -> None:
    began_s = time.perf_counter()
    work()
    _print(what, time.perf_counter() - began_s)


async def _told(what: str, work: Callable[[], Awaitable[_Found]]) -> _Found:
    began_s = time.perf_counter()
    found = await work()
    _print(what, time.perf_counter() - began_s)
    return found


def _print(what: str, seconds: float, also: str = "") -> None:
    sys.stdout.write(f"{what:<36} {seconds:>9.3f} s  {also}\n")
    sys.stdout.flush()


def _new_uuid(at: datetime) -> UUID:
    return make_uuid(at, secrets.token_bytes(RANDOM_BYTES))


def _clock() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main()
