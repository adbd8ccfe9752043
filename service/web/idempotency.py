"""Idempotency-Key: the same request twice is done once and answered twice alike.

The claim is a value. The room that writes runs it inside its own transaction, so that
the answer is kept exactly when what it tells of is: `run_once` does that for rooms with
a transaction a request; a room that shares transactions writes the rows itself.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar, Final
from weakref import WeakValueDictionary

import orjson
import psycopg
from sqlalchemy import ColumnElement, CursorResult, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from starlette.responses import Response

from service.storage import transaction
from service.storage.tables import IdempotencyRow
from service.web.refusals import Refusal

__all__ = [
    "Answer",
    "AnswerErased",
    "Claim",
    "IdempotencyInProgress",
    "IdempotencyKeyReused",
    "InvalidIdempotencyKey",
    "Turns",
    "claim_of",
    "run_once",
]

WAIT_S: Final = 2.0
_KEY: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\["\\])*)"')


class InvalidIdempotencyKey(Refusal):
    """The header is not one printable ASCII text of 1 to 255 characters."""

    code: ClassVar[str] = "invalid_idempotency_key"


class IdempotencyKeyReused(Refusal):
    """The key was used before, with another body."""

    code: ClassVar[str] = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("this Idempotency-Key came with another body; use a new one")


class IdempotencyInProgress(Refusal):
    """The first request with this key is still running after the wait."""

    code: ClassVar[str] = "idempotency_in_progress"

    def __init__(self) -> None:
        words = "the first request with this Idempotency-Key is still running; ask again"
        super().__init__(words, headers={"Retry-After": "1"})


class AnswerErased(Refusal):
    """The kept answer held facts that were erased since."""

    code: ClassVar[str] = "facts_erased"

    def __init__(self) -> None:
        words = "this was done, and the facts in its answer were erased since; read it by its id"
        super().__init__(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One use of one key: *scope* is the API key's id and the route, hashes are SHA-256."""

    scope: str
    key_hash: bytes
    body_hash: bytes
    kept: timedelta

    @property
    def name(self) -> tuple[str, bytes]:
        """What two uses of one key have in common."""
        return self.scope, self.key_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A 2xx answer as bytes, so that it can be kept and given again."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    is_replayed: bool = False

    @classmethod
    def of(
        cls, value: object, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> "Answer":
        """Return the answer whose body is *value* as JSON."""
        return cls(body=orjson.dumps(value), status=status, headers=headers or {})

    def to_response(self) -> Response:
        """Return what goes out."""
        headers = dict(self.headers)
        if self.is_replayed:
            headers["Idempotency-Replayed"] = "true"
        return Response(
            self.body, status_code=self.status, headers=headers, media_type="application/json"
        )


def claim_of(
    header: str | None, *, key_id: object, route: str, body: bytes, kept: timedelta
) -> Claim | None:
    """Return the claim that the `Idempotency-Key` *header* makes; None without a header.

    The key may be quoted (a structured-field string) or not: both are the same key.
    *route* is method and path with its parameters filled in.

    Raises:
        InvalidIdempotencyKey: If the header is no key of 1 to 255 printable characters.
    """
    if header is None:
        return None
    key = header.strip()
    quoted = _QUOTED.fullmatch(key)
    if quoted is not None:
        key = re.sub(r'\\(["\\])', r"\1", quoted[1])
    if _KEY.fullmatch(key) is None:
        words = "an Idempotency-Key is 1 to 255 printable ASCII characters; a UUID is a good one"
        raise InvalidIdempotencyKey(words)
    return Claim(
        scope=f"{key_id} {route}",
        key_hash=hashlib.sha256(key.encode()).digest(),
        body_hash=hashlib.sha256(body).digest(),
        kept=kept,
    )


class Turns:
    """Lets this process's uses of one key go one after the other.

    Duplicates wait here without holding a database session; those of other processes
    wait on the row itself.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[tuple[str, bytes], asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def taken(self, claim: Claim) -> AsyncIterator[None]:
        """Hold the turn of *claim*'s key.

        Raises:
            IdempotencyInProgress: If another request holds it for longer than the wait.
        """
        lock = self._locks.setdefault(claim.name, asyncio.Lock())
        try:
            async with asyncio.timeout(WAIT_S):
                await lock.acquire()
        except TimeoutError:
            raise IdempotencyInProgress from None
        try:
            yield
        finally:
            lock.release()


async def run_once(
    engine: AsyncEngine,
    claim: Claim | None,
    work: Callable[[AsyncConnection], Awaitable[Answer]],
    *,
    turns: Turns,
) -> Answer:
    """Run *work* in a transaction of its own and return its answer once that is committed.

    With a *claim*, the answer is kept in the same transaction, and a repeat gets it back
    without *work* running again. What raises keeps nothing.

    Raises:
        IdempotencyKeyReused: If the key came before with another body.
        IdempotencyInProgress: If the first use is still running after two seconds.
        AnswerErased: If the answer is gone, because the facts in it were erased.
    """
    if claim is None:
        async with transaction(engine) as connection:
            return await work(connection)
    async with turns.taken(claim), transaction(engine) as connection:
        kept = await _take(connection, claim)
        if kept is not None:
            return kept
        answer = await work(connection)
        await connection.execute(
            update(IdempotencyRow)
            .where(_is(claim))
            .values(status=answer.status, answer=answer.body, headers=dict(answer.headers))
        )
        return answer


async def _take(connection: AsyncConnection, claim: Claim) -> Answer | None:
    """Return the kept answer, or None where this transaction now holds the claim."""
    await connection.execute(
        delete(IdempotencyRow).where(_is(claim), IdempotencyRow.expires_at <= func.now())
    )
    if await _insert(connection, claim):
        return None
    row = (
        await connection.execute(
            select(
                IdempotencyRow.body_hash,
                IdempotencyRow.status,
                IdempotencyRow.answer,
                IdempotencyRow.headers,
            ).where(_is(claim))
        )
    ).one()
    if row.body_hash != claim.body_hash:
        raise IdempotencyKeyReused
    if row.answer is None:
        raise AnswerErased
    return Answer(body=row.answer, status=row.status, headers=row.headers or {}, is_replayed=True)


async def _insert(connection: AsyncConnection, claim: Claim) -> bool:
    """Try to write the claim's row; wait for whoever is writing it now."""
    row = insert(IdempotencyRow).values(
        scope=claim.scope,
        key_hash=claim.key_hash,
        body_hash=claim.body_hash,
        status=200,
        created_at=func.now(),
        expires_at=func.now() + claim.kept,
    )
    statement = row.on_conflict_do_nothing().returning(IdempotencyRow.status)
    try:
        result: CursorResult[tuple[int]] = await connection.execute(statement)
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.errors.LockNotAvailable):
            raise IdempotencyInProgress from None
        raise
    return result.first() is not None


def _is(claim: Claim) -> ColumnElement[bool]:
    return (IdempotencyRow.scope == claim.scope) & (IdempotencyRow.key_hash == claim.key_hash)
