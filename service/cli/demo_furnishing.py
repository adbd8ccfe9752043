"""Furnish the demo: with leads and a portfolio of accounts, most of it as any client would.

May be cut off and repeated anywhere: leads have idempotency keys, and events have ids.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import orjson
from sqlalchemy.ext.asyncio import AsyncEngine

from service.cli.demo_assessing import assess_portfolio
from service.cli.demo_data import DemoState, keep_state
from service.cli.demo_past import NotTaken, Step, keep_past
from service.cli.demo_portfolio import (
    OWN_KIND,
    SOURCES,
    Deal,
    Member,
    make_portfolio,
)
from service.cli.demo_samples import FIRST_LEAD, sample_questions

__all__ = ["furnish", "send_leads", "send_portfolio"]

_FORM: Final = "fleet_leads"
_SOURCE: Final = "demo"
_CHANNELS: Final = ("website", "truck-fair", "partner", "referral", "webinar")
"""Where the leads came from."""
_TIMEOUT_S: Final = 60.0
_AT_ONCE: Final = 1_000


async def furnish(
    address: str,
    state: DemoState,
    *,
    engine: AsyncEngine,
    folder: Path,
    now: datetime,
    step: Step,
) -> DemoState:
    """Send what is missing to the service at *address*; return the new state.

    The portfolio looks back from the first *now* that it is begun at.
    """
    headers = {"Authorization": f"Bearer {state.secret_key}"}
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=_TIMEOUT_S) as client:
        if state.decision is not None:
            # A database that was made anew under an old file of keys knows neither.
            (await client.get(f"/v1/decisions/{state.decision}")).raise_for_status()
        else:
            asked = {"rule_set": _FORM, "lead": FIRST_LEAD, "source": _SOURCE}
            state = replace(state, decision=(await _ask(client, asked, "demo-first"))["id"])
            keep_state(folder, state)
        if not state.is_furnished:
            await send_leads(client)
            state = replace(state, is_furnished=True)
            keep_state(folder, state)
        if not state.is_assessed:
            state = replace(state, as_of=state.as_of or now.isoformat())
            keep_state(folder, state)
            as_of = datetime.fromisoformat(state.as_of or "")
            members = make_portfolio(as_of)
            await send_portfolio(client, members, engine=engine, step=step)
            await assess_portfolio(engine, as_of=as_of)
            state = replace(state, is_assessed=True)
            keep_state(folder, state)
    return state


async def send_leads(client: httpx.AsyncClient) -> None:
    """Ask about every lead and tell what became of some, once however often it is done a day."""
    outcomes = []
    for number, (rule_set, facts) in enumerate(sample_questions(), start=1):
        name = f"sample-{number:03}"
        source = _CHANNELS[number % len(_CHANNELS)]
        asked = {"rule_set": rule_set, "lead": facts, "external_id": name, "source": source}
        decision = await _ask(client, asked, f"demo-{name}")
        outcomes += _became(name, number, decision)
    await _send_many(client, "/v1/outcomes", outcomes)


def _became(name: str, number: int, decision: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what became of a lead: of those who fit more were won, and sooner; many are open."""
    is_good = decision["verdict"] == "qualify"
    if decision["verdict"] == "undecided" or number % (5 if is_good else 3) == 0:
        return []
    at = datetime.fromisoformat(decision["decided_at"])
    days = 9 + number * 7 % 40 + (0 if is_good else 35)
    return [
        {
            "external_id": name,
            "result": "won" if (number % 4 != 1 and is_good) or number % 7 == 2 else "lost",
            "at": at.isoformat(),
            "opened_at": (at - timedelta(days=days)).isoformat(),
            "amount": str(2_400 + 650 * (number * 11 % 29)),
            "source": "crm",
            "event_id": f"deal-{name}",
        }
    ]


async def send_portfolio(
    client: httpx.AsyncClient, members: Sequence[Member], *, engine: AsyncEngine, step: Step
) -> None:
    """Keep every account with its facts, its ledger and its deals; what is there already stays.

    Raises:
        NotTaken: If the service did not keep one of them.
    """
    what = {"type": "text"}
    kind = {"title": "An exception to our process", "quantities": {"what": what}}
    await _put(client, f"/v1/event-kinds/{OWN_KIND}", kind)
    for source, reports in SOURCES.items():
        await _put(client, f"/v1/sources/{source}", {"reports": list(reports)})
    await keep_past(engine, members, step)
    deals = [_deal(member, one) for member in members for one in member.deals]
    for first in range(0, len(deals), _AT_ONCE):
        await _send_many(client, "/v1/outcomes", deals[first : first + _AT_ONCE])


def _deal(member: Member, one: Deal) -> Mapping[str, Any]:
    told = {
        "account": member.key,
        "result": one.result,
        "at": one.at.isoformat(),
        "opened_at": None if one.opened_at is None else one.opened_at.isoformat(),
        "amount": None if one.amount is None else str(one.amount),
        "owner": one.owner,
        "product": one.product,
        "source": "crm",
        "event_id": one.event_id,
    }
    return {name: value for name, value in told.items() if value is not None}


async def _send_many(client: httpx.AsyncClient, path: str, lines: Sequence[object]) -> None:
    answer = await client.post(path, content=orjson.dumps(lines))
    answer.raise_for_status()
    for told in answer.json()["data"]:
        if told.get("state") in {None, "parked", "dropped"}:
            raise NotTaken(f"{path} did not take line {told['line']}: {told}")


async def _put(client: httpx.AsyncClient, path: str, body: Mapping[str, object]) -> None:
    (await client.put(path, json=body)).raise_for_status()


async def _ask(
    client: httpx.AsyncClient, asked: Mapping[str, object], idempotency_key: str
) -> Mapping[str, Any]:
    headers = {"Idempotency-Key": idempotency_key}
    answer = await client.post("/v1/qualify", json=asked, headers=headers)
    answer.raise_for_status()
    decision: Mapping[str, Any] = answer.json()
    return decision
