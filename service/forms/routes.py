"""`/embed` and `/v1/forms/{publishable_key}`: the script, posted forms, visits, statistics."""

from datetime import datetime, timedelta
from time import perf_counter
from typing import Annotated, Any, ClassVar, Final

import orjson
from fastapi import APIRouter, Path, Query, Request, Response

from service.decisions import AtDesk, Case, Desk, question_of, read_question
from service.forms import counting, store
from service.forms.asking import Asked, ask, count_visitor
from service.forms.embed import embedded
from service.forms.leading_on import lead_on
from service.forms.posted import read_fields, read_posted
from service.forms.schemas import FormStatistics, QuestionsShown, VisitShown
from service.forms.showing import draw_statistics, statistics_shown
from service.forms.visit_header import seen_of
from service.rules import RuleSet
from service.storage import to_text, transaction
from service.web import (
    REFUSALS,
    Caller,
    Instant,
    Refusal,
    StrictRoute,
    WithKey,
    hash_of,
    is_unchanged,
    neighbourhood_of,
    visit_of,
)

__all__ = ["form_routes"]

form_routes = APIRouter(tags=["forms"], route_class=StrictRoute)
_USUAL: Final = timedelta(days=30)
_FORM: Final = "/v1/forms/{publishable_key}"
_STATISTICS: Final = f"{_FORM}/statistics"
PublishableKey = Annotated[
    str, Path(max_length=100, examples=["gf_pk_demo_..."], description="The form's own key.")
]
Since = Annotated[Instant | None, Query(description="Visits from then on; 30 days ago if unsaid.")]
Until = Annotated[Instant | None, Query(description="Visits before then; now if unsaid.")]


def _reads(*fields: str) -> dict[str, Any]:
    """Return the documentation of a urlencoded body with these fields and any others."""
    schema = {
        "type": "object",
        "properties": {name: {"type": "string"} for name in fields},
        "additionalProperties": {"type": "string"},
    }
    content = {"application/x-www-form-urlencoded": {"schema": schema}}
    return {"requestBody": {"required": False, "content": content}}


class FormNotFound(Refusal):
    """No publishable key is this one."""

    code: ClassVar[str] = "key_not_found"


@form_routes.get("/embed/{name}", include_in_schema=False)
async def embed(name: str, request: Request) -> Response:
    """Return the script for web pages, or what it is to be pinned by."""
    answer = embedded(name)
    tag = answer.headers.get("etag")
    if tag is not None and is_unchanged(request.headers.get("if-none-match"), tag):
        kept = {n: answer.headers[n] for n in ("etag", "cache-control")}
        return Response(status_code=304, headers=kept)
    return answer


@form_routes.post(
    _FORM,
    operation_id="postForm",
    responses={
        200: {"description": "Thanks, in words", "content": {"text/html": {}}},
        303: {"description": "The outcome's address"},
        **REFUSALS,
    },
    response_class=Response,
    openapi_extra=_reads("goodfit_visit", "goodfit_source", "goodfit_external_id"),
)
async def post_form(
    publishable_key: PublishableKey, request: Request, desk: AtDesk, caller: WithKey
) -> Response:
    """Decide a form that a browser posts by itself, and lead its visitor on.

    Fields named like attributes are facts; others are left out, but for
    `goodfit_external_id`, `goodfit_source` and `goodfit_visit`. The answer is a redirect
    to the outcome's `url`, where that is https or a path of the page's own site, and a
    page with its `message` otherwise.
    """
    del publishable_key
    began_s, at = perf_counter(), desk.house.clock()
    fields = read_fields(await request.body())
    rules = await _rules_of(caller, desk, at)
    posted = read_posted(fields, rules)
    sent = {
        rules.subject: posted.facts,
        "final": True,
        "source": posted.source,
        "external_id": posted.external_id,
    }
    case = Case(
        question=question_of(
            read_question({n: v for n, v in sent.items() if v is not None}), caller
        ),
        at=at,
        decision_id=desk.house.new_uuid(at),
        claim=None,
        began_s=began_s,
    )
    asked = Asked(
        case=case, key_id=caller.key_id, address=_address(request, desk), seen=posted.seen
    )
    told = orjson.loads((await ask(asked, desk)).answer.body)
    origin = request.headers.get("origin", "")
    return lead_on(told["next"]["url"], told["next"]["message"], origin=origin)


