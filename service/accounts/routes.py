"""`/v1/accounts`: the companies we serve."""

from datetime import datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response

from service.accounts import store
from service.accounts.keeping import (
    Editor,
    Kept,
    existing_account,
    keep_everything,
    keep_some,
)
from service.accounts.merging import News
from service.accounts.schemas import (
    AccountKey,
    AccountPage,
    AccountShown,
    FactsSent,
    PatchSent,
)
from service.accounts.showing import account_shown
from service.storage import transaction
from service.web import (
    REFUSALS,
    Caller,
    CursorParameter,
    Fault,
    House,
    InHouse,
    Instant,
    LimitParameter,
    Refusal,
    StrictRoute,
    WithKey,
    etag_of,
    is_unchanged,
    link_to_next,
    read_cursor,
    refusals,
    uuid_after,
    write_cursor,
)

__all__ = ["InTheFuture", "account_routes", "news_of"]

account_routes = APIRouter(prefix="/v1/accounts", tags=["accounts"], route_class=StrictRoute)

IfMatch = Annotated[str | None, Header(max_length=1_000, description="The ETag of what you edit.")]
IfNoneMatch = Annotated[
    str | None,
    Header(max_length=1_000, description="On PUT, `*` to make and never replace; on GET, an ETag."),
]
_CONDITIONAL: Final = REFUSALS | refusals(412)
_WORDS: Final = 5
_CLOCKS_DIFFER: Final = timedelta(minutes=5)
# Longer than from the instant a change bears to its commit.
_SETTLED: Final = timedelta(seconds=10)


class InTheFuture(Refusal):
    """News are said to be of a time that has not come."""

    code = "validation_failed"


class FiltersTogether(Refusal):
    """Two ways to find accounts that have different orders."""

    code = "validation_failed"


