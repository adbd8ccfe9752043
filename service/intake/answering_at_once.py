"""Answer a vendor that waits for the verdict: a block in a HubSpot workflow branches on it at once.

The delivery is kept first, as every one is, and takes effect as every one does; only then is
the answer looked up. So an attempt that HubSpot repeats gets the decision that there is, and
what could not be read is parked and told as a failure that the workflow goes on from.
"""

from collections.abc import Mapping
from time import perf_counter
from typing import Any, Final
from uuid import UUID

import anyio.to_thread
import orjson

from service.accounts import find_bearers
from service.decisions import Case, Desk, Question, qualify
from service.intake.asking_for_leads import case_of, claim_on, is_lead, rules_for, why_not
from service.intake.connecting import Connection
from service.intake.expressions import ExpressionFailed, evaluate
from service.intake.payloads import Unreadable, read_payload
from service.intake.reading import Said, Unmapped
from service.intake.reading_deliveries import read_body
from service.intake.translating import translate
from service.storage import transaction
from service.web import Refusal

__all__ = ["answer_at_once", "is_waited_for"]

_IS_DONE: Final = "SUCCESS"
_GOES_ON: Final = "FAIL_CONTINUE"


async def is_waited_for(body: bytes, *, media_type: str, known: Connection) -> bool:
    """Return whether the map says that whoever sent *body* waits for the decision."""
    reply, form = known.resolved.map.reply, known.resolved.form
    if reply is None:
        return False

    def look() -> bool:
        try:
            payload = read_payload(body, media_type=media_type, form=form)
            return bool(evaluate(reply.when, payload))
        except (Unreadable, ExpressionFailed):
            return False

    return await anyio.to_thread.run_sync(look)


async def answer_at_once(
    body: bytes, *, media_type: str, delivery_id: UUID, known: Connection, desk: Desk
) -> Mapping[str, str]:
    """Have a kept delivery take effect and return its decision as a workflow's output fields.

    Raises:
        DatabaseUnavailable: If that cannot be done now; HubSpot asks again.
    """
    await translate(desk, delivery_id)
    found = await read_body(body, media_type=media_type, known=known, now=desk.house.clock())
    said = next((one for one in found if isinstance(one, Said)), None)
    if said is None:
        first = next((one for one in found if isinstance(one, Unmapped)), None)
        words = "the map reads nothing of it" if first is None else first.message
        return _failed(words)
    if why := why_not(said, known):
        return _failed(why[1])
    try:
        case = await _case_of(said, known, delivery_id, desk=desk)
        answer = await qualify(case, desk)
    except Refusal as refusal:
        return _failed(refusal.detail)
    return _fields(orjson.loads(answer.body))


async def _case_of(said: Said, known: Connection, delivery_id: UUID, *, desk: Desk) -> Case:
    """Return the question about a lead as it was decided already, or about the account."""
    house = desk.house
    if is_lead(said, known):
        return case_of(said, known, delivery_id=delivery_id, house=house)
    async with transaction(house.engine) as connection:
        identities = [] if said.identity is None else [said.identity]
        bearers = await find_bearers(connection, identities)
    key = said.key if said.identity is None else bearers.get(said.identity, said.key)
    now = house.clock()
    question = Question(
        rule_set=rules_for(said, known) or "",
        subject="account",
        facts=None,
        account_key=key,
        external_id=None,
        final=True,
        source=known.name,
        is_dry=False,
        explain="short",
        at_version=None,
        is_narrow=False,
    )
    return Case(
        question=question,
        at=now,
        decision_id=house.new_uuid(now),
        claim=claim_on(said, known, delivery_id),
        began_s=perf_counter(),
    )


def _fields(decision: Mapping[str, Any]) -> dict[str, str]:
    """Return a decision as HubSpot takes it: texts, by the names that its action declares."""
    scores = [span["value"] for span in decision["scores"].values()]
    return {
        "icp_verdict": decision["verdict"],
        "icp_outcome": decision["outcome"] or "",
        "icp_action": decision["next"].get("action") or "",
        "icp_score": _number(scores[0]) if scores else "",
        "icp_decision_id": decision["id"] or "",
        "icp_rule_version": str(decision["rule_set"]["version"]),
        "icp_summary": decision["summary"],
        "hs_execution_state": _IS_DONE,
    }


def _failed(words: str) -> dict[str, str]:
    """Return that there is no decision and why; not to know is not a no."""
    return {"icp_verdict": "undecided", "icp_summary": words, "hs_execution_state": _GOES_ON}


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else str(value)
