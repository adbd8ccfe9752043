"""Who changes group if cost rates move: laws of the pure part, and the way over HTTP."""

import csv
import io
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.portfolio.sensitivity import at_rates, changes_of, parts_of, rates_of, stand
from service.portfolio.working import work_out_next
from service.rules import Event, Facts, load_rule_set, measure
from service.rules.metrics.model import Costed
from service.rules.templates import read_template
from service.rulesets import LiveRules
from tests.decisions.rules import FLEET_ACCOUNTS, release
from tests.portfolio.taken import (
    FACTS,
    SLUG,
    add_accounts,
    add_entries,
    live_template,
    now,
    take_statement,
    work_out_all,
)
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio
PATH: Final = f"/v1/portfolio/{SLUG}/sensitivity"
AT: Final = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
EDGE: Final = load_rule_set(
    """\
rule_set: edge
subject: account
attributes: {segment: {type: text}}
metrics:
  earned: {event: revenue, sum: amount, window: 12 months, unit: EUR}
  spent:
    cost: {support_case: {hours: 80}, custom_work: {hours: 120}, cost: {amount: 1}}
    window: 12 months
    unit: EUR
  recent: {cost: {support_case: {hours: 80}}, window: 90 days, unit: EUR}
  busy: {cost: {support_case: {hours: 1}}, window: 12 months, unit: hours}
outcomes:
  - {id: hectic, verdict: review, when: recent > 5000}
  - {id: carries, verdict: qualify, when: earned >= spent}
  - {id: drains, verdict: disqualify, when: spent > earned}
  - {id: unknown, verdict: review}
"""
)
RATES: Final = rates_of(EDGE, "spent")
EVENTS: Final = st.lists(
    st.builds(
        lambda kind, days, number: Event(
            kind=kind,
            at=AT - timedelta(days=days),
            quantities={"amount" if kind in {"revenue", "cost"} else "hours": number},
        ),
        st.sampled_from(["revenue", "cost", "support_case", "custom_work"]),
        st.sampled_from([1, 80, 100, 300]),
        st.decimals(0, 90, places=2).map(float),
    ),
    max_size=8,
)


KINDS: Final = ("revenue", "cost", "support_case", "custom_work")


def known(events: list[Event]) -> tuple[Facts, Mapping[str, float | None]]:
    """Return the facts of an account with these events, and what its rates make up."""
    metrics = (*EDGE.metrics, *parts_of(EDGE, RATES))
    measured = measure(metrics, events, reported=KINDS, at=AT)
    own = {metric.name: measured[metric.name] for metric in EDGE.metrics}
    return EDGE.admit(own), measured


def judge(facts: Facts) -> str:
    """Return the outcome."""
    return EDGE.decide(facts, at=AT, final=True, with_missing=False).outcome


def test_rates_are_those_of_money() -> None:
    """A rate moves in every metric of the unit at once; hours have no price."""
    assert [rate.name for rate in RATES] == [
        "cost.amount", "custom_work.hours", "support_case.hours",
    ]  # fmt: skip
    assert RATES[2].amounts == {"spent": Decimal(80), "recent": Decimal(80)}
    template = load_rule_set(read_template(SLUG))
    names = [rate.name for rate in rates_of(template, "cost_to_serve_12m")]
    assert names == ["cost.amount", "custom_work.hours", "support_case.hours"]
    changes = changes_of(RATES, by=Decimal("0.2"))
    assert [(one.name, one.by) for one in changes[-2:]] == [
        (None, Decimal("-0.2")), (None, Decimal("0.2")),
    ]  # fmt: skip


@given(events=EVENTS)
def test_no_change_moves_nobody(events: list[Event]) -> None:
    """Rates that move by nothing leave the very facts."""
    facts, parts = known(events)
    changes = changes_of(RATES, by=Decimal(0))
    assert all(at_rates(facts, parts, change) is facts for change in changes)
    assert stand(facts, parts, changes=changes, judge=judge) is None


@given(events=EVENTS, by=st.decimals("0.01", 1, places=2))
@settings(deadline=None)
def test_a_changed_rate_is_what_the_ledger_would_say(events: list[Event], by: Decimal) -> None:
    """The part of a rate, times the share, is what measuring anew at that rate gives."""
    facts, parts = known(events)
    for change in changes_of(RATES, by=by):
        moved = {(rate.kind, rate.quantity) for rate in change.rates}
        for metric in EDGE.metrics:
            if not isinstance(metric, Costed) or metric.name == "busy":
                continue
            rates = {
                kind: {
                    name: rate * (1 + change.by) if (kind, name) in moved else rate
                    for name, rate in each.items()
                }
                for kind, each in metric.rates.items()
            }
            anew = measure([replace(metric, rates=rates)], events, reported=KINDS, at=AT)
            changed = at_rates(facts, parts, change)
            assert changed.values[metric.name] == pytest.approx(anew[metric.name], abs=2e-6)
            assert changed.values["busy"] == facts.values["busy"]


@given(events=EVENTS, by=st.decimals("0.01", "0.99", places=2))
@settings(deadline=None)
def test_more_of_a_change_moves_whom_less_moved(events: list[Event], by: Decimal) -> None:
    """Where a rule has one threshold; and the edge lies between nothing and the change."""
    facts, parts = known([one for one in events if one.kind != "support_case"])
    less = stand(facts, parts, changes=changes_of(RATES, by=by), judge=judge)
    more = stand(facts, parts, changes=changes_of(RATES, by=Decimal(1)), judge=judge)
    if less is None:
        return
    assert more is not None
    assert set(less.moves) <= set(more.moves)
    if less.edge is not None:
        at, outcome = less.edge
        assert 0 < abs(at) <= by
        (change,) = [one for one in changes_of(RATES, by=abs(at)) if one.name is None
                     and one.by == at]  # fmt: skip
        assert judge(at_rates(facts, parts, change)) == outcome != less.before


