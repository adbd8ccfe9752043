"""A lead's and a company's whole life in Goodfit, and every trace that it leaves."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
import httpx
import psycopg
from psycopg import sql

from service.backtests.working import Workshop, work_on_next
from service.decisions import assess_some
from service.privacy import Eraser, erase_next
from service.rulesets import LiveRules
from service.storage import libpq_url, parse_id, transaction
from tests.decisions.shadows import STRICTER, Shadowed
from tests.portfolio.statements import position, store_statement
from tests.web.serving import Served

__all__ = ["COMPANY", "LEAD", "MARK", "Life", "erased", "eraser_of", "live", "traces", "tried"]

MARK: Final = "zzcanary"
"""Stands in everything that was ever told of the two."""

LEAD: Final = {"email": "Ann.ZZcanary@zzcanary.example", "external_id": "crm-zzcanary-1"}
COMPANY: Final = {"account": "zzcanary-haulage"}
_TOOLS: Final = ["sap", "zzcanary's own"]
_FACTS: Final = {
    "vehicles": 150,
    "paid": True,
    "site": "https://www.zzcanary.example",
    "contact": "Ann Zzcanary",
}


@dataclass(slots=True)
class Life:
    """What the application answered on the way, and the ids of what there is."""

    said: list[httpx.Response] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)

    async def tell(self, served: Served, method: str, path: str, sent: object) -> Any:  # noqa: ANN401 - JSON
        """Send a request under a key of its own, and return what is answered."""
        headers = {"Idempotency-Key": f"zz-{len(self.said)}"}
        answer = await served.ask(method, path, json=sent, headers=headers)
        assert answer.status_code < 300, answer.text
        self.said.append(answer)
        return answer.json()


def eraser_of(served: Served) -> Eraser:
    """Return what erases, with a secret of the tests'."""
    house = served.app.house
    return Eraser(engine=house.engine, clock=house.clock, key=lambda: bytes(32))


async def live(stage: Shadowed) -> Life:
    """Have a lead and a company decided, told of, overruled, shadowed, won, and stated."""
    life, served = Life(), stage.served
    await stage.cast(STRICTER)
    await _decide_a_lead(life, served)
    await _keep_a_company(life, served)
    await _enter_events(life, served)
    await _say_what_became(life, served)
    await _state(served)
    await stage.shadows.catch_up()
    return life


async def _decide_a_lead(life: Life, served: Served) -> None:
    whole = {"email": LEAD["email"], "vehicles": 25, "country": "DE", "tools": _TOOLS}
    partial = {"vehicles": 25, "tools": _TOOLS}
    asked = {"rule_set": "fleet_leads", "external_id": LEAD["external_id"]}
    first = await life.tell(served, "POST", "/v1/qualify", asked | {"lead": partial})
    again = await life.tell(served, "POST", "/v1/qualify", asked | {"lead": whole, "final": True})
    unnamed = {"rule_set": "fleet_leads", "lead": whole}
    many = await life.tell(served, "POST", "/v1/qualify/batch", [unnamed, asked | {"lead": whole}])
    life.decisions += [first["id"], again["id"]]
    life.decisions += [one["decision"]["id"] for one in many["data"]]
    word = {"verdict": "qualify", "reason": "Zzcanary is known to us", "message": "Dear Zzcanary"}
    path = f"/v1/decisions/{again['id']}/override"
    made = await life.tell(served, "POST", path, word)
    ended = {"reason": "Zzcanary moved on"}
    await life.tell(served, "POST", f"/v1/overrides/{made['id']}/withdraw", ended)


async def _keep_a_company(life: Life, served: Served) -> None:
    path = f"/v1/accounts/{COMPANY['account']}"
    await life.tell(served, "PUT", path, {"facts": _FACTS, "source": "crm"})
    other = {"facts": {"site": "https://old.zzcanary.example"}, "source": "billing"}
    await life.tell(served, "PATCH", path, other)
    listed = [{"account": "zzcanary-old", "facts": {"contact": "Bo Zzcanary"}, "source": "crm"}]
    await life.tell(served, "POST", "/v1/accounts", listed)
    await life.tell(served, "PUT", f"{path}/identities/hubspot/zzcanary-77", None)
    united = {"into": COMPANY["account"], "reason": "Zzcanary before it was sold"}
    await life.tell(served, "POST", "/v1/accounts/zzcanary-old/merge", united)
    asked = {"rule_set": "fleet_accounts", "account_key": COMPANY["account"]}
    decided = await life.tell(served, "POST", "/v1/qualify", asked)
    life.decisions.append(decided["id"])
    word = {"rule_set": "fleet_accounts", "verdict": "review", "reason": "ask Zzcanary first"}
    await life.tell(served, "POST", f"{path}/overrides", word)
    await assess_some(served.app.api.state.desk)


