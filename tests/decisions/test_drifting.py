"""Whether a mix has moved: examples, and how seldom chance is taken for more."""

import math
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.decisions.drift_words import payload_of
from service.decisions.drifting import (
    LEAST,
    Drift,
    Sampled,
    State,
    chance_of,
    compared,
    drifts_of,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LEVEL = 0.001
Mix = Mapping[str, int]


@pytest.mark.parametrize(
    ("before", "after", "state"),
    [
        pytest.param({"a": 500, "b": 500}, {"a": 500, "b": 500}, State.OVER, id="the same"),
        pytest.param({"a": 500, "b": 500}, {"a": 700, "b": 300}, State.MOVED, id="much"),
        pytest.param({"a": 500, "b": 500}, {"a": 595, "b": 405}, State.BETWEEN, id="not enough"),
        pytest.param({"a": 50_000, "b": 50_000}, {"a": 54_000, "b": 46_000}, State.OVER,
                     id="sure but small"),
        pytest.param({"a": 30, "b": 30}, {"a": 40, "b": 20}, State.BETWEEN, id="large by chance"),
        pytest.param({"a": 49}, {"b": 1_000}, State.UNKNOWN, id="nothing to hold it against"),
        pytest.param({"a": 1_000}, {"b": LEAST - 1}, State.UNKNOWN, id="too few yet"),
        pytest.param({"a": 1_000}, {"b": LEAST}, State.MOVED, id="as few as may be"),
        pytest.param({"a": 1_000}, {"a": 1_000}, State.OVER, id="one name only"),
        pytest.param({}, {}, State.UNKNOWN, id="nothing"),
    ],
)  # fmt: skip
def test_a_move_is_large_and_beyond_chance(before: Mix, after: Mix, state: State) -> None:
    """Both, with enough on either side; half as large is over, and in between nothing changes."""
    assert compared(before, after, level=LEVEL).state is state


@pytest.mark.parametrize(
    ("before", "after", "statistic", "freedom"),
    [
        ({"a": 40, "b": 60}, {"a": 60, "b": 40}, 8.0, 1),
        ({"a": 30, "b": 30, "c": 40}, {"a": 45, "b": 30, "c": 25}, 84 / 13, 2),
        ({"a": 10, "b": 20, "c": 30, "d": 40}, {"a": 40, "b": 30, "c": 20, "d": 10}, 40.0, 3),
    ],
)
def test_chance_is_pearsons(before: Mix, after: Mix, statistic: float, freedom: int) -> None:
    """For two, three and four names: the tail of the chi-square density, summed up by hand."""
    steps, width = 200_000, 200.0 / 200_000
    density = 0.0
    for place in range(steps + 1):
        at = statistic + place * width
        weight = 1 if place in {0, steps} else 2 + 2 * (place % 2)
        density += weight * at ** (freedom / 2 - 1) * math.exp(-at / 2)
    tail = density * width / 3 / (2 ** (freedom / 2) * math.gamma(freedom / 2))
    assert chance_of(before, after) == pytest.approx(tail, rel=1e-6)


@given(
    before=st.dictionaries(st.sampled_from("abcd"), st.integers(0, 5_000), max_size=4),
    after=st.dictionaries(st.sampled_from("abcd"), st.integers(0, 5_000), max_size=4),
)
def test_a_comparison_is_the_same_from_either_side(before: Mix, after: Mix) -> None:
    """Chance is a probability, and neither side is the special one."""
    one, other = compared(before, after, level=LEVEL), compared(after, before, level=LEVEL)
    assert one.state is other.state
    if sum(before.values()) and sum(after.values()):
        assert 0 <= chance_of(before, after) <= 1 + 1e-12
        assert chance_of(before, after) == pytest.approx(chance_of(after, before))


def asked(
    rng: random.Random,
    *,
    number: int,
    missing: Mapping[str, float],
    is_recent: bool,
    version: int = 1,
    hours: int = 24,
) -> Iterator[Sampled]:
    """Give the samples of *number* decisions in which attributes are missing at random."""
    for place in range(number):
        hour = NOON + timedelta(hours=place * hours // number) if is_recent else None
        told = {"is_recent": is_recent, "version": version, "hour": hour, "count": 1}
        verdict = "qualify" if rng.random() < 0.4 else "disqualify"
        yield Sampled(kind="verdict", name=verdict, **told)  # type: ignore[arg-type]  # members of one row
        yield Sampled(kind="facts", name="", **told)  # type: ignore[arg-type]  # the same
        for name, share in missing.items():
            if rng.random() >= share:
                yield Sampled(kind="present", name=name, **told)  # type: ignore[arg-type]  # the same


def test_chance_alone_alarms_nobody() -> None:
    """Of 300 steady series, each with six things that could seem to move, none does."""
    shares = {f"fact_{place}": place / 5 for place in range(1, 6)}
    declared = {1: frozenset(shares)}
    alarms = 0
    for seed in range(300):
        rng = random.Random(seed)
        number = rng.choice((50, 60, 80, 150))
        sampled = [
            *asked(rng, number=number, missing=shares, is_recent=True),
            *asked(rng, number=2 * number, missing=shares, is_recent=False),
        ]
        drifts = drifts_of(sampled, live=1, declared=declared)
        alarms += any(drift.found.state is State.MOVED for drift in drifts)
    # One look errs with 0.1 % at most, by the level that its topics share.
    assert alarms <= 1


def renamed(*, at_hour: int = 18) -> tuple[Drift, ...]:
    """Return what is found where `vehicles` is called otherwise from some hour on."""
    rng = random.Random(7)
    sampled = list(asked(rng, number=500, missing={"vehicles": 0.04}, is_recent=False))
    for hour in range(24):
        share = 0.95 if hour >= at_hour else 0.04
        for one in asked(rng, number=20, missing={"vehicles": share}, is_recent=True, hours=1):
            moved = NOON + timedelta(hours=hour)
            sampled.append(Sampled(is_recent=True, version=1, hour=moved, kind=one.kind,
                                   name=one.name, count=1))  # fmt: skip
    for name, is_recent, count in (
        ("fleet_size", True, 114), ("utm_source", True, 480), ("utm_source", False, 500),
    ):  # fmt: skip
        sampled.append(Sampled(is_recent=is_recent, version=1, hour=None, kind="undeclared",
                               name=name, count=count))  # fmt: skip
    return drifts_of(sampled, live=1, declared={1: frozenset({"vehicles"})})


def test_a_renamed_field_is_found_with_its_new_name() -> None:
    """Which attribute, since which hour, and what is sent instead; what was always sent is not."""
    verdicts, vehicles = renamed()
    assert verdicts.found.state is State.OVER
    assert vehicles.found.state is State.MOVED
    assert vehicles.since == NOON + timedelta(hours=18)
    assert vehicles.new_names == ("fleet_size",)
    told = payload_of(vehicles, version=1, at=NOON, since=None)
    assert told["summary"].endswith(
        "was a form field renamed? new names sent meanwhile: `fleet_size`"
    )
    assert told["summary"].startswith("`vehicles` is missing in ")
    assert told["after"]["of"] == 480


@pytest.mark.parametrize("hour", [3, 9, 15, 20])
def test_the_first_hour_is_the_one_of_the_change(hour: int) -> None:
    """Whenever in the day it happens."""
    assert renamed(at_hour=hour)[1].since == NOON + timedelta(hours=hour)


def test_a_release_begins_the_mix_of_verdicts_anew() -> None:
    """What an earlier version decided says nothing of this one; its missing values still count."""
    rng = random.Random(1)
    sampled = [
        *asked(rng, number=200, missing={"vehicles": 0.0}, is_recent=True, version=2),
        *asked(rng, number=200, missing={"vehicles": 0.9}, is_recent=False, version=1),
        *asked(rng, number=200, missing={"vehicles": 1.0}, is_recent=False, version=0),
    ]
    declared = {2: frozenset({"vehicles"}), 1: frozenset({"vehicles"}), 0: frozenset[str]()}
    verdicts, vehicles = drifts_of(sampled, live=2, declared=declared)
    assert verdicts.found.state is State.UNKNOWN
    assert vehicles.found.state is State.MOVED
    assert sum(vehicles.found.before.values()) == 200
    assert vehicles.new_names == ()
    told = payload_of(vehicles, version=2, at=NOON, since=None)
    assert told["summary"] == (
        "`vehicles` is missing in 0 % of the last 200 decisions, "
        f"{round(vehicles.found.before['missing'] / 2)} % before; who sends it now?"
    )
