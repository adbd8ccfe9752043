"""Stored accounts by the thousand, a version live for them, and what became of them."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from sqlalchemy.ext.asyncio import AsyncEngine

from service.rulesets import Editor, LiveRules, Running, install
from service.storage import RANDOM_BYTES, libpq_url, make_uuid, transaction

__all__ = ["RULES", "decisions_per_account", "fill", "go_live", "new_uuid", "running_of"]
__all__ += ["standing_of"]

RULES: Final = """\
rule_set: book
subject: account
title: Our book of accounts
missing: ask
attributes:
  vehicles: {type: number, min: 0, max: 10000, ask: How many?}
  plan: {type: choice, choices: [basic, pro], other: true}
  paid: {type: flag}
  since: {type: date}
  email: {type: text, fold: true}
derived:
  host: registrable_domain(email)
gates:
  - {id: ours, when: 'host == "ours.example"', then: bad}
scores:
  fit:
    floor: 0
    ceiling: 100
    groups:
      - id: size
        mode: first
        rules:
          - {id: large, when: vehicles >= 100, points: 40}
          - {id: some, when: vehicles >= 10, points: 20}
      - id: money
        mode: sum
        rules:
          - {id: pays, when: paid, points: 25}
          - {id: pro, when: plan == "pro", points: 15}
          - {id: loyal, when: age_months(since) >= 12, points: 20}
outcomes:
  - {id: good, verdict: qualify, when: fit >= 60}
  - {id: fair, verdict: review, when: fit >= 25}
  - {id: bad, verdict: disqualify}
"""
# Facts as sources send them: complete, missing, written as texts, and not readable at all.
_FACTS: Final = """
    jsonb_strip_nulls(jsonb_build_object(
        'vehicles', CASE n % 7 WHEN 0 THEN NULL WHEN 1 THEN to_jsonb((n % 300)::text)
            WHEN 2 THEN '"many"' WHEN 3 THEN to_jsonb(n % 300 + 0.25) ELSE to_jsonb(n % 300) END,
        'plan', CASE n % 8 WHEN 0 THEN 'basic' WHEN 1 THEN 'pro' WHEN 2 THEN ' pro '
            WHEN 3 THEN E'a "plan" \\\\ with\ttabs \\N and\nlines, ünder İ' WHEN 4 THEN 'basic'
            WHEN 5 THEN 'pro' WHEN 6 THEN ' pro ' END,
        'paid', CASE n % 5 WHEN 0 THEN NULL WHEN 1 THEN '"yes"' WHEN 2 THEN 'true'
            WHEN 3 THEN 'false' ELSE '7' END::jsonb,
        'since', CASE n % 3 WHEN 0 THEN '2020-02-29' WHEN 1 THEN '2026-01-01T23:30:00-02:00' END,
        'email', CASE n % 11 WHEN 0 THEN 'someone@OURS.example' ELSE 'a' || n || '@b.example' END,
        'unknown_to_the_rules', 12345678901234567890123
    ))
"""


def new_uuid(at: datetime) -> UUID:
    """Return a fresh id."""
    return make_uuid(at, secrets.token_bytes(RANDOM_BYTES))


def fill(url: str, count: int) -> None:
    """Store *count* accounts."""
    query = (
        "INSERT INTO account (id, key, facts, provenance, row_version, created_at, updated_at)"  # noqa: S608 - our own texts
        f" SELECT md5(n::text)::uuid, 'account-' || n, {_FACTS}, '{{}}', 1, now(), now()"
        f" FROM generate_series(1, {count}) AS n"
    )
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute(query.encode())


async def go_live(engine: AsyncEngine, text: str = RULES) -> Running:
    """Make *text* live, and return it once it is."""
    editor = Editor(person="ann@example.com", at=datetime.now(UTC), new_uuid=new_uuid)
    async with transaction(engine, within=timedelta(seconds=30)) as connection:
        version = await install(connection, text, editor=editor, note="", reason="a test")
    async with asyncio.timeout(10):
        while (running := await running_of(engine)).version != version.version:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.1)
    return running


async def running_of(engine: AsyncEngine) -> Running:
    """Return what is live now."""
    return await LiveRules(engine, timer=lambda: 0.0).version_at("book", datetime.now(UTC))


def standing_of(url: str) -> dict[str, dict[str, Any]]:
    """Return how each account stands, by key, and what its current decision holds; no ids."""
    query = """
        SELECT account.key, stands.at,
            jsonb_build_array(stands.version, stands.verdict, stands.outcome) AS assessed,
            jsonb_build_array(decided.verdict, decided.outcome, decided.certain) AS decided,
            decided.scores, decided.facts, decided.trace, decided.tabled, decided.data_problems,
            decided.digest, decided.source
        FROM assessment AS stands JOIN account ON account.id = stands.account_id
        JOIN decision AS decided
            ON decided.decided_at = stands.at AND decided.id = stands.decision_id
    """
    with psycopg.connect(libpq_url(url), row_factory=dict_row) as connection:
        return {row["key"]: row for row in connection.execute(query)}


def decisions_per_account(url: str) -> dict[int, int]:
    """Return how many accounts have how many decisions."""
    query = """
        SELECT decisions, count(*) FROM (
            SELECT account.id, count(decision.id) AS decisions FROM account
            LEFT JOIN decision ON decision.account_id = account.id GROUP BY account.id
        ) AS counted GROUP BY decisions
    """
    with psycopg.connect(libpq_url(url)) as connection:
        return dict(connection.execute(query).fetchall())
