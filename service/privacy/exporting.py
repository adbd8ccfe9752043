"""Everything that is held of one person or company, by where it is and when it came."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service import accounts, decisions, rulesets
from service.privacy.asking import Named
from service.privacy.holdings import HOLDINGS
from service.storage import transaction
from service.storage.personal import Holding, Subject, tell
from service.web import rfc3339

__all__ = ["export"]

_LOOKED_AT: Final = 5_000
_AT_ONCE: Final = 500
_LONG: Final = timedelta(minutes=10)
_READABLE: Final = frozenset({"answer", "body"})
"""Columns of bytes that are texts; the others are digests, which tell nobody anything."""


async def export(engine: AsyncEngine, named: Named, *, at: datetime) -> AsyncIterator[bytes]:
    """Yield one JSON object: `sources` maps each table to its rows, the oldest first.

    What is found is what an erasure would clear. It is read piece by piece, so that no session
    waits for a reader who takes his time.
    """
    head = {"known_by": named.kinds, "exported_at": rfc3339(at)}
    yield orjson.dumps(head)[:-1] + b',"sources":{'
    subject = await _find_subject(engine, named)
    yield b'"account":' + orjson.dumps(await _accounts_of(engine, subject), default=str)
    for name, holdings in _by_table().items():
        yield b"," + orjson.dumps(name) + b":["
        is_first = True
        for part in _parts(name, subject):
            for row in await _rows_of(engine, holdings, part):
                yield (b"" if is_first else b",") + orjson.dumps(_shown(row), default=str)
                is_first = False
        yield b"]"
    yield b"}}\n"


async def _find_subject(engine: AsyncEngine, named: Named) -> Subject:
    """Return everything that is known of a subject, its decisions among it."""
    async with _reading(engine) as connection:
        found = await accounts.find_accounts_of(
            connection, emails=named.emails, keys=named.account_keys, identities=named.identities
        )
    ids: set[UUID] = set()
    candidates: set[str] = set()
    mentioning = set(found.mentioning)
    place, are_more = None, bool(named.emails)
    while are_more:
        async with _reading(engine) as connection:
            seen = await decisions.look_through(
                connection, named.emails, after=place, most=_LOOKED_AT
            )
        ids |= set(seen.ids)
        candidates |= seen.external_ids
        mentioning |= seen.accounts
        place, are_more = seen.place, seen.place is not None
    async with _reading(engine) as connection:
        followed = await decisions.followed(connection, sorted(candidates), named.emails)
        subject = Subject(
            emails=named.emails,
            external_ids=tuple(dict.fromkeys((*named.external_ids, *followed))),
            identities=found.identities,
            account_keys=tuple(dict.fromkeys((*found.keys, *named.account_keys))),
            accounts=found.ids,
            mentioning=tuple(mentioning),
        )
        ids |= set(await decisions.find_by_names(connection, subject))
    return replace(subject, decisions=tuple(sorted(ids)))


async def _accounts_of(engine: AsyncEngine, subject: Subject) -> list[Mapping[str, Any]]:
    """Return accounts whole, and of those that only name the person what does so."""
    async with _reading(engine) as connection:
        whole = [_shown(row) for row in await tell(connection, [accounts.ACCOUNT], subject)]
        personal = await rulesets.personal_attributes(connection)
        said = await accounts.read_mentions(
            connection, subject.mentioning, emails=subject.emails, personal=personal
        )
    return [*whole, *said]


def _by_table() -> dict[str, list[Holding]]:
    tables: dict[str, list[Holding]] = {}
    for holding in HOLDINGS:
        tables.setdefault(holding.name, []).append(holding)
    return tables


def _parts(name: str, subject: Subject) -> Iterator[Subject]:
    """Give the subject whole; for the one table that may hold many rows, some decisions a time."""
    if name != "decision":
        yield subject
        return
    for begin in range(0, len(subject.decisions), _AT_ONCE):
        yield Subject(decisions=subject.decisions[begin : begin + _AT_ONCE])


async def _rows_of(
    engine: AsyncEngine, holdings: Sequence[Holding], subject: Subject
) -> Sequence[Row[Any]]:
    async with _reading(engine) as connection:
        return await tell(connection, holdings, subject)


def _shown(row: Row[Any]) -> dict[str, Any]:
    """Return a row without digests, its bytes as the texts they are."""
    told: dict[str, Any] = {}
    for name, value in row._mapping.items():  # noqa: SLF001 - SQLAlchemy's public name for it
        if not isinstance(value, bytes):
            told[name] = value
        elif name in _READABLE:
            told[name] = value.decode(errors="replace")
    return told


@asynccontextmanager
async def _reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    async with transaction(engine, within=_LONG) as connection:
        await connection.execute(text("SET LOCAL statement_timeout = '600s'"))
        yield connection
