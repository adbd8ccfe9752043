"""Metrics over plain events: how they count, over what time, and when nothing is known."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules import Event, load_rule_set
from service.rules.metrics.model import BEGINNING, Window
from tests.rules.ledgers import CLOCKS, SAID, Ledger, ledgers, measuring, rules_with

AT = datetime(2026, 3, 31, 10, 30, tzinfo=UTC)
LAW = settings(max_examples=60, deadline=None)


def event(kind: str, days_ago: float = 1, **said: object) -> Event:
    """Return an event of some days before the clock."""
    return Event(kind=kind, at=AT - timedelta(days=days_ago), quantities=said)


CASES = [
    event("support_case", 1, hours=3, severity="high"),
    event("support_case", 30, hours=0.1, severity="low"),
    event("support_case", 100, hours=0.2, severity="high"),
]
MEETINGS = [
    event("meeting", 1, held=True, excused=False),
    event("meeting", 2, held=False, excused=False),
    event("meeting", 3, held=False, excused=True),
    event("meeting", 4, held=False),
]


def measured(metric: dict[str, Any], events: list[Event], *kinds: str) -> float | None:
    """Return one metric; with *kinds*, only those are reported."""
    rules = load_rule_set(rules_with({"m": metric}))
    return rules.measure(events, reported=kinds or tuple(SAID), at=AT)["m"]


MEASURED: list[tuple[dict[str, Any], list[Event], float | None]] = [
    ({"event": "support_case", "sum": "hours"}, CASES, 3.3),
    ({"event": "support_case", "sum": "hours", "window": "90 days"}, CASES, 3.1),
    ({"event": "support_case", "count": True, "window": "90 days"}, CASES, 2),
    ({"event": "support_case", "mean": "hours"}, CASES, 1.1),
    ({"event": "support_case", "min": "hours"}, CASES, 0.1),
    ({"event": "support_case", "max": "hours"}, CASES, 3),
    ({"event": "support_case", "last": "hours"}, CASES, 3),
    ({"event": "support_case", "distinct": "severity"}, CASES, 2),
    ({"event": "support_case", "share": True, "where": 'severity == "high"'}, CASES, 0.666667),
    ({"event": "support_case", "sum": "hours", "where": 'severity == "high"'}, CASES, 3.2),
    ({"cost": {"support_case": {"hours": 80}, "custom_work": {"hours": 120.5}},
      "window": "90 days"}, [*CASES, event("custom_work", hours=2)], 489),
    ({"event": "meeting", "count": True, "where": "held == false && excused == false"},
     MEETINGS, 1),
    ({"event": "meeting", "share": True, "where": "held == false"}, MEETINGS, 0.75),
    ({"event": "meeting", "share": True, "where": "excused"}, MEETINGS, 0.25),
]  # fmt: skip


@pytest.mark.parametrize(("metric", "events", "value"), MEASURED)
def test_a_metric_is_what_a_person_would_count(
    metric: dict[str, Any], events: list[Event], value: float
) -> None:
    """Each way of measuring, with and without a window and a condition."""
    kinds = ("support_case", "custom_work", "meeting")
    assert measured(metric, events, *kinds) == value


@pytest.mark.parametrize("way", ["sum", "mean", "min", "max", "last", "distinct"])
def test_nothing_happened_is_zero_for_sums_and_counts_only(way: str) -> None:
    """A mean over no events is no number, and neither is the last of none."""
    nothing = 0 if way in {"sum", "distinct"} else None
    assert measured({"event": "support_case", way: "hours"}, []) == nothing


def test_nothing_happened_costs_nothing_and_counts_none() -> None:
    """A cost and a count over no events are 0; a share of no events is no number."""
    assert measured({"cost": {"support_case": {"hours": 80}}}, []) == 0
    assert measured({"event": "meeting", "count": True}, []) == 0
    assert measured({"event": "meeting", "share": True, "where": "held"}, []) is None


def test_a_kind_that_nobody_reports_is_missing_and_not_zero() -> None:
    """Who never hears of support cases cannot say that there are none."""
    cost = {"cost": {"support_case": {"hours": 80}, "custom_work": {"hours": 120}}}
    assert measured({"event": "support_case", "count": True}, CASES, "meeting") is None
    assert measured(cost, CASES, "support_case") is None
    assert measured(cost, [], "support_case", "custom_work") == 0


@pytest.mark.parametrize("way", ["sum", "mean", "min", "max", "distinct"])
def test_an_event_that_does_not_say_the_quantity_leaves_it_unknown(way: str) -> None:
    """Unknown hours are not zero hours, unless the author leaves those events out."""
    events = [*CASES, event("support_case", 5, severity="high")]
    assert measured({"event": "support_case", way: "hours"}, events) is None
    known = {"event": "support_case", way: "hours", "where": "has(hours)"}
    assert measured(known, events) == measured({"event": "support_case", way: "hours"}, CASES)


def test_only_the_latest_event_has_to_say_what_was_last() -> None:
    """What older events left out no longer matters."""
    older = [*CASES, event("support_case", 5, severity="high")]
    assert measured({"event": "support_case", "last": "hours"}, older) == 3
    newer = [*CASES, event("support_case", 0.5, severity="high")]
    assert measured({"event": "support_case", "last": "hours"}, newer) is None


WINDOWS: list[tuple[str, datetime, datetime]] = [
    ("1 month", AT, datetime(2026, 2, 28, 10, 30, tzinfo=UTC)),
    ("13 months", AT, datetime(2025, 2, 28, 10, 30, tzinfo=UTC)),
    ("25 months", AT, datetime(2024, 2, 29, 10, 30, tzinfo=UTC)),
    ("3 months", datetime(2026, 1, 15, tzinfo=UTC), datetime(2025, 10, 15, tzinfo=UTC)),
    ("12 months", datetime(2024, 2, 29, tzinfo=UTC), datetime(2023, 2, 28, tzinfo=UTC)),
    ("30 days", AT, datetime(2026, 3, 1, 10, 30, tzinfo=UTC)),
    ("9999 months", AT, datetime(1192, 12, 31, 10, 30, tzinfo=UTC)),
]


@pytest.mark.parametrize(("written", "at", "start"), WINDOWS)
def test_a_month_back_from_the_31st_is_the_shorter_months_last_day(
    written: str, at: datetime, start: datetime
) -> None:
    """Months are those of the calendar in UTC, days are of 24 hours."""
    length, unit = written.split(" ")
    window = Window(int(length), "days" if "day" in unit else "months")
    assert window.start(at) == start


def test_a_window_that_begins_before_time_does_begins_with_it() -> None:
    """Nothing overflows in the year 12."""
    early = datetime(12, 1, 1, tzinfo=UTC)
    assert Window(9_999, "months").start(early) == BEGINNING
    assert Window(9_999, "days").start(early) == BEGINNING


def test_a_window_takes_in_the_clock_and_leaves_out_its_beginning() -> None:
    """Half-open: an event is in exactly one of two windows that follow each other."""
    tick = timedelta(microseconds=1)
    edge = AT - timedelta(days=90)
    for at, counts in ((edge, 0), (edge + tick, 1), (AT, 1), (AT + tick, 0)):
        events = [Event(kind="meeting", at=at, quantities={})]
        assert measured({"event": "meeting", "count": True, "window": "90 days"}, events) == counts


def test_sums_are_exact_in_decimal() -> None:
    """A tenth three times and back again is nothing, in whatever order it comes."""
    pennies = [event("revenue", n, amount=0.1) for n in range(3)] + [event("revenue", amount=-0.3)]
    assert measured({"event": "revenue", "sum": "amount"}, pennies) == 0
    large = [event("revenue", amount=2**53), event("revenue", amount=1.5)]
    assert measured({"event": "revenue", "sum": "amount"}, large) is None


@LAW
@given(st.data())
def test_the_order_of_events_says_nothing(data: st.DataObject) -> None:
    """Late or early, together or one by one: the ledger is what happened."""
    at = data.draw(CLOCKS)
    rules, ledger = data.draw(measuring()), data.draw(ledgers(at))
    shuffled = data.draw(st.permutations(ledger.standing))
    assert rules.measure(shuffled, reported=ledger.reported, at=at) == rules.measure(
        ledger.standing, reported=ledger.reported, at=at
    )


@LAW
@given(st.data())
def test_what_happens_later_changes_nothing_now(data: st.DataObject) -> None:
    """A metric at a clock sees nothing beyond it, so that a replay sees the same."""
    at = data.draw(CLOCKS)
    rules, ledger = data.draw(measuring()), data.draw(ledgers(at))
    before = [one for one in ledger.standing if one.at <= at]
    assert rules.measure(before, reported=ledger.reported, at=at) == rules.measure(
        ledger.standing, reported=ledger.reported, at=at
    )


@LAW
@given(st.data())
def test_fewer_reported_kinds_only_make_metrics_unknown(data: st.DataObject) -> None:
    """Not hearing of something never turns into another number."""
    at = data.draw(CLOCKS)
    rules, ledger = data.draw(measuring()), data.draw(ledgers(at))
    everything = rules.measure(ledger.standing, reported=SAID, at=at)
    heard = rules.measure(ledger.standing, reported=ledger.reported, at=at)
    assert all(value in {None, everything[name]} for name, value in heard.items())


@LAW
@given(st.data())
def test_two_windows_that_follow_each_other_add_up(data: st.DataObject) -> None:
    """Nothing is counted twice and nothing falls between them."""
    at = data.draw(CLOCKS)
    ledger: Ledger = data.draw(ledgers(at))
    whole, half = (
        load_rule_set(rules_with({"m": {"event": "nps", "count": True, "window": window}}))
        for window in ("180 days", "90 days")
    )
    parts = [
        half.measure(ledger.standing, reported=["nps"], at=clock)["m"]
        for clock in (at, at - timedelta(days=90))
    ]
    assert whole.measure(ledger.standing, reported=["nps"], at=at)["m"] == sum(
        Fraction(part or 0) for part in parts
    )
