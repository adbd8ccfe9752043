"""The portfolio as it would be if fewer were served: what stays and what goes is the whole."""

import csv
import io
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import chain, combinations
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.portfolio.focus import QUANTITIES, fate_kept, fate_under, focus_of
from service.portfolio.ranging import FATES, NO_AMOUNT, Amount, Fate
from service.portfolio.slicing import Slice
from service.rules import load_rule_set
from service.rulesets import LiveRules
from service.storage import transaction
from tests.decisions.rules import FLEET_LEADS, release
from tests.portfolio.statements import position, store_statement
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
PATH: Final = f"/v1/portfolio/{SLUG}/focus"
AT: Final = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
STRICT: Final = """\
rule_set: strict
subject: account
title: Only who is ours
missing: ask
attributes:
  segment: {type: choice, choices: [core, adjacent, outside], ask: Which?}
  employees: {type: number, ask: How many?}
outcomes:
  - {id: ours, verdict: qualify, when: 'segment == "core" && employees >= 50'}
  - {id: other, verdict: disqualify}
"""

ACCOUNTS: Final = st.lists(
    st.tuples(
        st.sampled_from(FATES),
        st.decimals(-1000, 1000, places=2),
        st.decimals(0, 1000, places=6),
        st.integers(0, 4),
    ),
    max_size=7,
)


def sums_of(accounts: list[tuple[Fate, Decimal, Decimal, int]]) -> dict[Fate, dict[str, Amount]]:
    """Return quantities by fate, as the store gives them."""
    found: dict[Fate, dict[str, Amount]] = {}
    for fate, revenue, cost, _ in accounts:
        numbers = (Decimal(1), revenue, cost, revenue - cost, cost)
        each = found.setdefault(fate, dict.fromkeys(QUANTITIES, NO_AMOUNT))
        for name, number in zip(QUANTITIES, numbers, strict=True):
            each[name] += Amount.of(number)
    return found


@given(accounts=ACCOUNTS)
def test_what_stays_and_what_goes_are_the_whole(
    accounts: list[tuple[Fate, Decimal, Decimal, int]],
) -> None:
    """To the last digit, as things stand and at opposite ends; every value is in its range."""
    found = focus_of(sums_of(accounts), None, [])
    assert found.whole["revenue"] == sum(one[1] for one in accounts)
    for name in QUANTITIES:
        stays, goes, whole = found.stays.sums[name], found.goes.sums[name], found.whole[name]
        assert stays.low <= stays.value <= stays.high
        assert goes.low <= goes.value <= goes.high
        assert stays.value + goes.value == whole
        assert stays.low + goes.high == stays.high + goes.low == whole


@given(accounts=ACCOUNTS)
def test_the_mean_order_is_between_all_that_could_be(
    accounts: list[tuple[Fate, Decimal, Decimal, int]],
) -> None:
    """The ends are those that trying every combination of the open accounts finds."""
    placed = [(fate, (revenue, number)) for fate, revenue, _, number in accounts if number]
    orders: dict[Fate, tuple[Decimal, int]] = {}
    for fate, (revenue, number) in placed:
        before = orders.get(fate, (Decimal(0), 0))
        orders[fate] = (before[0] + revenue, before[1] + number)
    free = [one for one in placed if one[0] in {"rather_in", "rather_out"}]
    mean = focus_of(sums_of(accounts), orders, free).goes.order_value
    sure = [order for fate, order in placed if fate == "in"]
    standing = [order for fate, order in placed if fate in {"in", "rather_in"}]
    if not standing:
        assert mean is None
        return
    assert mean is not None
    chosen = chain.from_iterable(
        combinations([order for _, order in free], size) for size in range(len(free) + 1)
    )
    means = [_mean([*sure, *some]) for some in chosen if sure or some]
    assert float(mean.low) == pytest.approx(float(min(means)))
    assert float(mean.high) == pytest.approx(float(max(means)))
    assert float(mean.value) == pytest.approx(float(_mean(standing)))
    assert mean.low <= mean.value <= mean.high


def _mean(orders: list[tuple[Decimal, int]]) -> Fraction:
    return sum((Fraction(revenue) for revenue, _ in orders), Fraction(0)) / sum(
        number for _, number in orders
    )


@pytest.mark.parametrize(
    ("slices", "fate"),
    [
        ({"segment": "core", "owner": "ann"}, "out"),
        ({"segment": "adjacent", "owner": "ann"}, "out"),
        ({"segment": "outside", "owner": "ann"}, "in"),
        ({"segment": "core", "owner": "bo"}, "in"),
        ({"segment": "core"}, "rather_out"),
        ({"owner": "bo"}, "in"),
        ({}, "rather_out"),
    ],
)
def test_nobody_goes_by_what_nobody_told(slices: Mapping[str, str], fate: Fate) -> None:
    """Texts of one name are alternatives, names narrow; who is not known stays and could go."""
    keep = [Slice("segment", "core"), Slice("segment", "adjacent"), Slice("owner", "ann")]
    assert fate_kept(slices, keep) == fate


