"""`/v1/backtests`: try a draft or a version on the past, and see who would flip and why."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import StreamingResponse

from service.backtests import store
from service.backtests.asking import BacktestAsked, ask, cancel, existing_backtest, resume
from service.backtests.downloading import MEDIA_TYPES, FileFormat, file_of
from service.backtests.flip_metrics import FlipMetrics
from service.backtests.schemas import BacktestPage, BacktestSent, BacktestShown, FlipPage
from service.backtests.showing import backtest_shown, flip_shown, head_shown
from service.rulesets import Editor, Live, reviews_of
from service.storage import parse_id, transaction
from service.web import (
    REFUSALS,
    Answer,
    CursorParameter,
    InHouse,
    LimitParameter,
    StrictRoute,
    WithKey,
    answer_once,
    instant_after,
    page_of,
    uuid_after,
)

__all__ = ["backtest_routes"]

backtest_routes = APIRouter(
    prefix="/v1/backtests", tags=["backtests"], route_class=StrictRoute, responses=REFUSALS
)
_FILES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "A page of flips, or with `format` all of them as a file",
        "content": {
            media_type.split(";")[0]: {"schema": {"type": "string"}}
            for media_type in MEDIA_TYPES.values()
        },
    }
}


async def _editor_of(house: InHouse, caller: WithKey) -> Editor:
    return Editor(person=caller.person, at=house.clock(), new_uuid=house.new_uuid)


Editing = Annotated[Editor, Depends(_editor_of)]


@backtest_routes.post("", operation_id="askBacktest", status_code=202, response_model=BacktestShown)
async def ask_for_one(
    *, sent: BacktestSent, request: Request, house: InHouse, caller: WithKey, editor: Editing
) -> Response:
    """Try a draft or a version on stored decisions.

    The answer comes at once; the work goes on beside the requests. Read the backtest for
    its progress. What is tried is the draft as it is now, whatever becomes of it meanwhile.
    """
    asked = BacktestAsked(
        rule_set=sent.rule_set,
        draft=sent.draft,
        version=sent.version,
        base=sent.base,
        against=sent.against,
        since=sent.window.since,
        until=sent.window.until,
        revenue=sent.revenue,
    )

    async def work(connection: AsyncConnection) -> Answer:
        return await _answer(connection, await ask(connection, asked, editor=editor), status=202)

    return await answer_once(request, work, house=house, caller=caller)


@backtest_routes.get("", operation_id="listBacktests", response_model=BacktestPage)
async def list_them(
    *,
    request: Request,
    response: Response,
    house: InHouse,
    rule_set: Annotated[str | None, Query(max_length=64)] = None,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List backtests, the newest first."""
    filters = {"backtests": rule_set or "all"}
    before = uuid_after(cursor, filters=filters)
    async with transaction(house.engine) as connection:
        rows = await store.list_backtests(
            connection, rule_set=rule_set, before=before, limit=limit + 1
        )
    return page_of(
        rows,
        show=head_shown,
        position=lambda row: (row.id,),
        limit=limit,
        filters=filters,
        request=request,
        response=response,
    )


@backtest_routes.get("/{id}", operation_id="readBacktest", response_model=BacktestShown)
async def read(
    *,
    id: str,  # noqa: A002 - the address calls it so
    house: InHouse,
) -> Response:
    """Return a backtest: how far it is, and what it found so far."""
    async with transaction(house.engine) as connection:
        row = await existing_backtest(connection, parse_id(id, "bt"))
        answer = await _answer(connection, row)
    return answer.to_response()


@backtest_routes.post("/{id}/cancel", operation_id="cancelBacktest", response_model=BacktestShown)
async def cancel_it(
    *,
    id: str,  # noqa: A002 - the address calls it so
    request: Request,
    house: InHouse,
    caller: WithKey,
    editor: Editing,
) -> Response:
    """Stop a backtest; what was found so far stays."""

    async def work(connection: AsyncConnection) -> Answer:
        row = await cancel(connection, parse_id(id, "bt"), editor=editor)
        return await _answer(connection, row)

    return await answer_once(request, work, house=house, caller=caller)


@backtest_routes.post("/{id}/resume", operation_id="resumeBacktest", response_model=BacktestShown)
async def resume_it(
    *,
    id: str,  # noqa: A002 - the address calls it so
    request: Request,
    house: InHouse,
    caller: WithKey,
    editor: Editing,
) -> Response:
    """Go on with a backtest that was cancelled or failed, from where it stopped."""

    async def work(connection: AsyncConnection) -> Answer:
        row = await resume(connection, parse_id(id, "bt"), editor=editor)
        return await _answer(connection, row)

    return await answer_once(request, work, house=house, caller=caller)


@backtest_routes.get(
    "/{id}/flips", operation_id="listFlips", response_model=FlipPage, responses=_FILES
)
async def flips(
    *,
    id: str,  # noqa: A002 - the address calls it so
    request: Request,
    response: Response,
    house: InHouse,
    live: Live,
    form: Annotated[
        FileFormat | None, Query(alias="format", description="All flips as one file.")
    ] = None,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> Any:  # noqa: ANN401 - a page, or a file as it streams
    """List the decisions that come out otherwise, each with its cause and the facts that matter."""
    backtest_id = parse_id(id, "bt")
    filters = {"flips": id}
    after = instant_after(cursor, filters=filters)
    async with transaction(house.engine) as connection:
        row = await existing_backtest(connection, backtest_id)
    edits, metrics = row.edits or [], await FlipMetrics.of(row, engine=house.engine, live=live)
    if form is None:
        async with transaction(house.engine) as connection:
            rows = await store.list_flips(connection, backtest_id, after=after, limit=limit + 1)
            measured = await metrics.read(connection, rows)
    if form is not None:
        name = f"{id}-flips.{form}"
        return StreamingResponse(
            file_of(house.engine, backtest_id, edits=edits, metrics=metrics, form=form),
            media_type=MEDIA_TYPES[form],
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )
    return page_of(
        rows,
        show=lambda row: flip_shown(row, edits=edits, measured=measured),
        position=lambda row: (row.decided_at, row.decision_id),
        limit=limit,
        filters=filters,
        request=request,
        response=response,
    )


async def _answer(connection: AsyncConnection, row: Row[Any], *, status: int = 200) -> Answer:
    reviews = await reviews_of(connection, row.rule_set, row.digest)
    shown = backtest_shown(row, reviews=reviews)
    headers = {"Location": f"/v1/backtests/{shown['id']}"} if status == 202 else {}
    return Answer.of(shown, status=status, headers=headers)