@account_routes.get("", operation_id="listAccounts", responses=REFUSALS)
async def read_accounts(
    *,
    request: Request,
    response: Response,
    house: InHouse,
    q: Annotated[
        str | None,
        Query(
            max_length=100,
            description=(
                "Up to five words, each the beginning of a word in the key, in `name`, "
                "`company`, `company_name`, `account_name`, `domain` or `website`."
            ),
            examples=["north haul"],
        ),
    ] = None,
    identity: Annotated[
        str | None,
        Query(
            max_length=300,
            pattern=r"^[a-z][a-z0-9_.-]{0,63}:.",
            description="The account's id in another system, as `system:id`.",
            examples=["hubspot:987654321"],
        ),
    ] = None,
    changed_since: Annotated[
        Instant | None,
        Query(
            description=(
                "Those that changed then or later, the longest unchanged first. What changed in "
                "the last ten seconds comes with the next look, so that none is passed by."
            ),
        ),
    ] = None,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> AccountPage:
    """List accounts that are merged into no other, the newest first; all, or those found.

    To follow changes, ask with `changed_since` and go on to the last page; the next time ask
    with the latest `updated_at` of what you have read. An account may come again.
    """
    if changed_since is not None:
        _check_alone(q=q, identity=identity)
        return await _changed(
            changed_since,
            request=request,
            response=response,
            house=house,
            limit=limit,
            cursor=cursor,
        )
    filters = {"q": q, "identity": identity}
    after = uuid_after(cursor, filters=filters)
    system, _, external_id = (identity or "").partition(":")
    async with transaction(house.engine) as connection:
        accounts = await store.list_accounts(
            connection,
            words=(q or "").split()[:_WORDS],
            identity=None if identity is None else (system, external_id),
            after=after,
            limit=limit + 1,
        )
    following = None
    if len(accounts) > limit:
        following = write_cursor((accounts[limit - 1].id,), filters=filters)
        response.headers.update(link_to_next(request, following))
    return AccountPage(
        data=[account_shown(each) for each in accounts[:limit]], next_cursor=following
    )


@account_routes.get(
    "/{key}",
    operation_id="readAccount",
    responses=REFUSALS | {304: {"description": "You have it already"}},
    response_model=AccountShown,
)
async def read_account(
    key: AccountKey, house: InHouse, response: Response, if_none_match: IfNoneMatch = None
) -> AccountShown | Response:
    """Show one account: its facts, and who said each when."""
    async with transaction(house.engine) as connection:
        account = await existing_account(connection, key)
    tag = etag_of(account.row_version)
    if is_unchanged(if_none_match, tag):
        return Response(status_code=304, headers={"ETag": tag})
    response.headers["ETag"] = tag
    return account_shown(account)


@account_routes.put(
    "/{key}",
    operation_id="putAccount",
    responses=_CONDITIONAL | {201: {"model": AccountShown, "description": "Made"}},
)
async def put_account(
    key: AccountKey,
    *,
    sent: FactsSent,
    response: Response,
    house: InHouse,
    caller: WithKey,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> AccountShown:
    """Make an account, or replace everything known of it.

    An attribute that is not mentioned has no value afterwards, unless something later
    than `at` is known of it; `outdated` names the mentioned ones that stayed for that reason.
    """
    editor = _editor(house, caller, if_match=if_match, if_none_match=if_none_match)
    news = news_of(sent, now=editor.now, by=editor.person, is_everything=True)
    async with transaction(house.engine) as connection:
        kept = await keep_everything(connection, key, news=news, editor=editor)
    return _told(kept, response)


@account_routes.patch("/{key}", operation_id="patchAccount", responses=_CONDITIONAL)
async def patch_account(
    key: AccountKey,
    *,
    sent: PatchSent,
    response: Response,
    house: InHouse,
    caller: WithKey,
    if_match: IfMatch = None,
) -> AccountShown:
    """Change some facts of an account; null removes one.

    What is known of a later instant than `at` stays, and `outdated` names it: a source
    may deliver late, twice and out of order.
    """
    editor = _editor(house, caller, if_match=if_match)
    news = news_of(sent, now=editor.now, by=editor.person, is_everything=False)
    async with transaction(house.engine) as connection:
        kept = await keep_some(connection, key, news=news, editor=editor)
    return _told(kept, response)


def _check_alone(**others: str | None) -> None:
    """Check that no other filter is asked for beside `changed_since`.

    Raises:
        FiltersTogether: If one is.
    """
    words = "`changed_since` goes alone; leave the other filter out"
    faults = [
        Fault(code="validation_failed", message=words, parameter=name)
        for name, given in others.items()
        if given is not None
    ]
    if faults:
        raise FiltersTogether(words, faults=faults)


async def _changed(
    since: datetime,
    *,
    request: Request,
    response: Response,
    house: House,
    limit: int,
    cursor: str | None,
) -> AccountPage:
    filters = {"changed_since": since}
    after = None
    if cursor is not None:
        match read_cursor(cursor, filters=filters, shape=(datetime, UUID)):
            case (datetime() as at, UUID() as account_id):
                after = at, account_id
    async with transaction(house.engine) as connection:
        accounts = await store.list_changed(
            connection, since=since, until=house.clock() - _SETTLED, after=after, limit=limit + 1
        )
    following = None
    if len(accounts) > limit:
        last = accounts[limit - 1]
        following = write_cursor((last.updated_at, last.id), filters=filters)
        response.headers.update(link_to_next(request, following))
    return AccountPage(
        data=[account_shown(each) for each in accounts[:limit]], next_cursor=following
    )


def _editor(
    house: House, caller: Caller, *, if_match: str | None, if_none_match: str | None = None
) -> Editor:
    return Editor(
        person=caller.person,
        now=house.clock(),
        new_uuid=house.new_uuid,
        if_match=if_match,
        if_none_match=if_none_match,
    )


def news_of(
    sent: FactsSent | PatchSent,
    *,
    now: datetime,
    by: str,
    is_everything: bool,
    pointer: str = "/at",
) -> News:
    """Return what was sent, and brought *by* somebody, as news at most as new as *now*.

    Raises:
        InTheFuture: If they claim to be more than five minutes newer.
    """
    at = now if sent.at is None else sent.at
    if at - now > _CLOCKS_DIFFER:
        words = "this instant has not come yet; send the time at which the facts were true"
        fault = Fault(code="in_the_future", message=words, pointer=pointer)
        raise InTheFuture(words, faults=[fault])
    return News(
        facts=sent.facts,
        source=sent.source,
        at=min(at, now),
        is_everything=is_everything,
        is_dated=sent.at is not None,
        by=by,
    )


def _told(kept: Kept, response: Response) -> AccountShown:
    response.headers["ETag"] = etag_of(kept.account.row_version)
    if kept.is_new:
        response.status_code = 201
    return account_shown(kept.account, outdated=kept.merged.outdated)