async def _enter_events(life: Life, served: Served) -> None:
    path = f"/v1/accounts/{COMPANY['account']}/events"
    told = {"at": "2026-11-20T12:00:00Z", "source": "desk", "event_id": "zz1"}
    case = {"hours": 2.5, "severity": "high", "cause": "Zzcanary lost the manual"}
    await life.tell(served, "POST", path, told | {"kind": "support_case", "quantities": case})
    owed = {"kind": "revenue", "quantities": {"amount": "100.25"}, "event_id": "zz2"}
    entry = await life.tell(served, "POST", path, told | owed)
    reason = {"reason": "Zzcanary never ordered that"}
    await life.tell(served, "POST", f"/v1/events/{entry['id']}/reversal", reason)
    unknown = told | {"kind": "party", "quantities": {"host": "Zzcanary"}, "event_id": "zz3"}
    elsewhere = told | {"kind": "party", "quantities": {}, "event_id": "zz4"}
    waiting = [
        unknown | {"account": COMPANY["account"]},
        elsewhere | {"identity": {"system": "hubspot", "id": "zzcanary-77"}},
        unknown | {"account": "nobody", "quantities": {"host": LEAD["email"]}, "event_id": "zz5"},
    ]
    await life.tell(served, "POST", "/v1/events", waiting)


async def _say_what_became(life: Life, served: Served) -> None:
    told = {"result": "won", "at": "2026-11-20T12:00:00Z", "amount": "100.00", "source": "crm"}
    of_lead = {"external_id": LEAD["external_id"], "owner": "Cy", "event_id": "d1"}
    of_company = {"account": COMPANY["account"], "event_id": "d2", "owner": "Cy"}
    by_decision = {"decision": life.decisions[2], "event_id": f"won:{LEAD['email']}"}
    for one in (of_lead, of_company, by_decision):
        kept = await life.tell(served, "POST", "/v1/outcomes", told | one)
    path = f"/v1/outcomes/{kept['id']}/withdraw"
    await life.tell(served, "POST", path, {"reason": "it was Zzcanary's brother"})


async def _state(served: Served) -> None:
    """Put a statement there in which the company has a name and a place."""
    house = served.app.house
    found = await served.ask("GET", f"/v1/accounts/{COMPANY['account']}")
    account_id = parse_id(found.json()["id"], "acc")
    slices = {"segment": "Zzcanary's"}
    stands = position(COMPANY["account"], account_id=account_id, name="Zzcanary Ltd", slices=slices)
    stands |= {"costs": {"calls of zzcanary": "3"}}
    running = await served.app.api.state.live.version_at("fleet_accounts", house.clock())
    async with transaction(house.engine) as connection:
        await store_statement(connection, running, [stands])


async def tried(served: Served) -> str:
    """Try the stricter rules on all that was decided; return the backtest's id."""
    path = "/v1/rule-sets/fleet_leads/drafts/stricter"
    headers = {"Content-Type": "application/yaml"}
    await served.ask("PUT", path, headers=headers, content=STRICTER)
    asked = {"rule_set": "fleet_leads", "draft": "stricter"}
    begun = await served.ask("POST", "/v1/backtests", json=asked)
    assert begun.status_code == 202, begun.text
    house = served.app.house
    live = LiveRules(house.engine, timer=time.monotonic)
    turn = anyio.CapacityLimiter(1)
    assert await work_on_next(Workshop(house=house, live=live, timer=time.monotonic, turn=turn))
    backtest: str = begun.json()["id"]
    return backtest


async def erased(served: Served, asked: dict[str, Any]) -> dict[str, Any]:
    """Erase somebody and return the erasure as it ended."""
    begun = await served.ask("POST", "/v1/erasures", json=asked)
    assert begun.status_code == 202, begun.text
    assert await erase_next(eraser_of(served))
    ended: dict[str, Any] = (await served.ask("GET", f"/v1/erasures/{begun.json()['id']}")).json()
    assert ended["state"] == "done", ended
    return ended


def traces(database_url: str, mark: str = MARK) -> dict[str, int]:
    """Return in how many rows of which column *mark* stands, in whatever case."""
    found = {
        place: len(re.findall(mark, text, re.IGNORECASE)) for place, text in _dump(database_url)
    }
    return {place: times for place, times in found.items() if times}


def _dump(database_url: str) -> Iterator[tuple[str, str]]:
    """Give every column of every table as `COPY` writes it; bytes as the text that they are."""
    columns = """
        SELECT table_name, column_name, data_type FROM information_schema.columns
        JOIN information_schema.tables USING (table_schema, table_name)
        WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
            AND table_name !~ '^decision_'  -- months are read with the whole
    """
    with psycopg.connect(libpq_url(database_url)) as connection:
        for table, column, kind in connection.execute(columns).fetchall():
            form = "encode({}, 'escape')" if kind == "bytea" else "{}"
            shown = sql.SQL(form).format(sql.Identifier(column))
            copy = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(
                shown, sql.Identifier(table)
            )
            with connection.cursor().copy(copy) as rows:
                yield f"{table}.{column}", b"".join(rows).decode()
