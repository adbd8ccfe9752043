"""Answer a form's question: recognise the visitor, decide what is new, keep both together."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

import msgspec
import orjson
from msgspec import structs
from sqlalchemy.ext.asyncio import AsyncConnection

from service.decisions import Case, Desk, Entry, qualify_beside
from service.forms import store
from service.forms.recognising import Marks, marks_of
from service.forms.visit_header import Seen
from service.forms.visits import Known, standing_answer
from service.storage import transaction
from service.web import UNKNOWN, Answer, Claim, Rate, Refusal, find_kept

__all__ = ["Asked", "Told", "VisitBusy", "ask", "count_visitor"]

_ATTEMPTS: Final = 4


class VisitBusy(Refusal):
    """One visitor asks more at once than can be put into an order."""

    code: ClassVar[str] = "overloaded"


class _VisitMoved(Exception):
    """Another question of the same visitor was answered meanwhile."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question of a form's page, with the key, from where, and what the page saw."""

    case: Case
    key_id: UUID
    address: str
    seen: Seen


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a form is answered, and the visit to name in the next question.

    A repeat of a request from before the window gets its answer again and has no visit.
    """

    answer: Answer
    visit: UUID | None


async def ask(asked: Asked, desk: Desk) -> Told:
    """Return what the visitor is answered, once everything is committed.

    Raises:
        Refusal: If the question cannot be answered, or the neighbourhood has sent more new
            visitors than it may; nothing is kept then.
        DatabaseUnavailable: If the database is.
    """
    claim = asked.case.claim
    if claim is None:
        return await _ask(asked, desk, None)
    async with desk.house.turns.taken(claim):
        return await _ask(asked, desk, claim)


async def _ask(asked: Asked, desk: Desk, claim: Claim | None) -> Told:
    question, at = asked.case.question, asked.case.at
    running = await desk.live.version_at(question.rule_set, at)
    given = running.rules.admit(question.facts or {}).to_json()
    marks = marks_of(given, key_id=asked.key_id, visit=asked.seen.visit, address=asked.address)
    for _ in range(_ATTEMPTS):
        async with transaction(desk.house.engine) as connection:
            kept = None if claim is None else await find_kept(connection, claim)
            known = await _find(connection, marks, asked, desk)
            if kept is not None:
                return Told(answer=kept, visit=None if known is None else known.id)
            again = standing_answer(known, given, final=question.final)
            if known is not None and again is not None:
                await store.change_visit(connection, known.id, _seen_again(known, asked, desk))
                await _drop_other(connection, asked, known.id, desk)
                return Told(answer=Answer(body=again), visit=known.id)
        if known is None:
            count_visitor(asked.key_id, asked.address, desk)
        try:
            return await _decide(asked, marks, known, desk)
        except _VisitMoved:
            continue
    raise VisitBusy("this visitor asks too much at once; ask again", headers={"Retry-After": "1"})


def count_visitor(key_id: UUID, address: str, desk: Desk) -> None:
    """Count a new visitor from *address*.

    Raises:
        TooManyRequests: If the neighbourhood sent as many as it may within a window.
    """
    settings = desk.house.settings
    if settings.visitors_per_address and settings.form_window_s and address != UNKNOWN:
        rate = Rate(requests=settings.visitors_per_address, window_s=settings.form_window_s)
        desk.house.crowd.admit_as(f"{key_id} {address} visitors", rate, policy="address")


async def _decide(asked: Asked, marks: Marks, known: Known | None, desk: Desk) -> Told:
    question = asked.case.question
    facts = {**(question.facts or {}), **({} if known is None else known.facts)}
    case = structs.replace(asked.case, question=structs.replace(question, facts=facts))
    is_caught = _is_caught(known, asked, desk)
    visit_id = desk.house.new_uuid(case.at) if known is None else known.id

    async def beside(connection: AsyncConnection, entry: Entry) -> None:
        await store.lock(connection, marks)
        if _state_of(await _find(connection, marks, asked, desk)) != _state_of(known):
            raise _VisitMoved
        values = _values(asked, entry, known) | {"is_caught": is_caught}
        if is_caught:
            values["decision_id"] = None
        if known is None:
            new = {"id": visit_id, "key_id": asked.key_id, "started_at": case.at, "revision": 0}
            await store.add_visit(connection, new | values | {"address": asked.address})
        else:
            await store.change_visit(connection, known.id, values)
        await _drop_other(connection, asked, visit_id, desk)

    _, answer = await qualify_beside(case, desk, beside=beside, is_kept=not is_caught)
    return Told(answer=answer, visit=visit_id)


async def _find(
    connection: AsyncConnection, marks: Marks, asked: Asked, desk: Desk
) -> Known | None:
    return await store.find_visit(connection, marks, since=_since(asked, desk))


def _since(asked: Asked, desk: Desk) -> datetime:
    return store.window_begin(asked.case.at, desk.house.settings.form_window_s)


async def _drop_other(
    connection: AsyncConnection, asked: Asked, visit_id: UUID, desk: Desk
) -> None:
    """Remove the visit whose id the page sent, if the visitor turned out to be in another."""
    other = asked.seen.visit
    if other is not None and other != visit_id:
        await store.drop_visit(connection, other, key_id=asked.key_id, since=_since(asked, desk))


def _state_of(known: Known | None) -> tuple[UUID, int] | None:
    return None if known is None else (known.id, known.revision)


def _is_caught(known: Known | None, asked: Asked, desk: Desk) -> bool:
    was_caught = known is not None and known.is_caught
    return was_caught or asked.seen.is_caught(desk.house.settings.form_fastest_s)


def _seen_again(known: Known, asked: Asked, desk: Desk) -> dict[str, object]:
    """Return what changes of a visit that is answered as before."""
    changed: dict[str, object] = {
        "last_at": asked.case.at,
        "is_finished": known.is_finished or asked.case.question.final,
        "is_caught": _is_caught(known, asked, desk),
    }
    return changed | _told_by(asked)


def _values(asked: Asked, entry: Entry, known: Known | None) -> dict[str, Any]:
    """Return the columns that a decision changes."""
    facts: Mapping[str, Any] = orjson.loads(entry.record.facts)
    own = marks_of(facts, key_id=asked.key_id, visit=None, address=asked.address).identities
    before = () if known is None else known.identities
    missing = orjson.loads(entry.answer)["missing"]
    values: dict[str, Any] = {
        "mode": asked.seen.mode,
        "source": asked.case.question.source,
        "fields": asked.seen.fields,
        "shown": asked.seen.shown,
    }
    if known is not None:
        values = _told_by(asked)
    return values | {
        "last_at": asked.case.at,
        "identities": list(dict.fromkeys((*before, *own))),
        "facts": facts,
        "answer": entry.answer,
        "verdict": entry.record.verdict,
        "decision_id": entry.record.id,
        "asking": missing[0]["attribute"] if missing else None,
        "is_finished": asked.case.question.final or (known is not None and known.is_finished),
    }


def _told_by(asked: Asked) -> dict[str, Any]:
    """Return what the page says this time; what it leaves out stays as it was."""
    seen = asked.seen
    told: dict[str, Any] = {"fields": seen.fields, "shown": seen.shown}
    told = {name: value for name, value in told.items() if value}
    if seen.mode != "other":
        told["mode"] = seen.mode
    if asked.case.question.source is not None:
        told["source"] = asked.case.question.source
    return told
