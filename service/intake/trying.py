"""Try a payload: what a map makes of it, and what would be decided, without keeping anything."""

from collections.abc import Mapping
from typing import Any

import orjson

from service.decisions import Desk, qualify
from service.intake.asking_for_leads import case_of, kind_of, rules_for
from service.intake.connecting import Connection
from service.intake.reading import Erasure, Read, Said, Skipped, Unmapped
from service.intake.reading_deliveries import read_body
from service.web import Refusal, rfc3339

__all__ = ["try_payload"]

_DECIDED: int = 10


async def try_payload(
    body: bytes, *, media_type: str, known: Connection, desk: Desk
) -> list[dict[str, Any]]:
    """Return what each item comes to; the first ten of which rules are named, with a decision."""
    found = await read_body(body, media_type=media_type, known=known, now=desk.house.clock())
    shown = [_shown(one, known) for one in found]
    asked = [
        (told, one)
        for told, one in zip(shown, found, strict=True)
        if isinstance(one, Said) and rules_for(one, known) is not None
    ]
    for told, one in asked[:_DECIDED]:
        told["decision"] = await _decision(one, known, desk)
    return shown


async def _decision(said: Said, known: Connection, desk: Desk) -> Mapping[str, Any]:
    """Return the decision, or why there is none."""
    try:
        answer = await qualify(case_of(said, known, house=desk.house), desk)
    except Refusal as refusal:
        return {"code": refusal.code, "detail": refusal.detail}
    decision: Mapping[str, Any] = orjson.loads(answer.body)
    return decision


def _shown(one: Read, known: Connection) -> dict[str, Any]:
    match one:
        case Said():
            return {
                "item": one.place,
                "comes_to": "said",
                "kind": one.kind,
                "subject": kind_of(one, known).subject,
                "key": one.key,
                "identity": None if one.identity is None else list(one.identity),
                "facts": dict(one.facts),
                "at": None if one.at is None else rfc3339(one.at),
                "is_recognised": one.event is not None,
                "is_partial": one.is_partial,
            }
        case Erasure():
            identities = [list(pair) for pair in one.identities]
            return {"item": one.place, "comes_to": "erasure", "identities": identities}
        case Skipped():
            return {"item": one.place, "comes_to": "skipped", "why": one.why}
        case Unmapped():
            problem = {"code": one.code, "message": one.message, "pointer": one.pointer}
            return {"item": one.place, "comes_to": "unmapped", "problem": problem}
