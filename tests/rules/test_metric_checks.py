"""Declaring metrics: what is wrong is said with its place and a cure, and rules read them."""

# ruff: noqa: E501  a row of a table reads best on one line

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from service.rules import check_rule_set, load_rule_set
from service.rules.compare import compare
from service.rules.merge import merge
from service.rules.templates import read_template

AT = datetime(2026, 1, 1, tzinfo=UTC)

FRAME = """\
rule_set: accounts
subject: account
attributes: {tenure: {type: number, min: 0}}
metrics:
  hours_90d: {event: support_case, sum: hours, window: 90 days, unit: hours}
  m: METRIC
scores: {load: {groups: [{id: g, rules: [{id: busy, when: hours_90d > 20 && m > 1 && tenure > 0, points: 5}]}]}}
outcomes:
  - {id: much, verdict: review, when: load > 0}
  - {id: fine, verdict: qualify}
"""


def framed(metric: str) -> str:
    """Return a rule set with this metric, on line 6 from column 6."""
    return FRAME.replace("METRIC", metric)


WRONG: list[tuple[str, str, str, int, str | None]] = [
    ("{event: support_case, sum: hour}", "unknown-name", "/metrics/m/sum", 33, "hours"),
    ("{event: meeting, count: true, where: 'hold == false'}", "unknown-name", "/metrics/m/where", 43, "held"),
    ("{event: meeting, count: true, where: 'held && tenure > 3'}", "unknown-name", "/metrics/m/where", 52, None),
    ("{event: seats, sum: n, where: paid}", "unknown-name", "/metrics/m/where", 36, None),
    ("{event: support_case, sum: severity}", "type", "/metrics/m/sum", 33, None),
    ("{event: support_case, count: true, where: hours}", "type", "/metrics/m/where", 48, None),
    ("{event: abuse, count: true, where: 'severity == \"threats\"'}", "unknown-choice", "/metrics/m/where", 54, "threat"),
    ("{event: support_case, count: true, where: 'lower(cause) == \"x\"'}", "value", "/metrics/m/where", 48, None),
    ("{event: support_case, count: true, where: 'cause.matches(\"x\")'}", "value", "/metrics/m/where", 48, None),
    ("{event: support_case}", "missing-key", "/metrics/m", 6, None),
    ("{event: support_case, sum: hours, count: true}", "value", "/metrics/m", 6, None),
    ("{sum: hours}", "missing-key", "/metrics/m", 6, None),
    ("{event: meeting, share: true}", "missing-key", "/metrics/m", 6, None),
    ("{event: meeting, count: false}", "value", "/metrics/m/count", 30, None),
    ("{event: meeting, count: true, window: 90}", "type", "/metrics/m/window", 44, None),
    ("{event: meeting, count: true, window: 90 weeks}", "value", "/metrics/m/window", 44, None),
    ("{event: meeting, count: true, windw: 90 days}", "unknown-key", "/metrics/m/windw", 36, "window"),
    ("{event: meeting, count: true, quantities: {held: number}}", "value", "/metrics/m/quantities/held", 55, None),
    ("{cost: {support_case: {hour: 80}}}", "unknown-name", "/metrics/m/cost/support_case/hour", 35, "hours"),
    ("{cost: {support_case: {severity: 80}}}", "type", "/metrics/m/cost/support_case/severity", 39, None),
    ("{cost: {support_case: {hours: 0.1234567}}}", "value", "/metrics/m/cost/support_case/hours", 36, None),
    ("{cost: {support_case: {}}}", "missing-key", "/metrics/m/cost/support_case", 28, None),
    ("{cost: {}}", "missing-key", "/metrics/m/cost", 13, None),
    ("{cost: {support_case: {hours: 80}}, event: meeting}", "value", "/metrics/m/event", 49, None),
    ("{cost: {support_case: {hours: 80}}, where: 'hours > 2'}", "value", "/metrics/m/where", 49, None),
]  # fmt: skip


@pytest.mark.parametrize(("metric", "code", "pointer", "column", "meant"), WRONG)
def test_each_mistake_has_its_place_and_cure(
    metric: str, code: str, pointer: str, column: int, meant: str | None
) -> None:
    """Line, column, code, words and, where something is close, what was meant."""
    (problem,) = check_rule_set(framed(metric)).problems
    found = (problem.code, problem.pointer, problem.line, problem.column, problem.suggestion)
    assert found == (code, pointer, 6, column, meant)
    assert problem.severity == "error"


FINE: list[str] = [
    "{event: support_case, count: true}",
    "{event: support_case, count: true, where: 'severity == \"high\"', window: 1 month}",
    "{event: seats, sum: n, where: 'n > 2 && paid', quantities: {paid: flag}, window: 12 months}",
    "{event: support_case, distinct: cause}",
    "{event: support_case, sum: satisfaction, quantities: {satisfaction: number}}",
    "{cost: {support_case: {hours: 80.5}, own_work: {days: 700}, cost: {amount: 1}}}",
]


