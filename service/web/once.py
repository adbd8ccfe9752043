"""The usual shape of a POST that stores: one transaction, one answer, safe to repeat."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import psycopg
from sqlalchemy import ColumnElement, CursorResult, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from starlette.requests import Request
from starlette.responses import Response

from service.storage import transaction
from service.storage.tables import IdempotencyRow
from service.web.caller import Caller
from service.web.house import House
from service.web.idempotency import (
    Answer,
    AnswerErased,
    Claim,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    claim_of,
)
from service.web.turns import Turns

__all__ = ["answer_once", "answered_before", "find_kept", "run_once"]


async def answer_once(
    request: Request,
    work: Callable[[AsyncConnection], Awaitable[Answer]],
    *,
    house: House,
    caller: Caller,
) -> Response:
    """Run *work* in a transaction and respond with its answer after the commit.

    Under an Idempotency-Key the answer is kept with what it tells of; a repeat gets it
    again, byte for byte. Refusals as `run_once`'s.
    """
    claim = await _claim_in(request, house, caller)
    answer = await run_once(house.engine, claim, work, turns=house.turns)
    return answer.to_response()


async def answered_before(request: Request, *, house: House, caller: Caller) -> Response | None:
    """Return the answer kept for this request, None where there is none yet.

    For a room that has long work to do before its transaction: `answer_once` asks again
    in the transaction itself. Refusals as `run_once`'s.
    """
    claim = await _claim_in(request, house, caller)
    if claim is None:
        return None
    async with transaction(house.engine) as connection:
        kept = await find_kept(connection, claim)
    return None if kept is None else kept.to_response()


async def _claim_in(request: Request, house: House, caller: Caller) -> Claim | None:
    return claim_of(
        request.headers.get("idempotency-key"),
        key_id=caller.key_id,
        route=f"{request.method} {request.url.path}",
        body=await request.body(),
        kept=timedelta(hours=house.settings.idempotency_kept_h),
    )


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
    return None if await _insert(connection, claim) else await find_kept(connection, claim)


async def find_kept(connection: AsyncConnection, claim: Claim) -> Answer | None:
    """Return the answer that is kept under the claim's key and not expired."""
    row = (
        await connection.execute(
            select(
                IdempotencyRow.body_hash,
                IdempotencyRow.status,
                IdempotencyRow.answer,
                IdempotencyRow.headers,
            ).where(_is(claim), IdempotencyRow.expires_at > func.now())
        )
    ).first()
    if row is None:
        return None
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
