"""`/v1/accounts/import`: bring a whole file, and watch it being read."""

from typing import Any, Final

from fastapi import APIRouter, Request, Response
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.imports import store
from service.imports.asking import ask_for, cancel, existing
from service.imports.receiving import FORMATS, check_fits, receive
from service.imports.schemas import ImportPage, ImportProblemPage, ImportSent, ImportShown
from service.imports.showing import import_shown, problem_shown
from service.rulesets import Editing
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
    csv_of,
    media_type_of,
    number_after,
    page_of,
    uuid_after,
)

__all__ = ["import_routes"]

import_routes = APIRouter(
    prefix="/v1/accounts", tags=["imports"], route_class=StrictRoute, responses=REFUSALS
)
MOST_PROBLEMS: Final = 100_000
_FILE: Final = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in (*FORMATS.values(), "application/octet-stream")
        },
    }
}
_CSV: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "As CSV"}
}


@import_routes.post(
    "/import", operation_id="askImport", status_code=201, response_model=ImportShown
)
async def ask_for_one(
    *,
    sent: ImportSent,
    request: Request,
    house: InHouse,
    caller: WithKey,
    editor: Editing,
) -> Response:
    """Begin an import of accounts, events or outcomes: what the file holds, and how it is read.

    PUT the file to the import's `file` then; another process reads it, and the import says
    how far it is. What repeats what is known changes nothing, so the same file may come again.
    """
    currency = house.settings.currency

    async def work(connection: AsyncConnection) -> Answer:
        row = await ask_for(connection, sent, editor=editor, currency=currency)
        return _answer(row, status=201)

    return await answer_once(request, work, house=house, caller=caller)


@import_routes.put(
    "/imports/{id}/file",
    operation_id="sendImportFile",
    status_code=202,
    response_model=ImportShown,
    openapi_extra=_FILE,
)
async def send_file(
    *,
    id: str,  # noqa: A002 - the address calls it so
    request: Request,
    house: InHouse,
) -> Response:
    """Send the file of an import. One that breaks off leaves nothing behind: send it again."""
    async with transaction(house.engine) as connection:
        row = await existing(connection, parse_id(id, "imp"))
    limit_bytes = house.settings.import_limit_mb * 1024**2
    length = request.headers.get("content-length")
    check_fits(
        row,
        media_type=media_type_of(request.headers),
        length=int(length) if length and length.isdigit() else None,
        limit_bytes=limit_bytes,
    )
    row = await receive(row, request.stream(), engine=house.engine, limit_bytes=limit_bytes)
    return _answer(row, status=202).to_response()


@import_routes.get("/imports", operation_id="listImports", response_model=ImportPage)
async def list_them(
    *,
    request: Request,
    response: Response,
    house: InHouse,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List imports, the newest first."""
    filters = {"imports": "all"}
    before = uuid_after(cursor, filters=filters)
    async with transaction(house.engine) as connection:
        rows = await store.list_all(connection, before=before, limit=limit + 1)
    return page_of(
        rows,
        show=import_shown,
        position=lambda row: (row.id,),
        limit=limit,
        filters=filters,
        request=request,
        response=response,
    )


@import_routes.get("/imports/{id}", operation_id="readImport", response_model=ImportShown)
async def read(
    *,
    id: str,  # noqa: A002 - the address calls it so
    house: InHouse,
) -> Response:
    """Return an import: how far it is, and what became of its rows so far."""
    async with transaction(house.engine) as connection:
        row = await existing(connection, parse_id(id, "imp"))
    return _answer(row).to_response()


@import_routes.get(
    "/imports/{id}/problems", operation_id="listImportProblems", response_model=ImportProblemPage
)
async def list_problems(
    *,
    id: str,  # noqa: A002 - the address calls it so
    request: Request,
    response: Response,
    house: InHouse,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List the rows that were not taken, by their lines; the first 100,000 of them."""
    import_id = parse_id(id, "imp")
    filters = {"problems": import_id}
    after = number_after(cursor, filters=filters)
    async with transaction(house.engine) as connection:
        await existing(connection, import_id)
        rows = await store.list_problems(
            connection, import_id, after=0 if after is None else after, limit=limit + 1
        )
    return page_of(
        rows,
        show=problem_shown,
        position=lambda row: (row.line,),
        limit=limit,
        filters=filters,
        request=request,
        response=response,
    )


@import_routes.get(
    "/imports/{id}/problems.csv",
    operation_id="downloadImportProblems",
    response_class=Response,
    responses=_CSV,
)
async def download_problems(
    *,
    id: str,  # noqa: A002 - the address calls it so
    house: InHouse,
) -> Response:
    """Return the rows that were not taken as CSV, which no spreadsheet runs anything of."""
    import_id = parse_id(id, "imp")
    async with transaction(house.engine) as connection:
        await existing(connection, import_id)
        rows = await store.list_problems(connection, import_id, after=0, limit=MOST_PROBLEMS)
    table = [("line", "code", "reason"), *((row.line, row.code, row.reason) for row in rows)]
    name = f"{to_text('imp', import_id)}.problems.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(csv_of(table), media_type="text/csv; charset=utf-8", headers=headers)


@import_routes.post("/imports/{id}/cancel", operation_id="cancelImport", response_model=ImportShown)
async def cancel_it(
    *,
    id: str,  # noqa: A002 - the address calls it so
    request: Request,
    house: InHouse,
    caller: WithKey,
    editor: Editing,
) -> Response:
    """Stop an import; the rows that were kept so far stay."""
    import_id = parse_id(id, "imp")

    async def work(connection: AsyncConnection) -> Answer:
        return _answer(await cancel(connection, import_id, editor=editor))

    return await answer_once(request, work, house=house, caller=caller)


def _answer(row: Row[Any], *, status: int = 200) -> Answer:
    shown = import_shown(row)
    address = f"/v1/accounts/imports/{shown['id']}"
    return Answer.of(shown, status=status, headers={"Location": address} if status > 200 else {})