@pytest.mark.parametrize("metric", FINE)
def test_kinds_are_open(metric: str) -> None:
    """A kind of one's own, and a quantity that only one's own events have, can be measured."""
    assert check_rule_set(framed(metric)).problems == ()


def test_metrics_are_for_accounts() -> None:
    """A lead has no ledger."""
    text = framed(FINE[0]).replace("subject: account", "subject: lead")
    assert [(p.code, p.pointer) for p in check_rule_set(text).errors] == [("value", "/metrics")]


@pytest.mark.parametrize("name", ["tenure", "load", "if"])
def test_a_metric_has_a_name_of_its_own(name: str) -> None:
    """Attributes, derived names, metrics, scores and grades share one space."""
    text = framed(FINE[0]).replace("  m: ", f"  {name}: ").replace("m > 1", "hours_90d > 1")
    codes = {problem.code for problem in check_rule_set(text).errors}
    assert codes & {"duplicate-id", "reserved"}


def test_a_share_is_known_to_lie_between_nothing_and_all() -> None:
    """So that a rule which asks for more is found out."""
    text = framed("{event: meeting, share: true, where: held}")
    found = [(p.code, p.pointer) for p in check_rule_set(text).warnings]
    assert found == [("impossible", "/scores/load/groups/0/rules/0/when")]


def test_a_metric_that_no_rule_reads_is_noticed() -> None:
    """It would be measured of every account for nothing."""
    text = framed(FINE[0]).replace(" && m > 1", "")
    found = [(p.severity, p.code, p.pointer) for p in check_rule_set(text).problems]
    assert found == [("warning", "unused", "/metrics/m")]


def test_a_kind_that_is_nearly_one_of_ours_is_noticed() -> None:
    """Nobody would ever report it; still it may be somebody's own."""
    text = framed("{event: suport_case, count: true}")
    (found,) = check_rule_set(text).warnings
    assert (found.code, found.pointer) == ("unknown-kind", "/metrics/m/event")
    assert "`support_case`" in found.message
    assert check_rule_set(framed("{event: sport_event, count: true}")).problems == ()


def test_too_many_metrics_are_refused() -> None:
    """A hundred are measured in one statement; more are a mistake."""
    document: Any = load_rule_set(framed(FINE[0])).document.to_json()
    document["metrics"] |= {f"x{n}": {"event": "nps", "last": "score"} for n in range(98)}
    assert check_rule_set(document).errors == ()
    document["metrics"]["y"] = {"event": "nps", "last": "score"}
    assert [(p.code, p.pointer) for p in check_rule_set(document).errors] == [("limit", "/metrics")]


def test_a_missing_metric_can_matter_and_is_never_asked_for() -> None:
    """Nobody can answer it: `missing` lists it without a question, and the decision closes."""
    rules = load_rule_set(framed(FINE[0]))
    decision = rules.decide({"tenure": 3, "m": 4}, at=AT)
    assert (decision.verdict, decision.certain) == ("qualify", False)
    (missing,) = decision.missing
    assert (missing.attribute, missing.ask, missing.changes) == ("hours_90d", None, "verdict")


def test_words_say_what_is_measured_and_over_what_time() -> None:
    """An executive reads hours in 90 days, not a variable."""
    decision = load_rule_set(framed(FINE[0])).decide({"tenure": 3, "m": 4, "hours_90d": 41}, at=AT)
    (busy,) = [reason for reason in decision.reasons() if reason.rule == "busy"]
    assert "ours in 90 days is 41 hours, over 20" in busy.text


LABELS = [
    ("hours_90d", "{event: nps, sum: score, window: 90 days}", "Hours in 90 days"),
    ("hours_12m", "{event: nps, sum: score, window: 12 months}", "Hours in 12 months"),
    ("hours", "{event: nps, sum: score, window: 1 month}", "Hours in 1 month"),
    ("hours", "{event: nps, sum: score}", "Hours"),
    ("hours_90d", "{event: nps, sum: score, window: 30 days}", "Hours 90d in 30 days"),
    (
        "x",
        "{event: nps, sum: score, window: 30 days, label: Hours of help}",
        "Hours of help in 30 days",
    ),
]


@pytest.mark.parametrize(("name", "metric", "label"), LABELS)
def test_a_label_never_lies_about_the_window(name: str, metric: str, label: str) -> None:
    """The window is said by the metric itself, so that an edit of it changes the words."""
    text = framed(metric).replace("  m: ", f"  {name}: ").replace("m > 1", f"{name} > 1")
    text = text.replace(FRAME.splitlines()[4] + "\n", "") if name == "hours_90d" else text
    assert load_rule_set(text).attributes[name].label == label


# --- digests, edits ------------------------------------------------------------------------------

BEFORE = {
    "consumer_to_business": "694e0825aa0be310eb633003c5598ed77ae94bb620c30bc2eee909bc98adcc35",
    "fleet_leads": "7f1a8eee717a0916c58c23eee68d49e07d7ec350a945b608604edfe96995f8de",
    "product_led": "1da7b9ce9bf8116092dc834f88b43f2f172587d1fab013f64437a2c4fafcab6a",
    "saas_leads": "f858e4b5b17f4a49e252d8de42e4bcba1544fc58c89e68c2936ed1d9e478172d",
}
"""What the templates' digests were before there were metrics."""


