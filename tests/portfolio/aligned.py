"""A small company for tests of the alignment: its rules, accounts, leads and deals."""

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg

from service.rulesets import Editor, LiveRules, Running, install
from service.storage import RANDOM_BYTES, libpq_url, make_uuid, transaction
from tests.web.serving import Served

__all__ = ["ACCOUNTS", "BOOK", "LEADS", "go_live", "send"]

BOOK: Final = """
rule_set: book
subject: account
attributes:
  customer_since: {type: date, label: Customer since}
  segment: {type: choice, choices: [core, outside], label: Segment}
  size: {type: choice, choices: [tiny, large], label: Size}
  employees: {type: number, min: 0, label: Employees}
metrics:
  revenue_12m: {event: revenue, sum: amount, window: 12 months, unit: EUR}
  cost_12m: {cost: {support_case: {hours: 80}, cost: {amount: 1}}, window: 12 months, unit: EUR}
gates:
  - {id: grace, when: age_months(customer_since) < 6, then: too_early}
scores:
  value:
    {floor: 0, ceiling: 100, groups: [{id: v, mode: sum, rules: [{id: pays, when: revenue_12m > 0, points: 60}]}]}
  growth:
    {floor: 0, ceiling: 100, groups: [{id: g, mode: sum, rules: [{id: big, when: size == "large", points: 60}]}]}
  fit:
    {floor: 0, ceiling: 100, groups: [{id: f, mode: sum, rules: [{id: core, when: segment == "core", points: 80}]}]}
outcomes:
  - {id: bad_fit, verdict: disqualify, when: 'segment == "outside" && size == "tiny"', action: lead_elsewhere}
  - {id: partner, verdict: qualify, when: fit >= 50, action: keep}
  - {id: too_early, verdict: review, action: wait}
"""  # noqa: E501 - a rule file
STRICTER: Final = BOOK.replace('segment == "outside" && size == "tiny"', 'segment == "outside"')

LEADS: Final = """
rule_set: inbound
subject: lead
attributes:
  vehicles: {type: number, min: 0, label: Vehicles}
  campaign: {type: text, label: Campaign}
  industry: {type: text, label: Industry}
  fleet: {type: flag, label: Has a fleet}
  country: {type: text, pii: true, label: Country}
scores:
  fit: {floor: 0, ceiling: 100, groups: [{id: s, mode: sum, rules: [{id: big, when: vehicles >= 10, points: 60}]}]}
outcomes:
  - {id: meet, verdict: qualify, when: fit >= 50, action: book_meeting}
  - {id: shop, verdict: disqualify, action: web_store}
"""  # noqa: E501 - a rule file

_DAY: Final = "2023-05-01"
_OUTSIDE: Final = {"segment": "outside", "size": "tiny", "customer_since": _DAY, "owner": "ann"}
ACCOUNTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "won": {**_OUTSIDE, "owner_since": _DAY},
    "regrouped": {**_OUTSIDE, "size": "large", "owner_since": _DAY},
    "older-than-rules": {**_OUTSIDE, "customer_since": "2021-06-01", "owner_since": "2021-06-01"},
    "taken-over": {**_OUTSIDE, "owner_since": "2024-02-01T09:00:00Z"},
    "size-unknown": {**_OUTSIDE, "size": None, "owner_since": _DAY},
    "since-unknown": {**_OUTSIDE, "owner": "bo"},
    "core": {"segment": "core", "size": "large", "customer_since": _DAY, "owner": "bo"},
    "other-core": {"segment": "core", "customer_since": _DAY, "size": "tiny"},
    "nobodys": {**_OUTSIDE, "owner": None},
}
"""Keys say what each is; the rules of 2022 send small ones outside away, those of 2025 all."""


def _uuid(at: datetime) -> UUID:
    return make_uuid(at, secrets.token_bytes(RANDOM_BYTES))


async def go_live(served: Served, url: str) -> Running:
    """Make the rules live as they were: those of 2022, the stricter of 2025, those for leads."""
    engine = served.app.house.engine
    for rules in (BOOK, STRICTER, LEADS):
        editor = Editor(person="ann", at=datetime.now(UTC), new_uuid=_uuid)
        async with transaction(engine, within=timedelta(seconds=30)) as connection:
            await install(connection, rules, editor=editor, note="", reason="a test")
    with psycopg.connect(libpq_url(url)) as owner:
        owner.execute("SET session_replication_role = replica")  # history refuses even its owner
        for version, year in ((1, 2022), (2, 2025)):
            owner.execute(
                "UPDATE rule_set_release SET created_at = %(at)s, effective_at = %(at)s"
                " + interval '1 minute' WHERE version = %(version)s",
                {"at": datetime(year, 1, 1, tzinfo=UTC), "version": version},
            )
    return await LiveRules(engine, timer=lambda: 0.0).version_at("book", datetime.now(UTC))


async def send(served: Served, path: str, many: object) -> None:
    """Send many and expect each to be taken."""
    answer = await served.ask("POST", path, content=json.dumps(many))
    assert answer.status_code == 200, answer.text
    assert not [one for one in answer.json()["data"] if "problem" in one], answer.text
