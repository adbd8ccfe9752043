"""Accounts by their names in other systems, and two accounts that are one company."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.accounts import identity_store
from service.accounts.event_routes import Entering
from service.accounts.identifying import forget, identify
from service.accounts.identity_schemas import (
    IdentitiesShown,
    IdentityShown,
    MergePage,
    MergeSent,
    MergeShown,
    UndoSent,
    UnitedShown,
)
from service.accounts.keeping import existing_account
from service.accounts.schemas import AccountKey
from service.accounts.showing import account_shown
from service.accounts.store import find_named
from service.accounts.uniting import part, unite
from service.storage import parse_id, to_text, transaction
from service.web import (
    REFUSALS,
    Answer,
    CursorParameter,
    InHouse,
    LimitParameter,
    StrictRoute,
    WithKey,
    answer_once,
    page_of,
    rfc3339,
    uuid_after,
)

__all__ = ["identity_routes"]

identity_routes = APIRouter(
    prefix="/v1", tags=["accounts"], route_class=StrictRoute, responses=REFUSALS
)
System = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_.-]{0,63}$", examples=["hubspot"])]
ForeignId = Annotated[
    str,
    Path(
        pattern=r"^[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]{0,198}[^\s\x00-\x1f\x7f])?$",
        description="Its id there: 1 to 200 characters, no slash.",
        examples=["987654321"],
    ),
]


@identity_routes.get(
    "/accounts/{key}/identities", operation_id="listIdentities", response_model=IdentitiesShown
)
async def read_identities(key: AccountKey, house: InHouse) -> dict[str, Any]:
    """List under which ids other systems know an account, and those merged into it."""
    async with transaction(house.engine) as connection:
        account = await existing_account(connection, key)
        rows = await identity_store.list_identities(connection, account.id)
    return {
        "data": [
            _identity_shown(row.system, row.external_id, row.key, rfc3339(row.created_at))
            for row in rows
        ]
    }


@identity_routes.put(
    "/accounts/{key}/identities/{system}/{id}",
    operation_id="putIdentity",
    response_model=IdentityShown,
    responses={201: {"model": IdentityShown, "description": "Given"}},
)
async def put_identity(
    *,
    key: AccountKey,
    system: System,
    id: ForeignId,  # noqa: A002 - the address calls it so
    response: Response,
    house: InHouse,
    caller: WithKey,
) -> dict[str, Any]:
    """Let an account be found by its id in another system. Each id leads to one account."""
    identity, now = (system, id), house.clock()
    async with transaction(house.engine) as connection:
        is_new = await identify(connection, key, identity=identity, person=caller.person, now=now)
        bearer = await identity_store.find_identity(connection, identity)
    if bearer is None:
        raise AssertionError("an identity that was given a moment ago is there")
    response.status_code = 201 if is_new else 200
    return _identity_shown(system, id, bearer.key, rfc3339(bearer.created_at))


@identity_routes.delete(
    "/accounts/{key}/identities/{system}/{id}", operation_id="deleteIdentity", status_code=204
)
async def delete_identity(
    *,
    key: AccountKey,
    system: System,
    id: ForeignId,  # noqa: A002 - the address calls it so
    house: InHouse,
    caller: WithKey,
) -> None:
    """Let an account no longer be found by this id. What was told under it stays."""
    async with transaction(house.engine) as connection:
        await forget(
            connection, key, identity=(system, id), person=caller.person, now=house.clock()
        )


@identity_routes.post(
    "/accounts/{key}/merge",
    operation_id="mergeAccount",
    response_model=UnitedShown,
)
async def merge_account(
    *,
    key: AccountKey,
    sent: MergeSent,
    request: Request,
    house: InHouse,
    caller: WithKey,
    clerk: Entering,
) -> Response:
    """Let another account stand for this one, because both are one company.

    Its key and its identities lead to the other one from then on; facts are combined
    attribute by attribute; events count together. Nothing is moved, so that it can be
    undone exactly.
    """

    async def work(connection: AsyncConnection) -> Answer:
        united = await unite(
            connection,
            key,
            into=sent.into,
            reason=sent.reason,
            is_dry=sent.dry_run,
            clerk=clerk,
        )
        return Answer.of(
            {
                "merge": None if united.merge is None else _merge_shown(united.merge),
                "account": account_shown(united.account).model_dump(),
                "changed": list(united.changed),
            }
        )

    return await answer_once(request, work, house=house, caller=caller)


@identity_routes.get("/account-merges", operation_id="listMerges", response_model=MergePage)
async def read_merges(
    *,
    request: Request,
    response: Response,
    house: InHouse,
    account: Annotated[str | None, Query(max_length=200, description="The key of either.")] = None,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List merges, undone ones too, the newest first."""
    filters = {"account": account}
    after = uuid_after(cursor, filters=filters)
    async with transaction(house.engine) as connection:
        named = None if account is None else await find_named(connection, account)
        nobody = account is not None and named is None
        rows = [] if nobody else await identity_store.list_merges(
            connection,
            account_id=None if named is None else named.id,
            after=after,
            limit=limit + 1,
        )  # fmt: skip
    return page_of(
        rows,
        show=_merge_shown,
        position=lambda row: (row.id,),
        limit=limit,
        filters=filters,
        request=request,
        response=response,
    )


@identity_routes.post(
    "/account-merges/{id}/undo", operation_id="undoMerge", response_model=MergeShown
)
async def undo_merge(
    *,
    id: str,  # noqa: A002 - the address calls it so
    sent: UndoSent,
    request: Request,
    house: InHouse,
    caller: WithKey,
    clerk: Entering,
) -> Response:
    """Let two accounts be two again, each as if they had never been one.

    What was told of either of them meanwhile stays with the one that its source named.
    """
    merge_id = parse_id(id, "mrg")

    async def work(connection: AsyncConnection) -> Answer:
        return Answer.of(
            _merge_shown(await part(connection, merge_id, reason=sent.reason, clerk=clerk))
        )

    return await answer_once(request, work, house=house, caller=caller)


def _identity_shown(system: str, external_id: str, account: str, since: str) -> dict[str, Any]:
    return {"system": system, "id": external_id, "account": account, "since": since}


def _merge_shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": to_text("mrg", row.id),
        "account": row.account_key,
        "into": row.into_key,
        "reason": row.reason,
        "merged_at": rfc3339(row.merged_at),
        "merged_by": row.merged_by,
        "undone_at": None if row.undone_at is None else rfc3339(row.undone_at),
        "undone_by": row.undone_by,
        "undone_reason": row.undone_reason,
    }