@form_routes.post(
    f"{_FORM}/questions",
    operation_id="firstQuestions",
    response_model=QuestionsShown,
    responses=REFUSALS,
)
async def first_questions(
    publishable_key: PublishableKey, desk: AtDesk, caller: WithKey
) -> dict[str, Any]:
    """Tell what to ask somebody of whom nothing is known yet. Nothing is stored."""
    del publishable_key
    return {"missing": _first_questions(await _rules_of(caller, desk, desk.house.clock()), desk)}


@form_routes.post(
    f"{_FORM}/visits",
    operation_id="beginVisit",
    status_code=201,
    response_model=VisitShown,
    responses=REFUSALS,
    openapi_extra=_reads("mode", "fields", "source"),
)
async def begin_visit(
    publishable_key: PublishableKey, request: Request, desk: AtDesk, caller: WithKey
) -> dict[str, Any]:
    """Say that somebody begins to fill in the form, and get the visit's id.

    Without it a visit begins with its first question to `POST /v1/qualify`.
    """
    del publishable_key
    at, address = desk.house.clock(), _address(request, desk)
    fields = read_fields(await request.body())
    said: dict[str, str | None] = {
        name: fields[name][-1] for name in ("mode", "fields") if name in fields
    }
    seen = seen_of(None, said)
    source = fields["source"][-1][:100] if fields.get("source") else None
    rules = await _rules_of(caller, desk, at)
    first = _first_questions(rules, desk) if seen.mode == "progressive" else []
    count_visitor(caller.key_id, address, desk)
    visit_id = desk.house.new_uuid(at)
    async with transaction(desk.house.engine) as connection:
        await store.add_visit(
            connection,
            {
                "id": visit_id,
                "key_id": caller.key_id,
                "source": source,
                "mode": seen.mode,
                "started_at": at,
                "last_at": at,
                "revision": 0,
                "address": address,
                "identities": [],
                "facts": {},
                "asking": first[0]["attribute"] if first else None,
                "fields": seen.fields,
                "shown": 0,
                "is_finished": False,
                "is_caught": False,
            },
        )
    return {"visit": to_text("vis", visit_id)}


@form_routes.get(
    _STATISTICS,
    operation_id="readFormStatistics",
    response_model=FormStatistics,
    responses=REFUSALS,
)
async def read_statistics(
    publishable_key: PublishableKey,
    desk: AtDesk,
    since: Since = None,
    until: Until = None,
) -> dict[str, Any]:
    """Count a form's visitors: started, finished, where they stopped, questions saved."""
    return await _statistics(publishable_key, desk, since, until)


@form_routes.get(
    f"{_STATISTICS}.svg",
    operation_id="drawFormStatistics",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {}}, "description": "A picture"}, **REFUSALS},
)
async def draw_form_statistics(
    publishable_key: PublishableKey,
    desk: AtDesk,
    since: Since = None,
    until: Until = None,
) -> Response:
    """Draw the same numbers, a bar a line."""
    told = await _statistics(publishable_key, desk, since, until)
    return Response(draw_statistics(told), media_type="image/svg+xml")


async def _statistics(
    key: str, desk: Desk, since: datetime | None, until: datetime | None
) -> dict[str, Any]:
    now = desk.house.clock()
    until = until or now
    since = since or until - _USUAL
    idle = store.window_begin(now, desk.house.settings.form_window_s)
    async with transaction(desk.house.engine) as connection:
        form = await counting.find_form(connection, hash_of(key))
        if form is None:
            raise FormNotFound("no publishable key is this one; list them with GET /v1/keys")
        span = {"since": since, "until": until, "idle": idle}
        visits = await counting.count_visits(connection, form.id, **span)
        stops = await counting.count_stops(connection, form.id, **span)
    running = await desk.live.version_at(form.rule_set, now)
    labels = {name: one.label for name, one in running.rules.attributes.items()}
    return statistics_shown(form, visits, stops, labels=labels, since=since, until=until)


async def _rules_of(caller: Caller, desk: Desk, at: datetime) -> RuleSet:
    """Return the rules that the key is bound to, as they are live."""
    if caller.rule_set is None:
        raise AssertionError("a publishable key is bound to a rule set")
    return (await desk.live.version_at(caller.rule_set, at)).rules


def _first_questions(rules: RuleSet, desk: Desk) -> list[dict[str, str]]:
    decision = rules.decide({}, at=desk.house.clock(), final=False)
    return [
        {"attribute": one.attribute, "label": one.label, "ask": one.ask}
        for one in decision.missing
        if one.ask is not None and one.changes == "verdict"
    ]


def _address(request: Request, desk: Desk) -> str:
    head = visit_of(request.scope).head
    return neighbourhood_of(request.scope, head, proxies=desk.house.settings.trusted_proxies)
