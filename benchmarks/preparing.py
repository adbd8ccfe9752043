"""Databases to measure on: rules that are live, a key that may decide, a table for the peers."""

import asyncio
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg
import yaml
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.servers import HOST
from service.rules import load_rule_set
from service.rulesets import Editor, install
from service.storage import SessionLimits, libpq_url, make_uuid, open_engine, transaction
from service.web import KeyAsked, give_key

__all__ = ["clone_live", "install_rules", "make_peer_table", "requests_of"]

_PERSON: Final = "bench"
_PEER_TABLE: Final = (
    "CREATE TABLE peer_decision (id uuid PRIMARY KEY, rule_set text NOT NULL, external_id text,"
    " verdict text NOT NULL, fit float8 NOT NULL, facts jsonb NOT NULL, rules jsonb NOT NULL,"
    " at timestamptz NOT NULL DEFAULT now())"
)
_LONG: Final = timedelta(minutes=2)
# Preparing is not measured, and a machine that is busy with others takes its time.
_PATIENT: Final = SessionLimits(
    statement=_LONG, idle_in_transaction=_LONG, transaction=_LONG, connect=_LONG
)
_SOURCE: Final = "SELECT source FROM rule_set_version WHERE rule_set = %s AND number = 1"
_CLONE: Final = """
    WITH named AS (
        INSERT INTO rule_set (slug, id, subject, title, created_at, created_by)
        SELECT %(name)s, gen_random_uuid(), subject, title, created_at, created_by
        FROM rule_set WHERE slug = %(model)s
    ), committed AS (
        INSERT INTO rule_set_version (rule_set, number, id, digest, logic_digest, canonical,
            source, author, authors, note, meaning, created_at)
        SELECT %(name)s, number, gen_random_uuid(), %(digest)s, %(logic_digest)s, %(canonical)s,
            %(source)s, author, authors, note, meaning, created_at
        FROM rule_set_version WHERE rule_set = %(model)s
    )
    INSERT INTO rule_set_release (id, rule_set, version, mode, effective_at, created_at,
        released_by, reason)
    SELECT gen_random_uuid(), %(name)s, version, mode, effective_at, created_at, released_by, reason
    FROM rule_set_release WHERE rule_set = %(model)s
"""


def install_rules(url: str, documents: Sequence[Mapping[str, Any]]) -> str:
    """Bring *documents* live in the database at *url*; return a key that may decide and read."""
    return asyncio.run(_install(url, documents))


def make_peer_table(url: str) -> None:
    """Make the one table that the peers keep their decisions in."""
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute(_PEER_TABLE)


def requests_of(
    leads: Iterable[Mapping[str, float]], *, key: str = "", rule_set: str
) -> list[bytes]:
    """Return a whole HTTP request for each of *leads*: the same bytes for everybody."""
    requests = []
    for number, lead in enumerate(leads, start=1):
        body = json.dumps(
            {"rule_set": rule_set, "lead": lead, "external_id": f"crm-{number}"}
        ).encode()
        head = (
            f"POST /v1/qualify HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        requests.append(head.encode() + body)
    return requests


def clone_live(url: str, names: Iterable[str], *, model: str) -> None:
    """Bring a copy of the live rule set *model* live under each of *names*.

    Each has a text and a digest of its own. Installing it would examine it for advice, which
    takes a good part of a second of processor time each.
    """
    with psycopg.connect(libpq_url(url)) as connection:
        row = connection.execute(_SOURCE, (model,)).fetchone()
        if row is None:
            raise LookupError(model)
        document = yaml.safe_load(row[0])
        for name in names:
            source = yaml.safe_dump({**document, "rule_set": name}, sort_keys=False)
            rules = load_rule_set(source)
            given = {
                "name": name,
                "model": model,
                "source": source,
                "digest": rules.digest,
                "logic_digest": rules.logic_digest,
                "canonical": rules.canonical,
            }
            connection.execute(_CLONE, given)


def _fresh(at: datetime) -> UUID:
    return make_uuid(at, randomness=os.urandom(8))


async def _install(url: str, documents: Sequence[Mapping[str, Any]]) -> str:
    engine = open_engine(url, limits=_PATIENT)
    now = datetime.now(UTC)
    try:
        for document in documents:
            async with transaction(engine) as connection:
                await _install_one(connection, document, now)
        async with transaction(engine) as connection:
            asked = KeyAsked(name="bench", person=_PERSON, scopes=["decide", "rules:read"])
            made = await give_key(connection, asked, key_id=_fresh(now), by=_PERSON, at=now)
    finally:
        await engine.dispose()
    return made.key


async def _install_one(
    connection: AsyncConnection, document: Mapping[str, Any], now: datetime
) -> None:
    editor = Editor(person=_PERSON, at=now, new_uuid=_fresh)
    source = yaml.safe_dump(dict(document), sort_keys=False)
    await install(connection, source, editor=editor, note="", reason="to be measured")
