"""Who would be better off elsewhere: ranges that hold, from the rule set's own words."""

import csv
import io
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.portfolio.better_off import (
    BadCriterion,
    Criteria,
    Lot,
    better_off_of,
    criteria_of,
    elsewhere,
    must_have_letter,
    sends_of,
)
from service.portfolio.better_off_store import lots_of
from service.portfolio.ranging import Amount, Fate
from service.portfolio.reading import read_statement
from service.rules import RuleSet, load_rule_set
from service.rules.templates import read_template
from service.rulesets import LiveRules, Running
from service.storage import libpq_url, transaction
from tests.decisions.rules import FLEET_ACCOUNTS, release
from tests.portfolio.statements import position, store_statement
from tests.portfolio.taken import (
    FACTS,
    SLUG,
    add_accounts,
    live_template,
    state_now,
    take_statement,
    taken,
)
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio
PATH: Final = f"/v1/portfolio/{SLUG}/better-off"
AT: Final = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
OUTSIDER: Final[Mapping[str, Any]] = {
    **FACTS,
    "segment": "outside",
    "employees": 8,
    "must_haves_met": 50,
    "core_use": False,
    "progress": "none",
    "usage_trend": "flat",
    "sponsor": False,
    "budget_next_year": False,
    "revenue_12m": 80000,
    "cost_to_serve_12m": 76000,
    "service_hours_12m": 190,
    "threats_24m": 0,
    "missed_meetings_6m": 0,
    "goal_changes_6m": 0,
    "advice_given_12m": 5,
    "advice_share_12m": 1,
    "skipped_trainings_12m": 0,
    "rude_12m": 0,
    "harassment_12m": 0,
    "support_hours_90d": 0,
    "escalations_6m": 0,
}
"""Does what is advised and gets nowhere; we do half of what they need."""


@cache
def template() -> RuleSet:
    """Return the template for accounts."""
    return load_rule_set(read_template(SLUG))


def by_convention() -> Criteria:
    """Return what the template says without being told."""
    return criteria_of(template(), must_have=None, transitions=())


def fate_by(criteria: Criteria, facts: Mapping[str, Any]) -> Fate:
    """Return the fate of an account of these facts."""
    decision = template().decide(facts, at=AT, final=True, with_missing=False)
    letters: Any = decision.trace.to_json()["open"]
    sends = sends_of(
        criteria,
        outcome=decision.outcome,
        certain=decision.outcome_certain,
        letters=letters,
    )
    return elsewhere(
        must_have_letter(criteria, letters), sends, is_stated=decision.outcome in criteria.ids
    )


def test_the_rule_set_says_what_counts() -> None:
    """All that disqualifies, and the first rule that reads the must-haves alone."""
    criteria = by_convention()
    assert [one.id for one in criteria.transitions] == ["bad_fit", "safety_pause"]
    assert criteria.must_have is not None
    assert criteria.must_have.rule == "needs_met"
    named = criteria_of(template(), must_have="core_use", transitions=["bad_fit"])
    assert [one.id for one in named.transitions] == ["bad_fit"]
    assert named.must_have is not None
    assert named.must_have.rule == "core_user"
    for wrong in ({"must_have": "revenue_12m"}, {"must_have": ""}, {"must_have": "nothing such"}):
        with pytest.raises(BadCriterion) as refused:
            criteria_of(template(), transitions=(), **wrong)
        assert refused.value.faults[0].parameter == "must_have"


def test_rules_that_send_nobody_elsewhere_say_so() -> None:
    """Neither a must-have nor a verdict: a refusal, and no zero that looks like an answer."""
    kind = (
        "rule_set: kind\nsubject: account\nattributes: {large: {type: flag}}\n"
        "outcomes:\n  - {id: big, verdict: qualify, when: large}\n"
        "  - {id: small, verdict: review}\n"
    )
    with pytest.raises(BadCriterion):
        criteria_of(load_rule_set(kind), must_have=None, transitions=())
    named = criteria_of(load_rule_set(kind), must_have=None, transitions=["small"])
    assert named.must_have is None
    opened = {"gates": "", "rules": "", "outcomes": "uy"}
    assert sends_of(named, outcome="small", certain=False, letters=opened) == "some"


@pytest.mark.parametrize(
    ("told", "fate"),
    [
        ({}, "in"),
        ({"must_haves_met": 95}, "in"),
        ({"progress": None}, "in"),
        ({"progress": None, "must_haves_met": 95}, "rather_out"),
        ({"must_haves_met": None}, "rather_out"),
        ({"must_haves_met": 95, "progress": "steady"}, "out"),
        ({"must_haves_met": 95, "progress": "steady", "threats_24m": 1}, "in"),
        ({"must_haves_met": 95, "progress": "steady", "threats_24m": None}, "rather_out"),
        ({"customer_since": "2026-10-01", "must_haves_met": 95}, "out"),
    ],
)
def test_what_is_known_decides_where_an_account_belongs(
    told: Mapping[str, Any], fate: Fate
) -> None:
    """Nobody is sent elsewhere by what is not known, nor is anybody sure to stay by it."""
    assert fate_by(by_convention(), {**OUTSIDER, **told}) == fate


