"""Accounts with a ledger, judged by the template for accounts, and statements of them."""

import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import orjson
import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from service.bulk.rescoring_working import carry_out
from service.portfolio import (
    Position,
    Statement,
    read_positions,
    read_statement,
    scenario_store,
    taking,
)
from service.portfolio import store as portfolio_store
from service.portfolio.agreeing import Asked
from service.portfolio.asking import ask_for
from service.portfolio.scenario_working import work_out
from service.rescorings import store as rescoring_store
from service.rules.templates import read_template
from service.rulesets import Editor, LiveRules, Running, install
from service.storage import RANDOM_BYTES, libpq_url, make_uuid, transaction

__all__ = ["FACTS", "SLUG", "Entry", "add_accounts", "add_entries", "live_template"]
__all__ += ["merge", "now", "state_now", "take_statement", "taken", "work_out_all"]

SLUG: Final = "account_portfolio"
FACTS: Final[Mapping[str, Any]] = {
    "customer_since": "2020-02-29",
    "segment": "core",
    "employees": 400,
    "must_haves_met": 95,
    "core_use": True,
    "potential_revenue": 200_000,
    "sponsor": True,
    "usage_trend": "rising",
    "budget_next_year": True,
    "hours_sold": 200,
    "price_to_list": 100,
    "price_since": "2026-06-01",
}
"""Of an account that would be a strong partner if it paid."""
_LEASE: Final = timedelta(seconds=30)

Entry = tuple[str, str, datetime, Decimal | None, Mapping[str, Any]]
"""Account, kind, when it happened, amount, quantities."""


def now() -> datetime:
    """Return the present."""
    return datetime.now(UTC)


def _uuid(at: datetime) -> UUID:
    return make_uuid(at, secrets.token_bytes(RANDOM_BYTES))


async def live_template(engine: AsyncEngine) -> Running:
    """Make the template live and return it."""
    editor = Editor(person="ann@example.com", at=now(), new_uuid=_uuid)
    async with transaction(engine, within=timedelta(seconds=30)) as connection:
        await install(connection, read_template(SLUG), editor=editor, note="", reason="a test")
    return await LiveRules(engine, timer=lambda: 0.0).version_at(SLUG, now())


def add_accounts(url: str, accounts: Mapping[str, Mapping[str, Any]]) -> dict[str, UUID]:
    """Store accounts with these facts and return their ids by key."""
    made = {key: _uuid(now()) for key in accounts}
    query = (
        b"INSERT INTO account (id, key, facts, provenance, row_version, created_at, updated_at)"
        b" VALUES (%s, %s, %s, '{}', 1, now(), now())"
    )
    with psycopg.connect(libpq_url(url)) as connection:
        connection.cursor().executemany(
            query,
            [
                (made[key], key, orjson.dumps(dict(facts)).decode())
                for key, facts in accounts.items()
            ],
        )
    return made


def add_entries(url: str, ids: Mapping[str, UUID], entries: Iterable[Entry]) -> list[UUID]:
    """Enter what happened, recorded now, and return the entries' ids."""
    at = now()
    rows = [
        (_uuid(at), ids[key], kind, when, amount, orjson.dumps(dict(told)).decode(),
         secrets.token_hex(8), secrets.token_bytes(16), at)
        for key, kind, when, amount, told in entries
    ]  # fmt: skip
    query = (
        b"INSERT INTO account_event (id, account_id, kind, at, amount, quantities, source,"
        b" source_event_id, digest, recorded_at, recorded_by)"
        b" VALUES (%s, %s, %s, %s, %s, %s, 'billing', %s, %s, %s, 'a test')"
    )
    with psycopg.connect(libpq_url(url)) as connection:
        connection.cursor().executemany(query, rows)
    return [row[0] for row in rows]


def merge(url: str, one: UUID, into: UUID) -> None:
    """Let one account stand for another, and for whatever that stood for."""
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute(
            "UPDATE account SET merged_into = %s WHERE id = %s OR merged_into = %s",
            [into, one, one],
        )


async def take_statement(
    engine: AsyncEngine, url: str, running: Running, asked: Asked | None = None
) -> Statement:
    """Rescore as of now and take a statement of it, in this process."""
    editor = Editor(person="ann@example.com", at=now(), new_uuid=_uuid)
    async with transaction(engine) as connection:
        row = await ask_for(connection, running, editor=editor, asked=asked or Asked())
        rescoring = await rescoring_store.claim(connection, row.rescoring_id, lease=_LEASE)
    assert rescoring is not None
    await carry_out(rescoring, running, engine=engine, url=url, clock=now, tell=lambda *_: None)
    async with transaction(engine) as connection:
        claimed = await portfolio_store.claim(connection, row.id, lease=_LEASE)
    assert claimed is not None
    await taking.take(claimed, running, engine=engine, clock=now)
    async with transaction(engine) as connection:
        statement = await read_statement(connection, running.slug)
    assert statement.id == row.id
    return statement


async def state_now(
    engine: AsyncEngine, running: Running, *, meanwhile: Callable[[], None] = lambda: None
) -> Statement:
    """Take a statement without deciding anybody anew; something else happens before it is taken."""
    editor = Editor(person="ann@example.com", at=now(), new_uuid=_uuid)
    async with transaction(engine) as connection:
        row = await ask_for(connection, running, editor=editor, asked=Asked())
        await connection.execute(text("UPDATE rescoring SET state = 'done'"))
    meanwhile()
    async with transaction(engine) as connection:
        claimed = await portfolio_store.claim(connection, row.id, lease=_LEASE)
    assert claimed is not None
    await taking.take(claimed, running, engine=engine, clock=now)
    async with transaction(engine) as connection:
        return await read_statement(connection, running.slug)


async def work_out_all(engine: AsyncEngine) -> int:
    """Work out all scenarios that wait, in this process; return how many those were."""
    live, number = LiveRules(engine, timer=lambda: 0.0), 0
    while True:
        async with transaction(engine) as connection:
            row = await scenario_store.claim(connection, lease=_LEASE)
        if row is None:
            return number
        await work_out(row, live, engine=engine, clock=now)
        number += 1


async def taken(engine: AsyncEngine, statement: Statement) -> dict[str, Position]:
    """Return the positions of a statement by account key."""
    async with transaction(engine) as connection:
        return {one.key: one async for one in read_positions(connection, statement)}