def test_what_is_not_measured_does_not_move() -> None:
    """Unknown cost times six fifths is unknown cost."""
    _, parts = known([])
    unknown = Facts({"earned": 10.0})
    assert stand(unknown, parts, changes=changes_of(RATES, by=Decimal(1)), judge=judge) is None


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """Return an application that does nothing between requests; the template is live."""
    async with serving(database_url, is_attended=False) as served:
        await live_template(served.app.house.engine)
        yield served


async def test_a_fifth_is_worked_out_with_every_statement(
    served: Served, database_url: str
) -> None:
    """Ledger, statement, process, view: who stands at an edge moves, and both ways are told."""
    engine = served.app.house.engine
    running = await LiveRules(engine, timer=lambda: 0.0).version(SLUG, 1)
    ids = add_accounts(
        database_url,
        {
            "edge": {**FACTS, "sponsor": False, "usage_trend": "flat"},
            "firm": {**FACTS, "segment": "adjacent"},
            "silent": FACTS,
        },
    )
    ago = now() - timedelta(days=30)
    silent = ("discount", "late_payment", "goal_change", "meeting", "custom_work", "abuse")
    entries: list[Any] = [
        (key, kind, now() - timedelta(days=900), Decimal(0), {"amount": 0, "hours": 0})
        for key in ("edge", "firm")
        for kind in silent
    ]
    entries += [
        ("edge", "revenue", ago, Decimal(10_000), {"amount": 10_000}),
        ("edge", "cost", ago, Decimal(5_000), {"amount": 5_000}),
        ("edge", "support_case", ago, None, {"hours": 24}),
        ("firm", "revenue", ago, Decimal(90_000), {"amount": 90_000}),
        ("firm", "cost", ago, Decimal(1), {"amount": 1}),
        ("firm", "support_case", ago, None, {"hours": 1}),
    ]
    add_entries(database_url, ids, entries)
    await take_statement(engine, database_url, running)

    waits = await served.ask("GET", PATH)
    assert waits.status_code == 202
    waiting = waits.json()
    assert waiting.pop("id").startswith("scn_")
    assert waiting == {"state": "queued", "done": 0, "total": 3}
    assert waits.headers["Retry-After"] == "2"
    assert (await served.ask("GET", f"{PATH}.csv")).status_code == 202
    assert await work_out_next(served.app.house)
    assert not await work_out_next(served.app.house), "who asks the same gets the same answer"

    said = (await served.ask("GET", PATH)).json()
    assert (said["accounts"], said["revenue"], said["left_out"]) == (3, "100000.00", 0)
    assert (said["moved"], said["moved_revenue"]) == (1, "10000.00")
    changes = {(one["rate"], one["by"]): one for one in said["changes"]}
    assert len(changes) == 8
    assert changes[None, -0.2]["accounts"] == 0
    up = changes[None, 0.2]
    assert (up["accounts"], up["revenue"]) == (1, "10000.00")
    (move,) = up["moves"]
    assert (move["before"], move["accounts"]) == ("steady", 1)
    assert changes["cost.amount", 0.2]["accounts"] == 1
    assert changes["custom_work.hours", 0.2]["accounts"] == 0
    (near,) = said["nearest"]
    assert (near["account"], near["before"], near["after"]) == ("edge", "steady", move["after"])
    assert 0 < near["by"] < 0.02, "a margin of 0.308 falls below 0.3 soon"

    other = (await served.ask("GET", f"{PATH}?slice=segment:adjacent")).json()
    assert (other["accounts"], other["moved"], other["nearest"]) == (1, 0, [])
    table = await served.ask("GET", f"{PATH}.csv?slice=segment:core")
    lines = list(csv.DictReader(io.StringIO(table.text)))
    assert {(line["rate"], line["by"]) for line in lines} == {
        ("(all)", "0.2"), ("cost.amount", "0.2"), ("support_case.hours", "0.2"),
    }  # fmt: skip


async def test_another_share_is_another_question(served: Served, database_url: str) -> None:
    """It is asked once, whatever way it is written; bounds are told with their parameter."""
    engine = served.app.house.engine
    running = await LiveRules(engine, timer=lambda: 0.0).version(SLUG, 1)
    add_accounts(database_url, {"north": FACTS})
    await take_statement(engine, database_url, running)
    for written in ("0.1", "0.10", "1e-1"):
        assert (await served.ask("GET", f"{PATH}?by={written}")).status_code == 202
    for wrong in ("0", "0.009", "1.01", "-0.2", "0.125", "NaN", "Infinity", "much", ""):
        answer = await served.ask("GET", f"{PATH}?by={wrong}")
        said = answer.json()
        assert (answer.status_code, said["code"]) == (422, "validation_failed"), wrong
        assert said["errors"][0]["parameter"] == "by"
    assert await work_out_all(engine) == 2
    assert (await served.ask("GET", f"{PATH}?by=0.1")).json()["moved"] == 0
    for number in range(31, 51):
        assert (await served.ask("GET", f"{PATH}?by=0.{number}")).status_code == 202
    answer = await served.ask("GET", f"{PATH}?by=0.99")
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_scenarios")
    assert answer.headers["Retry-After"] == "60"
    await release(served.app.house, FLEET_ACCOUNTS)
    answer = await served.ask("GET", "/v1/portfolio/fleet_accounts/sensitivity")
    assert (answer.status_code, answer.json()["code"]) == (404, "statement_not_found")
    key = await served.new_key("rules:read")
    assert (await served.ask("GET", PATH, key=key)).status_code == 403
