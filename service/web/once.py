"""The usual shape of a POST that stores: one transaction, one answer, safe to repeat."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from service.web.caller import Caller
from service.web.house import House
from service.web.idempotency import Answer, claim_of, run_once

__all__ = ["answer_once"]


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
    claim = claim_of(
        request.headers.get("idempotency-key"),
        key_id=caller.key_id,
        route=f"{request.method} {request.url.path}",
        body=await request.body(),
        kept=timedelta(hours=house.settings.idempotency_kept_h),
    )
    answer = await run_once(house.engine, claim, work, turns=house.turns)
    return answer.to_response()
