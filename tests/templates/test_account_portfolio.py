"""The template for accounts keeps apart what a health score mixes up, whatever is known."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules import Decision, Event, load_rule_set
from service.rules.templates import read_template

Facts = dict[str, object]

RULES: Final = load_rule_set(read_template("account_portfolio"))
AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
LAW: Final = settings(max_examples=100, deadline=None)

GROUPS: Final = {
    "strong_partner",
    "steady",
    "promising",
    "over_served",
    "under_priced",
    "bad_fit",
    "bad_conduct",
    "marquee_drain",
    "challenging",
    "too_early",
}
BLAMING: Final = {"bad_fit", "bad_conduct", "marquee_drain", "safety_pause"}
SIGNALS: Final = {
    "misses_meetings",
    "moves_goals",
    "ignores_advice",
    "skips_training",
    "hurts_tone",
}
CONDUCT: Final = {
    "missed_meetings_6m",
    "goal_changes_6m",
    "advice_given_12m",
    "advice_share_12m",
    "skipped_trainings_12m",
    "rude_12m",
    "harassment_12m",
    "threats_24m",
}
FIT: Final = {"segment", "employees", "must_haves_met", "core_use"}

_SINCE: Final = st.integers(0, 60).map(lambda months: str(AT.date() - timedelta(days=31 * months)))
_VALUES: Final[Mapping[str, st.SearchStrategy[object]]] = {
    "customer_since": _SINCE,
    "segment": st.sampled_from(["core", "adjacent", "outside"]),
    "employees": st.sampled_from([1, 49, 50, 400, 1000, 1001]),
    "must_haves_met": st.sampled_from([0, 69, 70, 89, 90, 100]),
    "core_use": st.booleans(),
    "potential_revenue": st.sampled_from([0, 1000, 82_000, 200_000, 2_000_000]),
    "sponsor": st.booleans(),
    "usage_trend": st.sampled_from(["falling", "flat", "rising"]),
    "budget_next_year": st.booleans(),
    "progress": st.sampled_from(["none", "none", "some", "steady"]),
    "hours_sold": st.sampled_from([0, 200, 1000]),
    "price_to_list": st.sampled_from([50, 84, 85, 100]),
    "price_since": st.sampled_from(["2025-06-01", "2024-01-01", "2020-01-01"]),
    "special_service": st.booleans(),
    "repeatable": st.booleans(),
    "reference": st.booleans(),
    "revenue_12m": st.sampled_from([0, 5000, 80_000, 249_999, 250_000, 900_000]),
    "cost_to_serve_12m": st.sampled_from([0, 4000, 20_000, 76_000, 300_000, 950_000]),
    "service_hours_12m": st.sampled_from([0, 190, 700, 1499, 1500]),
    "discounts_12m": st.sampled_from([0, 12_000, 60_000]),
    "late_payments_12m": st.sampled_from([0, 2, 3]),
    "support_hours_90d": st.sampled_from([0, 20, 41]),
    "escalations_6m": st.sampled_from([0, 1, 2]),
    "custom_hours_12m": st.sampled_from([0, 80, 81]),
    "one_offs_12m": st.sampled_from([0, 3]),
    "exceptions_12m": st.sampled_from([0, 3]),
    "missed_meetings_6m": st.sampled_from([0, 2, 3]),
    "goal_changes_6m": st.sampled_from([0, 2, 3]),
    "advice_given_12m": st.sampled_from([0, 2, 3, 5]),
    "advice_share_12m": st.sampled_from([0, 0.29, 0.3, 0.7, 1]),
    "skipped_trainings_12m": st.sampled_from([0, 2, 3]),
    "rude_12m": st.sampled_from([0, 2, 3]),
    "harassment_12m": st.sampled_from([0, 1]),
    "threats_24m": st.sampled_from([0, 0, 0, 0, 1]),
}

# Accounts near each of the groups, so that chance alone does not have to find them.
_NEAR: Final[list[Facts]] = [
    {name: value for name, value in test.facts.items() if name in _VALUES}
    for test in RULES.document.tests
]


@st.composite
def accounts(draw: st.DrawFn) -> Facts:
    """Return anything from one of the template's own examples to pure chance."""
    near = draw(st.sampled_from([{}, *_NEAR]))
    others = draw(st.fixed_dictionaries({}, optional=dict(_VALUES)))
    kept = draw(st.sets(st.sampled_from(sorted(near)))) if near else set()
    return {**near, **{name: value for name, value in others.items() if name not in kept}}


def closed(facts: Mapping[str, object]) -> Decision:
    """Return the decision when nobody will tell more, as every rescoring asks for it."""
    return RULES.decide(facts, at=AT, final=True)


def signals(decision: Decision) -> set[str]:
    """Return the conduct signals that are there, known for certain."""
    results = zip(RULES.model.rules, decision.trace.open.rules, strict=True)
    return {rule.id for rule, result in results if rule.id in SIGNALS and result.value == "yes"}


def test_every_attribute_and_metric_is_tried() -> None:
    """The laws below look at everything that the rules read."""
    assert set(_VALUES) == set(RULES.attributes)


def test_it_has_the_six_scores_and_the_ten_groups() -> None:
    """And the gate for threats, which is a group of its own."""
    scores = {score.name for score in RULES.model.scores}
    assert scores == {"value", "growth", "fit", "delivery", "strategy", "conduct"}
    assert {outcome.id for outcome in RULES.model.outcomes} == GROUPS | {"safety_pause"}
    assert {rule.id for rule in RULES.model.rules} >= SIGNALS


def test_every_group_has_an_action_and_words_for_customer_and_board() -> None:
    """A label alone would tell nobody what to do next."""
    document = yaml.safe_load(read_template("account_portfolio"))
    for outcome in document["outcomes"]:
        assert outcome["action"]
        assert outcome["message"]
        assert "To the board:" in outcome["note"], outcome["id"]