@pytest.mark.parametrize(
    ("facts", "fate"),
    [
        ({"segment": "core", "employees": 50}, "out"),
        ({"segment": "outside"}, "in"),
        ({"employees": 10}, "in"),
        ({"segment": "core"}, "rather_in"),
        ({}, "rather_in"),
    ],
)
def test_other_rules_say_who_goes(facts: Mapping[str, Any], fate: Fate) -> None:
    """Whom they disqualify; surely where no answer could change that."""
    rules = load_rule_set(STRICT)
    decision = rules.decide(facts, at=AT, final=True, with_missing=False)
    assert fate_under(rules.model, decision) == fate


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """Return an application that does nothing between requests; the template is live."""
    async with serving(database_url, is_attended=False) as served:
        await live_template(served.app.house.engine)
        yield served


async def shown(served: Served, query: str) -> dict[str, Any]:
    """Return a focus."""
    answer = await served.ask("GET", f"{PATH}{query}")
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


async def test_serving_one_segment_is_seen_at_once(served: Served) -> None:
    """Both sides, hours freed, mean orders, and who is handed over, page by page."""
    engine = served.app.house.engine
    running = await LiveRules(engine, timer=lambda: 0.0).version(SLUG, 1)
    rows = [
        position("core", revenue=Decimal("100.01"), cost=Decimal(20), orders=2,
                 support_hours=Decimal(1), slices={"segment": "core"}),
        position("far", revenue=Decimal(50), cost=Decimal(70), orders=5, outcome="bad_fit",
                 support_hours=Decimal("30.5"), slices={"segment": "outside"}, name="=far()"),
        position("next", revenue=Decimal(7), orders=1, slices={"segment": "adjacent"}),
        position("open", revenue=Decimal(10), cost=Decimal(30), orders=1),
    ]  # fmt: skip
    for place, row in enumerate(rows):
        row["account_id"] = UUID(int=place)
    async with transaction(engine) as connection:
        await store_statement(connection, running, rows)
    said = await shown(served, "?keep=segment:core")
    assert (said["under"], said["keep"], said["left_out"]) == (None, ["segment:core"], None)
    assert said["whole"]["revenue"] == "167.01"
    assert said["stays"]["accounts"] == {"low": 1, "value": 2, "high": 2}
    assert said["stays"]["revenue"] == {"low": "100.01", "value": "110.01", "high": "110.01"}
    assert said["stays"]["margin"] == {"low": "60.01", "value": "60.01", "high": "80.01"}
    assert said["stays"]["order_value"] == {
        "low": "36.67", "value": "36.67", "high": "50.005",
    }  # fmt: skip
    assert said["goes"]["support_hours"] == {"low": "30.50", "value": "30.50", "high": "30.50"}
    assert said["goes"]["accounts"] == {"low": 2, "value": 2, "high": 3}

    page = await shown(served, "/accounts?keep=segment:core&limit=1")
    rest = await shown(served, f"/accounts?keep=segment:core&limit=1&cursor={page['next_cursor']}")
    assert [one["account"] for one in page["data"] + rest["data"]] == ["far", "next"]
    assert rest["next_cursor"] is None
    assert page["data"][0] == {
        "account": "far", "name": "=far()", "group": "bad_fit", "outcome": None,
        "fate": "goes", "revenue": "50.00", "cost": "70.00", "margin": "-20.00",
    }  # fmt: skip
    could = await shown(served, "/accounts?keep=segment:core&could=true")
    assert [one["fate"] for one in could["data"]] == ["goes", "goes", "may_go"]
    keep = [Slice("segment", "core")]
    fates = {row["key"]: fate_kept(row["slices"], keep) for row in rows}
    assert {one["account"]: one["fate"] for one in could["data"]} == {
        key: {"in": "goes", "rather_out": "may_go"}[fate]
        for key, fate in fates.items()
        if fate != "out"
    }
    answer = await served.ask(
        "GET", f"{PATH}/accounts?keep=segment:outside&cursor={page['next_cursor']}"
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")
    either = await shown(served, "?keep=segment:core&keep=segment:adjacent&slice=segment:adjacent")
    assert either["stays"]["accounts"] == {"low": 1, "value": 1, "high": 1}
    table = await served.ask("GET", f"{PATH}.csv?keep=segment:core")
    lines = list(csv.DictReader(io.StringIO(table.text)))
    assert [(line["account"], line["name"], line["margin"]) for line in lines] == [
        ("far", "'=far()", "-20.00"), ("next", "", "7.00"),
    ]  # fmt: skip


async def test_other_rules_are_tried_on_the_whole_portfolio(
    served: Served, database_url: str
) -> None:
    """A rule set, a version, a draft: worked out once for each text; it adds up to the ledger."""
    engine = served.app.house.engine
    running = await LiveRules(engine, timer=lambda: 0.0).version(SLUG, 1)
    await release(served.app.house, STRICT)
    ids = add_accounts(
        database_url,
        {
            "core": FACTS,
            "small": {**FACTS, "employees": 3},
            "open": {**FACTS, "employees": None},
        },
    )
    ago = now() - timedelta(days=30)
    amounts = {"core": "100.10", "small": "0.01", "open": "7"}
    add_entries(
        database_url,
        ids,
        [
            (key, "revenue", ago, Decimal(amount), {"amount": float(amount)})
            for key, amount in amounts.items()
        ],
    )
    statement = await take_statement(engine, database_url, running)
    await work_out_all(engine)
    assert (await served.ask("GET", f"{PATH}?rule_set=strict")).status_code == 202
    assert (await served.ask("GET", f"{PATH}.csv?rule_set=strict")).status_code == 202
    assert await work_out_all(engine) == 1
    said = await shown(served, "?rule_set=strict")
    assert said["under"] == {"rule_set": "strict", "version": 1, "draft": None}
    assert said["stays"]["accounts"] == {"low": 1, "value": 1, "high": 2}
    assert said["stays"]["revenue"] == {"low": "100.10", "value": "100.10", "high": "107.10"}
    assert said["goes"]["revenue"] == {"low": "0.01", "value": "7.01", "high": "7.01"}
    assert said["whole"]["revenue"] == f"{statement.revenue.normalize():f}" == "107.11"
    assert said["stays"]["order_value"]["value"] == "100.10"
    gone = await shown(served, "/accounts?rule_set=strict")
    assert {one["account"]: (one["fate"], one["outcome"]) for one in gone["data"]} == {
        "small": ("goes", "other"), "open": ("may_stay", "other"),
    }  # fmt: skip
    assert (await shown(served, "?rule_set=strict&version=1"))["goes"] == said["goes"]

    assert (await served.ask("GET", f"{PATH}?version=1")).status_code == 202
    lenient = STRICT.replace(" && employees >= 50", "")
    draft = "/v1/rule-sets/strict/drafts/mine"
    assert (await served.ask("PUT", draft, json={"source": lenient})).status_code == 201
    assert (await served.ask("GET", f"{PATH}?rule_set=strict&draft=mine")).status_code == 202
    assert await work_out_all(engine) == 2
    assert (await shown(served, "?version=1"))["stays"]["accounts"]["value"] == 3
    tried = await shown(served, "?rule_set=strict&draft=mine")
    assert tried["under"] == {"rule_set": "strict", "version": None, "draft": "mine"}
    assert tried["goes"]["accounts"] == {"low": 0, "value": 0, "high": 0}


async def test_what_is_no_focus_is_refused_with_its_place(served: Served) -> None:
    """Neither, both, unknown, for leads, with errors, not to be taken apart."""
    engine = served.app.house.engine
    running = await LiveRules(engine, timer=lambda: 0.0).version(SLUG, 1)
    await release(served.app.house, FLEET_LEADS)
    async with transaction(engine) as connection:
        await store_statement(connection, running, [position("a", slices={"segment": "core"})])
    draft = f"/v1/rule-sets/{SLUG}/drafts/broken"
    broken = {"source": "rule_set: account_portfolio\nsubject: account\n"}
    assert (await served.ask("PUT", draft, json=broken)).status_code == 201
    wrong = {
        "": (422, "bad_focus", "keep"),
        "keep=segment:core&version=1": (422, "bad_focus", "keep"),
        "version=1&draft=broken": (422, "bad_focus", "draft"),
        "keep=region:x": (422, "bad_slice", "keep"),
        "keep=segment:": (422, "bad_slice", "keep"),
        "keep=segment": (422, "bad_slice", "keep"),
        "slice=region:x&version=1": (422, "bad_slice", "slice"),
        "rule_set=nowhere": (404, "rule_set_not_found", "rule_set"),
        "version=99": (404, "version_not_found", "version"),
        "version=0": (422, "validation_failed", "version"),
        "version=99999999999": (422, "validation_failed", "version"),
        "draft=nowhere": (404, "draft_not_found", "draft"),
        "rule_set=fleet_leads": (422, "wrong_subject", "rule_set"),
        "&".join(["keep=segment:core"] * 9): (422, "validation_failed", "keep"),
    }
    for query, (status, code, parameter) in wrong.items():
        for view in ("", "/accounts", ".csv"):
            answer = await served.ask("GET", f"{PATH}{view}?{query}")
            said = answer.json()
            assert (answer.status_code, said["code"]) == (status, code), query
            assert said["errors"][0]["parameter"] == parameter, query
    answer = await served.ask("GET", f"{PATH}?draft=broken")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_rule_set")
    assert answer.json()["errors"][0]["pointer"] is not None
    key = await served.new_key("rules:read")
    assert (await served.ask("GET", f"{PATH}?keep=segment:core", key=key)).status_code == 403