@pytest.mark.parametrize("name", sorted(BEFORE))
def test_a_rule_set_without_metrics_keeps_its_digest(name: str) -> None:
    """Stored decisions name their version by it: what is new has no place in what is old."""
    text = read_template(name)
    assert load_rule_set(text).digest == f"sha256:{BEFORE[name]}"
    assert load_rule_set(text + "\nmetrics: {}\n").digest == f"sha256:{BEFORE[name]}"


def test_an_edit_of_a_metric_is_an_edit_of_rules_unless_it_is_of_words() -> None:
    """Another window is another meaning; another label or note is not."""
    base = load_rule_set(framed("{event: nps, last: score, window: 90 days, note: a}"))
    worded = load_rule_set(
        framed("{event: nps, last: score, window: 90 days, label: NPS, note: b}")
    )
    moved = load_rule_set(framed("{event: nps, last: score, window: 30 days, note: a}"))
    assert (base.digest == worded.digest, base.logic_digest == worded.logic_digest) == (False, True)
    assert base.logic_digest != moved.logic_digest
    (change,) = compare(base, worded).changes
    assert (change.part, change.id, change.is_only_words) == ("metric", "m", True)
    (change,) = compare(base, moved).changes
    assert (change.kind, change.is_only_words) == ("changed", False)
    assert [(field.field, field.before, field.after) for field in change.fields] == [
        ("window", "90 days", "30 days")
    ]


def test_two_peoples_edits_of_metrics_are_brought_together() -> None:
    """One widens a window, the other takes another metric out."""
    base: Any = load_rule_set(framed("{event: nps, last: score}")).document.to_json()
    mine, theirs = copy.deepcopy(base), copy.deepcopy(base)
    mine["metrics"]["hours_90d"]["window"] = "3 months"
    del theirs["metrics"]["m"]
    merged: Any = merge(base, mine, theirs)
    assert merged.conflicts == ()
    assert merged.document["metrics"] == {"hours_90d": mine["metrics"]["hours_90d"]}


# --- examples ------------------------------------------------------------------------------------

EXAMPLE = (
    framed("{event: meeting, count: true, where: '!held', window: 90 days}")
    + """\
tests:
  - name: measured from events
    facts: {tenure: 3}
    events:
      - {event: support_case, at: 2025-12-01, hours: 41}
      - {event: meeting, at: "2025-12-31T23:00:00+01:00", held: false}
      - {event: meeting, at: 2025-10-20, held: false}
      - {event: meeting, at: 2025-12-31, held: true}
    expect: {outcome: much, certain: true}
  - name: a metric given as a fact is taken as it is
    facts: {tenure: 3, m: 0}
    events: [{event: support_case, at: 2025-12-01, hours: 41}]
    expect: {outcome: fine, certain: true}
  - name: with events, what did not happen is zero
    facts: {tenure: 3}
    events: []
    expect: {outcome: fine, certain: true}
  - name: a kind that is not reported is missing
    facts: {tenure: 3}
    events: [{event: support_case, at: 2025-12-01, hours: 41}]
    reports: [support_case]
    expect: {outcome: fine, certain: false}
  - name: without events nothing is measured
    facts: {tenure: 3}
    expect: {certain: false}
"""
)


def test_an_example_may_give_events_or_what_is_measured_of_them() -> None:
    """Events show the whole ledger; a metric among the facts stands for itself."""
    checked = check_rule_set(EXAMPLE)
    assert checked.problems == ()
    assert [test.passed for test in checked.tests] == [True] * 5


def test_examples_round_trip_in_the_canonical_form() -> None:
    """What is stored of a version is read again as the same version."""
    rules = load_rule_set(EXAMPLE)
    assert load_rule_set(rules.canonical).canonical == rules.canonical


BAD_EVENTS: list[tuple[str, str, str, str | None]] = [
    ("{event: meting, at: 2025-12-01}", "unknown-name", "event", "meeting"),
    ("{event: meeting, at: yesterday}", "value", "at", None),
    ("{event: meeting, at: 2025-12-01, hled: true}", "unknown-name", "hled", "held"),
    ("{event: meeting, at: 2025-12-01, held: 'no'}", "type", "held", None),
    ("{event: meeting}", "missing-key", "at", None),
]


@pytest.mark.parametrize(("event", "code", "key", "meant"), BAD_EVENTS)
def test_a_misspelt_example_is_no_silent_nothing(
    event: str, code: str, key: str, meant: str | None
) -> None:
    """An event that no metric could see would let a test pass for the wrong reason."""
    text = EXAMPLE.replace("{event: meeting, at: 2025-12-31, held: true}", event)
    (problem,) = check_rule_set(text).errors
    found = (problem.code, problem.pointer, problem.suggestion)
    assert found == (code, f"/tests/0/events/3/{key}", meant)
