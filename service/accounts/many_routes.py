"""`POST /v1/accounts`: many accounts at a time."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts.keeping import Editor
from service.accounts.keeping_many import Ending, Line, keep_many
from service.accounts.many_schemas import AccountLineSent, AccountsShown
from service.accounts.routes import news_of
from service.web import (
    REFUSALS,
    STREAMED,
    Clock,
    DryRun,
    IdempotencyKey,
    InHouse,
    Many,
    Refusal,
    StrictRoute,
    Visiting,
    WithKey,
    answer_many,
    body_of_many,
)

__all__ = ["many_accounts", "many_routes"]

many_routes = APIRouter(
    prefix="/v1/accounts", tags=["accounts"], route_class=StrictRoute, responses=REFUSALS
)
_LINE: Final = AccountLineSent.model_json_schema(ref_template="#/components/schemas/{model}")
_SCHEMA: Final = {name: part for name, part in _LINE.items() if name != "$defs"}


@many_routes.post(
    "",
    operation_id="keepAccounts",
    response_model=AccountsShown,
    responses=STREAMED,
    openapi_extra=body_of_many(_SCHEMA, a_line="One account"),
)
async def keep_accounts(
    *,
    request: Request,
    house: InHouse,
    caller: WithKey,
    visit: Visiting,
    idempotency_key: IdempotencyKey = None,
    dry_run: DryRun = False,
) -> Response:
    """Make or change up to 1,000 accounts in an array, or any number line by line.

    Each line says something of one account, as PATCH does, and makes it if there is none.
    One that cannot be kept gets a problem and fails no other. An array is kept whole
    before its answer; of a stream every line before its result.
    """
    return await answer_many(
        request,
        many_accounts(caller.person, clock=house.clock, new_uuid=house.new_uuid),
        house=house,
        caller=caller,
        visit=visit,
        idempotency_key=idempotency_key,
        dry_run=dry_run,
    )


def many_accounts(
    person: str, *, clock: Clock, new_uuid: Callable[[datetime], UUID], by: str | None = None
) -> Many[Line]:
    """Return how accounts are read and kept, many at a time, for *person*.

    *by* says what brought them, where it was not the person's own request.
    """

    def editor() -> Editor:
        return Editor(person=person, now=clock(), new_uuid=new_uuid)

    async def keep(
        connection: AsyncConnection, lines: list[Line]
    ) -> Sequence[dict[str, Any] | Refusal]:
        return [_told(ending) for ending in await keep_many(connection, lines, editor())]

    return Many(
        what="no account",
        read=lambda value, at: _read(value, editor(), by=by or person, at=at),
        keep=keep,
        safe_because="sending it again is safe",
    )


def _read(value: object, editor: Editor, *, by: str, at: str) -> Line:
    sent = AccountLineSent.model_validate(value)
    news = news_of(
        sent, now=editor.now, by=by, is_everything=sent.is_everything, pointer=f"{at}/at"
    )
    identities = tuple((one.system, one.id) for one in sent.identities)
    return Line(key=sent.account, news=news, identities=identities, at=at)


def _told(ending: Ending | Refusal) -> dict[str, Any] | Refusal:
    if isinstance(ending, Refusal):
        return ending
    return {"state": ending.state, "outdated": list(ending.outdated)}
