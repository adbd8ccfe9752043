"""`/v1/overrides`: a person decides otherwise, with a reason; what the rules said stays."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts import AccountKey
from service.decisions import override_store
from service.decisions.desk import AtDesk, Desk
from service.decisions.override_schemas import (
    AccountOverrideSent,
    OverridePage,
    OverrideSent,
    OverrideShown,
    WithdrawalSent,
)
from service.decisions.override_showing import override_told
from service.decisions.override_store import Filters
from service.decisions.overriding import (
    Overruled,
    Word,
    existing_override,
    override,
    overruled_account,
    overruled_decision,
    withdraw,
)
from service.rulesets import Editor
from service.storage import parse_id, transaction
from service.web import (
    REFUSALS,
    Answer,
    Caller,
    CursorParameter,
    InHouse,
    LimitParameter,
    StrictRoute,
    WithKey,
    answer_once,
    page_of,
    uuid_after,
)

__all__ = ["override_routes"]

override_routes = APIRouter(
    prefix="/v1", tags=["overrides"], route_class=StrictRoute, responses=REFUSALS
)
_Text = Annotated[str | None, Query(max_length=255)]


async def _editor_of(house: InHouse, caller: WithKey) -> Editor:
    return Editor(person=caller.person, at=house.clock(), new_uuid=house.new_uuid)


Editing = Annotated[Editor, Depends(_editor_of)]


@override_routes.post(
    "/decisions/{id}/override",
    operation_id="overrideDecision",
    status_code=201,
    response_model=OverrideShown,
)
async def override_decision(
    *,
    id: str,  # noqa: A002 - the address calls it so
    sent: OverrideSent,
    request: Request,
    desk: AtDesk,
    caller: WithKey,
    editor: Editing,
) -> Response:
    """Decide one decision otherwise, as the key's person.

    What the rules decided stays stored and replays as before. An override of the same
    decision that is in force is replaced.
    """
    overruled = await overruled_decision(parse_id(id, "dec"), desk)
    return await _overridden(request, overruled, sent, desk=desk, caller=caller, editor=editor)


@override_routes.post(
    "/accounts/{key}/overrides",
    operation_id="overrideAccount",
    status_code=201,
    response_model=OverrideShown,
)
async def override_account(
    *,
    key: AccountKey,
    sent: AccountOverrideSent,
    request: Request,
    desk: AtDesk,
    caller: WithKey,
    editor: Editing,
) -> Response:
    """Decide how an account stands under one rule set, as the key's person.

    It counts at once, and for every later decision by `account_key`, until it expires or is
    withdrawn. An override of the same account under the same rules is replaced.
    """
    overruled = await overruled_account(key, desk, rule_set=sent.rule_set)
    return await _overridden(request, overruled, sent, desk=desk, caller=caller, editor=editor)


@override_routes.get("/overrides", operation_id="listOverrides", response_model=OverridePage)
async def list_them(
    *,
    request: Request,
    response: Response,
    house: InHouse,
    rule_set: Annotated[str | None, Query(max_length=64)] = None,
    person: _Text = None,
    in_force: Annotated[bool | None, Query(description="Neither ended nor expired.")] = None,
    account: Annotated[_Text, Query(description="An account's key.")] = None,
    decision: Annotated[_Text, Query(description="A decision's id.")] = None,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List overrides, the newest first."""
    filters = Filters(
        rule_set=rule_set,
        person=person,
        in_force=in_force,
        account=account,
        decision=None if decision is None else parse_id(decision, "dec"),
    )
    at = house.clock()
    before = uuid_after(cursor, filters=filters.to_json())
    async with transaction(house.engine) as connection:
        rows = await override_store.list_overrides(
            connection, filters, at=at, before=before, limit=limit + 1
        )
    return page_of(
        rows,
        show=lambda row: override_told(row, at=at),
        position=lambda row: (row.id,),
        limit=limit,
        filters=filters.to_json(),
        request=request,
        response=response,
    )


@override_routes.get("/overrides/{id}", operation_id="readOverride", response_model=OverrideShown)
async def read(
    *,
    id: str,  # noqa: A002 - the address calls it so
    house: InHouse,
) -> Response:
    """Return one override, and how it ended."""
    async with transaction(house.engine) as connection:
        row = await existing_override(connection, parse_id(id, "ovr"))
    return Answer.of(override_told(row, at=house.clock())).to_response()


@override_routes.post(
    "/overrides/{id}/withdraw", operation_id="withdrawOverride", response_model=OverrideShown
)
async def withdraw_it(
    *,
    id: str,  # noqa: A002 - the address calls it so
    sent: WithdrawalSent,
    request: Request,
    house: InHouse,
    caller: WithKey,
    editor: Editing,
) -> Response:
    """End an override: from now on the rules' word counts again."""
    override_id = parse_id(id, "ovr")

    async def work(connection: AsyncConnection) -> Answer:
        await withdraw(connection, override_id, reason=sent.reason, editor=editor)
        return await _answer(connection, override_id, editor, status=200)

    return await answer_once(request, work, house=house, caller=caller)


async def _overridden(
    request: Request,
    overruled: Overruled,
    sent: OverrideSent,
    *,
    desk: Desk,
    caller: Caller,
    editor: Editor,
) -> Response:
    word = Word(
        verdict=sent.verdict,
        outcome=sent.outcome,
        action=sent.action,
        message=sent.message,
        reason=sent.reason,
        expires_at=sent.expires_at,
    )

    async def work(connection: AsyncConnection) -> Answer:
        override_id = await override(connection, overruled, word, editor=editor)
        return await _answer(connection, override_id, editor, status=201)

    return await answer_once(request, work, house=desk.house, caller=caller)


async def _answer(
    connection: AsyncConnection, override_id: UUID, editor: Editor, *, status: int
) -> Answer:
    shown = override_told(await existing_override(connection, override_id), at=editor.at)
    headers = {"Location": f"/v1/overrides/{shown['id']}"} if status == 201 else {}
    return Answer.of(shown, status=status, headers=headers)