def test_conduct_and_safety_are_put_before_a_person() -> None:
    """No machine resets expectations or resumes a service."""
    outcomes = {outcome.id: outcome for outcome in RULES.model.outcomes}
    assert outcomes["bad_conduct"].action == "confirm_then_reset"
    assert outcomes["bad_conduct"].verdict == "review"
    assert outcomes["bad_conduct"].assign
    assert outcomes["safety_pause"].assign


@LAW
@given(facts=accounts(), days=st.integers(0, 180))
def test_no_account_in_its_grace_period_is_ever_called_bad(facts: Facts, days: int) -> None:
    """Whatever it costs and however it behaves, for six months; a threat is another matter."""
    facts["customer_since"] = str(AT.date() - timedelta(days=days))
    decision = closed(facts)
    wanted = "safety_pause" if facts.get("threats_24m") == 1 else "too_early"
    assert decision.outcome == wanted
    still = RULES.decide(facts, at=AT)
    assert set(still.possible_outcomes) <= {"too_early", "safety_pause"}


@LAW
@given(facts=accounts())
def test_who_has_been_with_us_for_how_long_we_do_not_know_is_not_called_bad(facts: Facts) -> None:
    """It may still be in its grace period."""
    facts.pop("customer_since", None)
    assert closed(facts).outcome in {"too_early", "safety_pause"}


@LAW
@given(facts=accounts(), data=st.data())
def test_forgetting_never_leads_into_a_worse_group_with_certainty(
    facts: Facts, data: st.DataObject
) -> None:
    """What was possible stays possible, so what is certain of less is true of more."""
    forgotten = data.draw(st.sets(st.sampled_from(sorted(facts)))) if facts else set()
    fewer = {name: value for name, value in facts.items() if name not in forgotten}
    before, after = RULES.decide(facts, at=AT), RULES.decide(fewer, at=AT)
    if before.outcome_certain and after.outcome_certain:
        assert after.outcome == before.outcome
    if not before.outcome_certain:
        assert not after.outcome_certain or after.outcome in before.possible_outcomes


@LAW
@given(facts=accounts(), data=st.data())
def test_forgetting_never_leads_to_blame(facts: Facts, data: st.DataObject) -> None:
    """Not even without certainty: a closed decision blames nobody for what is not known."""
    forgotten = data.draw(st.sets(st.sampled_from(sorted(facts)))) if facts else set()
    fewer = {name: value for name, value in facts.items() if name not in forgotten}
    if closed(fewer).outcome in BLAMING:
        assert closed(facts).outcome in BLAMING


@LAW
@given(facts=accounts())
def test_conduct_needs_two_independent_signals(facts: Facts) -> None:
    """One signal, however strong, is never bad conduct, and two always are."""
    decision = closed(facts)
    assert (decision.scores["conduct"].value <= -50) == (len(signals(decision)) >= 2)
    if decision.outcome not in {"too_early", "safety_pause"}:
        assert (decision.outcome == "bad_conduct") == (len(signals(decision)) >= 2)


@LAW
@given(facts=accounts(), other=accounts())
def test_conduct_and_fit_are_never_inferred_from_each_other(facts: Facts, other: Facts) -> None:
    """Another business with the same behaviour has the same conduct, and the reverse."""
    for names, score in ((CONDUCT, "conduct"), (FIT, "fit")):
        mixed = {name: value for name, value in other.items() if name not in names}
        mixed |= {name: value for name, value in facts.items() if name in names}
        assert closed(mixed).scores[score] == closed(facts).scores[score]


@LAW
@given(facts=accounts())
def test_behaviour_that_is_no_signal_never_makes_a_bad_fit(facts: Facts) -> None:
    """A bad fit does what is advised: who does not is never called one."""
    if closed(facts).outcome == "bad_fit":
        assert len(signals(closed(facts))) < 2
        assert float(str(facts["advice_share_12m"])) >= 0.7
        assert facts["progress"] == "none"


@LAW
@given(facts=accounts())
def test_a_threat_outweighs_everything(facts: Facts) -> None:
    """Tenure, revenue and growth do not enter into it."""
    facts["threats_24m"] = 1
    decision = RULES.decide(facts, at=AT)
    assert (decision.outcome, decision.certain) == ("safety_pause", True)


@LAW
@given(facts=accounts())
def test_growth_is_potential_times_likelihood(facts: Facts) -> None:
    """Neither room alone nor enthusiasm alone is growth."""
    growth = closed(facts).scores["growth"].value
    if facts.get("sponsor") is not True and facts.get("budget_next_year") is not True:
        assert growth <= 40
    room = float(str(facts.get("potential_revenue", 0))) > float(str(facts.get("revenue_12m", 0)))
    assert growth == 0 or room


@pytest.mark.parametrize("excused", [True, False, None])
def test_excused_meetings_do_not_count(excused: bool | None) -> None:  # noqa: FBT001 - a table
    """Nor do those of which we do not know whether they were."""
    said = {"held": False} if excused is None else {"held": False, "excused": excused}
    missed = [
        Event(kind="meeting", at=AT - timedelta(days=days), quantities=said) for days in (5, 50, 90)
    ]
    measured = RULES.measure(missed, reported=["meeting"], at=AT)
    assert measured["missed_meetings_6m"] == (3 if excused is False else 0)
    assert measured["goal_changes_6m"] is None


def test_all_groups_are_reached_by_the_laws() -> None:
    """The examples that the laws start from reach every group."""
    assert {closed(facts).outcome for facts in _NEAR} == GROUPS | {"safety_pause"}
