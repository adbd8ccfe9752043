"""Rules that ask for ages are compared for every day, not only for the day of the question."""

from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any, Final

import pytest

from service.rules import RuleSet, load_rule_set
from service.rules.attributes import Fact
from service.rules.truth import YES

pytest.importorskip("z3", reason="the extra `solver` is not installed")
from service.rules.solver import Witness
from service.rules.solver.asking import answers_to
from service.rules.solver.comparing import compare_meaning
from service.rules.solver.days import days_of
from service.rules.solver.joint import joined

TODAY: Final = date(2026, 3, 1)
AT: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)


def deciding(when: str, *more: str) -> RuleSet:
    """Return a rule set that takes whoever fits *when*, and calls whoever fits one of *more*."""
    body: dict[str, Any] = {
        "rule_set": "days",
        "attributes": {
            "founded": {"type": "date", "label": "Founded"},
            "renewed": {"type": "date", "label": "Renewed"},
            "is_partner": {"type": "flag"},
        },
        "outcomes": [
            {"id": "good", "verdict": "qualify", "when": when},
            *(
                {"id": f"call{place}", "verdict": "review", "when": other}
                for place, other in enumerate(more)
            ),
            {"id": "rest", "verdict": "disqualify"},
        ],
    }
    return load_rule_set(body)


def outcome_on(rules: RuleSet, facts: Any, day: str | date) -> str:  # noqa: ANN401 - JSON
    """Return what *rules* decide on a day."""
    at = datetime.combine(date.fromisoformat(str(day)), time(7), tzinfo=UTC)
    return rules.decide(dict(facts), at=at, final=True).outcome


def assert_shows(witness: Witness, before: RuleSet, after: RuleSet) -> None:
    """Decide the witness's facts on its own day."""
    assert witness.day is not None
    outcomes = tuple(outcome_on(rules, witness.facts, witness.day) for rules in (before, after))
    assert outcomes == witness.outcomes
    assert outcomes[0] != outcomes[1]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("age_days(founded) > 365", "age_days(founded) >= 366"),
        ("age_months(founded) >= 12", "age_months(founded) > 11"),
        ("age_days(founded) > 30 && founded < renewed",
         "!(age_days(founded) <= 30 || founded >= renewed)"),
        ('founded < date("2020-01-01")', 'founded <= date("2019-12-31")'),
    ],
)  # fmt: skip
def test_what_is_the_same_is_so_every_day(before: str, after: str) -> None:
    """Where the day and all dates may be moved together, one proof is one for every day."""
    found = compare_meaning(deciding(before), deciding(after), at=AT, limit_s=20)
    assert (found.is_same, found.depends_on_day) == (True, False)
    assert (found.holds_for.first, found.holds_for.words) == (None, "every day")


def test_a_region_of_ages_is_told_in_ages() -> None:
    """Not in dates, which would be others tomorrow; and it is so on any day."""
    before, after = deciding("age_days(founded) > 30"), deciding("age_days(founded) > 60")
    found = compare_meaning(before, after, at=AT, limit_s=20)
    (one,) = found.differences
    assert one.region is not None
    assert (one.region.words, one.region.is_all) == ("founded 31 to 60 days ago", True)
    assert_shows(one.witness, before, after)
    for day in (date(2020, 2, 29), date(2031, 12, 31)):
        facts = {"founded": (day - timedelta(days=45)).isoformat()}
        assert outcome_on(before, facts, day) != outcome_on(after, facts, day)
    months = compare_meaning(
        deciding("age_months(founded) < 6"), deciding("age_months(founded) < 12"), at=AT, limit_s=20
    )
    (wider,) = months.differences
    assert wider.region is not None
    assert wider.region.words == "founded 6 to 11 months ago"


def test_an_edit_that_is_first_noticed_next_summer_is_found() -> None:
    """Today nobody who is old enough was founded later than June; one day somebody will be."""
    before = deciding("age_days(founded) > 30")
    after = deciding('age_days(founded) > 30 && founded < date("2026-06-01")')
    found = compare_meaning(before, after, at=AT, limit_s=20)
    assert (found.relation, found.is_settled) == ("stricter", True)
    (one,) = found.differences
    assert one.witness.day is not None
    assert one.witness.day > "2026-06-30"
    assert one.witness.day in one.words
    assert_shows(one.witness, before, after)
    assert (found.holds_for.first, found.holds_for.last) == ("2016-03-01", "2036-02-29")
    assert not found.depends_on_day


@pytest.mark.parametrize("days", [180, 181, 183])
def test_half_a_year_in_days_depends_on_the_months(days: int) -> None:
    """Six months are 181 to 184 days: the answer is what trying every day says."""
    before = deciding("age_months(founded) >= 6")
    after = deciding(f"age_months(founded) >= 6 && age_days(founded) > {days}")
    found = compare_meaning(before, after, at=AT, limit_s=30)
    differs = any(
        outcome_on(before, facts, day) != outcome_on(after, facts, day)
        for day in (TODAY + timedelta(days=ahead) for ahead in range(0, 1_461, 3))
        for facts in [{"founded": (day - timedelta(days=days)).isoformat()}]
    )
    assert found.is_settled
    assert found.is_same == (not differs)
    for one in found.differences:
        assert_shows(one.witness, before, after)