@given(known=st.sets(st.sampled_from(sorted(OUTSIDER))), more=st.sampled_from(sorted(OUTSIDER)))
@settings(max_examples=60, deadline=None)
def test_the_high_end_never_falls_when_a_fact_is_removed(known: set[str], more: str) -> None:
    """Who could be better off elsewhere still could; who surely is was so before."""
    less = {name: OUTSIDER[name] for name in known - {more}}
    before = fate_by(by_convention(), {**less, more: OUTSIDER[more]})
    after = fate_by(by_convention(), less)
    if before != "out":
        assert after != "out"
    if after in {"in", "out"}:
        assert before == after, "what was settled without a fact is settled with it"


LOTS: Final = st.lists(
    st.builds(
        Lot,
        st.sampled_from([None, "core", "outside"]),
        st.sampled_from(["y", "n", "u"]),
        st.sampled_from(["all", "some", "none"]),
        st.sampled_from([None, "bad_fit", "steady"]),
        st.booleans(),
        st.integers(1, 1000),
        st.decimals(-10_000, 10_000, places=2).map(Amount.of),
    ),
    max_size=12,
)


@given(lots=LOTS)
def test_every_value_lies_in_its_range(lots: list[Lot]) -> None:
    """Also where revenue is negative; parts add up to the whole."""
    found = better_off_of(by_convention(), lots)
    parts = [part for _, part in found.parts]
    for one in (found.together, found.must_haves, found.sent, *parts):
        assert 0 <= one.accounts.low <= one.accounts.value <= one.accounts.high <= one.of_accounts
        assert one.revenue.low <= one.revenue.value <= one.revenue.high
    for end in ("low", "value", "high"):
        assert sum(getattr(part.accounts, end) for part in parts) == getattr(
            found.together.accounts, end
        )
        assert sum(getattr(part.revenue, end) for part in parts) == getattr(
            found.together.revenue, end
        )


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """Return an application that does nothing between requests; the template is live."""
    async with serving(database_url, is_attended=False) as served:
        await live_template(served.app.house.engine)
        yield served


async def live_version(served: Served) -> Running:
    """Return the template as it is live."""
    return await LiveRules(served.app.house.engine, timer=lambda: 0.0).version(SLUG, 1)


def rows_of(letters: list[tuple[str, str, str]], outcomes: list[str]) -> list[dict[str, Any]]:
    """Return positions with these letters, some of them without."""
    rows = [
        position(
            f"a{place}",
            outcome=outcomes[place % len(outcomes)],
            certain=place % 7 == 0,
            in_grace=place % 5 == 0,
            revenue=Decimal(place * 7 - 50),
            slices={"segment": "core"} if place % 3 else {},
            letters={"gates": gates, "rules": rules, "outcomes": told},
        )
        for place, (gates, rules, told) in enumerate(letters)
    ]
    rows.append(position("never", outcome=None, certain=False, letters=None))
    return rows


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
async def test_the_database_counts_as_the_pure_words_do(
    served: Served, data: st.DataObject
) -> None:
    """Each position is put where `sends_of` and `must_have_letter` put it."""
    model = template().model
    some = [
        tuple(
            "".join(data.draw(st.lists(st.sampled_from("nnnuy"), min_size=size, max_size=size)))
            for size in (len(model.gates), len(model.rules), len(model.outcomes))
        )
        for _ in range(25)
    ]
    rows = rows_of([(g, r, f"{o[:-1]}y") for g, r, o in some], [one.id for one in model.outcomes])
    engine = served.app.house.engine
    criteria = by_convention()
    running = await live_version(served)
    async with transaction(engine) as connection:
        await store_statement(connection, running, rows)
        statement = await read_statement(connection, SLUG)
        found = await lots_of(connection, statement, criteria, slices=(), part=None)
        await connection.rollback()
    expected = [
        Lot(
            None,
            must_have_letter(criteria, row["letters"]),
            sends_of(
                criteria, outcome=row["outcome"], certain=row["certain"], letters=row["letters"]
            ),
            row["outcome"],
            row["in_grace"],
            1,
            Amount.of(row["revenue"]),
        )
        for row in rows
    ]
    assert better_off_of(criteria, found) == better_off_of(criteria, expected)
    assert sum(lot.accounts for lot in found) == len(rows)


