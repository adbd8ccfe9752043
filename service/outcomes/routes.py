"""`/v1/outcomes`: what became of leads and accounts, one or many at a time."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.outcomes import store
from service.outcomes.reading import Measure, Outcome, read_outcome
from service.outcomes.recording import BadOutcome, Kept, existing_outcome, record, withdraw
from service.outcomes.schemas import (
    OutcomePage,
    OutcomeSent,
    OutcomeShown,
    OutcomesShown,
    Result,
    WithdrawnSent,
)
from service.outcomes.showing import outcome_shown
from service.outcomes.store import OutcomeFilters
from service.rulesets import Editing, Editor
from service.storage import parse_id, to_text, transaction
from service.web import (
    LEDGER,
    NDJSON,
    REFUSALS,
    STREAMED,
    Answer,
    CursorParameter,
    DryRun,
    Fault,
    IdempotencyKey,
    InHouse,
    Instant,
    LimitParameter,
    Many,
    Refusal,
    StrictRoute,
    Visiting,
    WithKey,
    answer_many,
    answer_once,
    body_of_many,
    faults_within,
    instant_after,
    media_type_of,
    only_tried,
    page_of,
    read_json,
)

__all__ = ["many_outcomes", "outcome_routes"]

outcome_routes = APIRouter(
    prefix="/v1/outcomes", tags=["outcomes"], route_class=StrictRoute, responses=REFUSALS
)
_ONE: Final = OutcomeSent.model_json_schema()
_BODY: Final = body_of_many(_ONE, a_line="One outcome")
_JSON: Final = _BODY["requestBody"]["content"]["application/json"]
_JSON["schema"] = {"anyOf": [_ONE, _JSON["schema"]]}
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        **STREAMED[200],
        "model": OutcomeShown | OutcomesShown,
        "description": "What became of each, in order; or the one outcome, kept before",
    },
    201: {"model": OutcomeShown, "description": "Kept"},
}
_Text = Annotated[str | None, Query(max_length=255)]


async def _filters_of(
    *,
    result: Annotated[Result | None, Query()] = None,
    account: _Text = None,
    external_id: _Text = None,
    owner: _Text = None,
    source: _Text = None,
    withdrawn: Annotated[bool | None, Query(description="Only those, or only others.")] = None,
    begin: Annotated[Instant | None, Query(alias="from", description="Then or later.")] = None,
    end: Annotated[Instant | None, Query(alias="to", description="Before then.")] = None,
) -> OutcomeFilters:
    return OutcomeFilters(
        result=result,
        account=account,
        external_id=external_id,
        owner=owner,
        source=source,
        withdrawn=withdrawn,
        begin=begin,
        end=end,
    )


@outcome_routes.post(
    "",
    operation_id="addOutcomes",
    status_code=201,
    response_model=OutcomeShown,
    responses=_RESPONSES,
    openapi_extra=_BODY,
)
async def add_outcomes(
    *,
    request: Request,
    house: InHouse,
    caller: WithKey,
    editor: Editing,
    visit: Visiting,
    idempotency_key: IdempotencyKey = None,
    dry_run: DryRun = False,
) -> Response:
    """Tell what became of a lead or an account: one, an array of up to 1,000, or lines.

    A repeat of `source` and `event_id` is recognised; with other content it is 409. The lead
    or account need not be known yet. Among many each needs its source's id, so that sending
    all again is safe, and one that is refused fails no other.
    """
    currency = house.settings.currency
    measure = Measure(currency=currency, now=editor.at)
    is_one = media_type_of(request.headers) != NDJSON and _is_object(await request.body())
    if is_one:
        outcome = await _one_in(await request.body(), measure, editor)

        async def work(connection: AsyncConnection) -> Answer:
            (ending,) = await record(connection, [outcome], editor)
            if isinstance(ending, Refusal):
                raise ending
            row = await existing_outcome(connection, ending.id)
            status = 201 if ending.state == "entered" else 200
            return Answer.of(outcome_shown(row, currency=currency), status=status)

        if dry_run:
            async with transaction(house.engine) as connection, only_tried(connection, dry_run):
                return (await work(connection)).to_response()
        return await answer_once(request, work, house=house, caller=caller)

    return await answer_many(
        request,
        many_outcomes(editor, measure),
        house=house,
        caller=caller,
        visit=visit,
        idempotency_key=idempotency_key,
        dry_run=dry_run,
    )


@outcome_routes.get("", operation_id="listOutcomes", response_model=OutcomePage)
async def read_outcomes(
    *,
    filters: Annotated[OutcomeFilters, Depends(_filters_of)],
    request: Request,
    response: Response,
    house: InHouse,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> dict[str, Any]:
    """List outcomes, the latest first. Of an account, those of accounts merged into it too."""
    about = filters.to_cursor()
    async with transaction(house.engine) as connection:
        rows = await store.list_outcomes(
            connection, filters, after=instant_after(cursor, filters=about), limit=limit + 1
        )
    return page_of(
        rows,
        show=lambda row: outcome_shown(row, currency=house.settings.currency),
        position=lambda row: (row.at, row.id),
        limit=limit,
        filters=about,
        request=request,
        response=response,
    )


@outcome_routes.get("/{id}", operation_id="readOutcome", response_model=OutcomeShown)
async def read_one(id: str, house: InHouse) -> dict[str, Any]:  # noqa: A002 - the address calls it so
    """Show one outcome."""
    async with transaction(house.engine) as connection:
        row = await existing_outcome(connection, parse_id(id, "out"))
    return outcome_shown(row, currency=house.settings.currency)


@outcome_routes.post("/{id}/withdraw", operation_id="withdrawOutcome", response_model=OutcomeShown)
async def withdraw_one(
    *,
    id: str,  # noqa: A002 - the address calls it so
    sent: WithdrawnSent,
    request: Request,
    house: InHouse,
    caller: WithKey,
    editor: Editing,
) -> Response:
    """Let an outcome count nowhere any more; it stays to be seen, with the reason.

    Send the right one under an id of its own.
    """
    outcome_id = parse_id(id, "out")

    async def work(connection: AsyncConnection) -> Answer:
        row = await withdraw(connection, outcome_id, reason=sent.reason, editor=editor)
        return Answer.of(outcome_shown(row, currency=house.settings.currency))

    return await answer_once(request, work, house=house, caller=caller)


def many_outcomes(editor: Editor, measure: Measure) -> Many[Outcome]:
    """Return how outcomes are read and kept, many at a time, by *editor*."""

    async def keep(
        connection: AsyncConnection, outcomes: list[Outcome]
    ) -> list[dict[str, Any] | Refusal]:
        return [_told(ending) for ending in await record(connection, outcomes, editor)]

    return Many(
        what="no outcome",
        read=lambda value, at: _read(value, measure, at=at),
        keep=keep,
        limits=LEDGER,
        safe_because="each outcome has its source's id",
    )


def _is_object(body: bytes) -> bool:
    """Say whether *body* is not an array; whatever else it is, it is read as one outcome."""
    return not body.lstrip(b" \t\r\n").startswith(b"[")


async def _one_in(body: bytes, measure: Measure, editor: Editor) -> Outcome:
    try:
        sent = OutcomeSent.model_validate(await read_json(body, limits=LEDGER))
    except ValidationError as invalid:
        raise BadOutcome(faults_within(invalid)) from None
    event_id = sent.event_id or to_text("out", editor.fresh_id())
    return _right(read_outcome(sent, measure, event_id=event_id))


def _read(value: object, measure: Measure, *, at: str) -> Outcome:
    sent = OutcomeSent.model_validate(value)
    if sent.event_id is None:
        words = "among many an outcome needs its source's id; add it"
        raise BadOutcome([Fault(code="missing", message=words, pointer=f"{at}/event_id")])
    return _right(read_outcome(sent, measure, event_id=sent.event_id, at=at))


def _right(read: Outcome | tuple[Fault, ...]) -> Outcome:
    if isinstance(read, tuple):
        raise BadOutcome(read)
    return read


def _told(ending: Kept | Refusal) -> dict[str, Any] | Refusal:
    if isinstance(ending, Refusal):
        return ending
    return {"state": ending.state, "outcome": to_text("out", ending.id)}