def test_a_question_is_asked_of_every_day() -> None:
    """Nobody is old enough today; the witness says on which day somebody is."""
    rules = deciding('age_days(founded) > 300 && founded > date("2026-01-01")')
    (can,) = answers_to(rules, [{"question": "can_be_yes", "about": ["good"]}], at=AT, limit_s=20)
    assert can.answer == "yes"
    assert can.witness is not None
    assert can.witness.day is not None
    assert can.witness.day > "2026-10-28"
    assert outcome_on(rules, can.witness.facts, can.witness.day) == "good"
    never = deciding('age_days(founded) > 9000 && founded > date("2026-01-01")')
    (cannot,) = answers_to(never, [{"question": "reachable", "about": ["good"]}], at=AT, limit_s=20)
    assert (cannot.answer, cannot.holds_for.last) == ("no", "2036-02-29")


def test_what_cannot_be_told_for_other_days_says_so() -> None:
    """The span between two dates beside a fixed day: as of the day of the question."""
    rules = deciding('age_days(founded) - age_days(renewed) > 30 && founded < date("2026-01-01")')
    found = compare_meaning(rules, rules, at=AT, limit_s=20)
    assert found.depends_on_day
    assert found.holds_for.words == "2026-03-01 only; another day may say otherwise"


def test_days_of_one_kind_see_the_limits_in_one_order() -> None:
    """Moved a day at a time over the leap years, no day has an order that was not looked at."""
    rules = deciding(
        "age_months(founded) >= 1 && age_days(founded) > 29", 'founded < date("2027-02-28")'
    )
    joint = joined((rules.model,), today=TODAY)
    days = days_of(joint)
    assert days.of_each_kind[0] == TODAY
    assert len(days.of_each_kind) > 4

    kinds = {outcomes_in_order(rules, day) for day in days.of_each_kind}
    for ahead in range(0, 800, 7):
        assert outcomes_in_order(rules, TODAY + timedelta(days=ahead)) in kinds


def outcomes_in_order(rules: RuleSet, day: date) -> tuple[str, ...]:
    """Return the outcomes that dates from the oldest to the newest come to, each run once."""
    near = {day - timedelta(days=back) for back in range(26, 34)}
    near |= {date(2027, 2, 26), date(2027, 2, 27), date(2027, 2, 28)}
    found: list[str] = []
    for one in sorted(near):
        outcome = outcome_on(rules, {"founded": one.isoformat()}, day)
        if not found or found[-1] != outcome:
            found.append(outcome)
    return tuple(found)


def judged_on(rules: RuleSet, facts: dict[str, Fact], day: date) -> str:
    """Return what *rules*, which have no gates, decide on a day of facts as admitted."""
    trace = rules.meaning.judge(facts, today=day)
    return rules.model.outcomes[trace.closed.outcomes.index(YES)].id


def _condition(chance: Random) -> str:
    day = TODAY + timedelta(days=chance.randrange(-400, 400))
    sign = chance.choice([">", ">=", "<", "<="])
    checks = [
        f"age_days(founded) {sign} {chance.choice([0, 28, 30, 31, 59, 365])}",
        f"age_months(founded) {sign} {chance.choice([0, 1, 2, 12])}",
        f'founded {sign} date("{day}")',
        "is_partner",
    ]
    return f" {chance.choice(['&&', '||'])} ".join(chance.sample(checks, 2))


def test_no_answer_for_every_day_is_wrong() -> None:
    """Of generated pairs: a proof holds on random days and dates, and each witness on its day."""
    same = 0
    for number in range(8):
        chance = Random(number)
        first, second = _condition(chance), _condition(chance)
        other = f"({first}) && ({second})" if number % 2 else f"({first}) || ({first} && {second})"
        before, after = deciding(first), deciding(other)
        found = compare_meaning(before, after, at=AT, limit_s=30)
        told = {(one.before, one.after) for one in found.differences}
        for one in found.differences:
            assert_shows(one.witness, before, after)
        same += bool(found.is_same)
        for _ in range(400):
            day = TODAY + timedelta(days=chance.randrange(-3_000, 3_000))
            back = chance.choice([0, 1, 27, 28, 29, 30, 31, 32, 58, 59, 60, 61, 62, 364, 365, 366])
            born = TODAY + timedelta(days=chance.randrange(-400, 400))
            facts: dict[str, Fact] = {
                "founded": chance.choice([day - timedelta(days=back), born]),
                **chance.choice([{}, {"is_partner": True}, {"is_partner": False}]),
            }
            pair = (judged_on(before, facts, day), judged_on(after, facts, day))
            assert pair[0] == pair[1] or pair in told, (first, other, facts, day)
    assert 2 <= same <= 6