async def test_a_statement_says_who_would_be_better_off(served: Served, database_url: str) -> None:
    """Facts, rescoring, statement, view: a sure one, one that could be, one that stays."""
    engine = served.app.house.engine
    running = await live_version(served)
    facts = {name: value for name, value in OUTSIDER.items() if not name.endswith(("m", "d"))}
    facts |= {"core_use": False, "must_haves_met": 50}
    add_accounts(
        database_url,
        {
            "unmet": facts,
            "unasked": {**facts, "must_haves_met": None, "segment": "core"},
            "met": {**facts, "must_haves_met": 95, "progress": "steady"},
            "new": {**facts, "must_haves_met": 95, "customer_since": "2026-10-01"},
        },
    )
    statement = await take_statement(engine, database_url, running)
    positions = await taken(engine, statement)
    assert positions["unmet"].letters is not None
    assert positions["unmet"].orders == 0
    said = (await served.ask("GET", f"{PATH}?by=segment")).json()
    assert said["must_have"] == "needs_met"
    assert said["must_haves_unmet"]["accounts"] == {"low": 1, "value": 1, "high": 2}
    assert said["accounts"]["low"] == 1
    assert said["accounts"]["high"] == 4, "no source reports threats, so anybody may be paused"
    assert [one["value"] for one in said["parts"]] == ["outside", "core"]
    named = (await served.ask("GET", f"{PATH}?transition=bad_fit&slice=segment:core")).json()
    assert (named["of_accounts"], named["slices"]) == (1, ["segment:core"])
    assert named["share"] == {"low": 0.0, "value": 0.0, "high": 1.0}
    assert named["revenue_share"] is None
    answer = await served.ask("GET", f"{PATH}.csv?transition=bad_fit")
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert [line["cause"] for line in lines] == ["must_haves_unmet", "sent", "together"]
    assert lines[0]["accounts_value"] == "1"


async def test_a_suspended_must_have_blames_nobody(served: Served, database_url: str) -> None:
    """Suspended, its rule counts as no; what it said before that is what counts here."""
    engine = served.app.house.engine
    running = await live_version(served)
    add_accounts(database_url, {"met": {**FACTS, "must_haves_met": 95}})
    await take_statement(engine, database_url, running)
    place = must_have_place()
    with psycopg.connect(libpq_url(database_url)) as owner:
        owner.execute(
            "UPDATE decision SET trace_before = trace, trace = jsonb_set(trace, '{open,rules}',"
            " to_jsonb(overlay(trace -> 'open' ->> 'rules' PLACING 'n' FROM %s FOR 1)))",
            [place + 1],
        )
    statement = await state_now(engine, running)
    letters = (await taken(engine, statement))["met"].letters
    assert letters is not None
    assert letters["rules"][place] == "y"
    said = (await served.ask("GET", PATH)).json()
    assert said["must_haves_unmet"]["accounts"] == {"low": 0, "value": 0, "high": 0}


def must_have_place() -> int:
    """Return the place of the template's must-have among the rules."""
    must_have = by_convention().must_have
    assert must_have is not None
    return must_have.place


async def test_what_says_nothing_is_refused_with_its_place(served: Served) -> None:
    """Unknown outcomes, rules and names, too many of them, and scopes."""
    running = await live_version(served)
    async with transaction(served.app.house.engine) as connection:
        await store_statement(connection, running, [position("north")])
    wrong = {
        "transition=nowhere": (422, "bad_criterion", "transition"),
        "transition=": (422, "bad_criterion", "transition"),
        "must_have=nothing": (422, "bad_criterion", "must_have"),
        "must_have=%F0%9F%90%8B": (422, "bad_criterion", "must_have"),
        "by=region": (422, "bad_slice", "by"),
        "slice=region:x": (422, "bad_slice", "slice"),
        "&".join(["transition=bad_fit"] * 51): (422, "validation_failed", "transition"),
        f"must_have={'x' * 65}": (422, "validation_failed", "must_have"),
    }
    for suffix in ("", ".csv"):
        for query, (status, code, parameter) in wrong.items():
            answer = await served.ask("GET", f"{PATH}{suffix}?{query}")
            said = answer.json()
            assert (answer.status_code, said["code"]) == (status, code), query
            assert said["errors"][0]["parameter"] == parameter
    await release(served.app.house, FLEET_ACCOUNTS)
    answer = await served.ask("GET", "/v1/portfolio/fleet_accounts/better-off")
    assert (answer.status_code, answer.json()["code"]) == (404, "statement_not_found")
    answer = await served.ask("GET", "/v1/portfolio/nowhere/better-off")
    assert (answer.status_code, answer.json()["code"]) == (404, "rule_set_not_found")
    key = await served.new_key("rules:read")
    assert (await served.ask("GET", PATH, key=key)).status_code == 403
