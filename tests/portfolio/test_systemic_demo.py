"""The demo plants one systemic cause among many true signals: that is found, and nothing else."""

from datetime import date, datetime

import pytest

from service.cli.demo_portfolio import SHARED_CAUSE
from service.decisions.suspended import cohort_of
from service.portfolio.systemic import EVERYBODY, Count, Group, examine
from service.portfolio.systemic_criteria import criteria_of
from tests.cli.test_demo_portfolio import CLOCKS, RULES, Judged, judged

NONE = Count(0, 0, 0)


def counted(found: tuple[Judged, ...]) -> dict[str, dict[Group, Count]]:
    """Return what a statement of these accounts is examined by; not those in their grace."""
    grace = [gate.id for gate in RULES.model.gates].index("grace_period")
    counts: dict[str, dict[Group, Count]] = {
        one.name: {EVERYBODY: NONE} for one in criteria_of(RULES.model)
    }
    for one in found:
        trace = one.decision.trace
        since = one.decision.facts.values.get("customer_since")
        if trace.closed.gates[grace].value == "yes" or not isinstance(since, date):
            continue
        results = {
            "gate": trace.open.gates, "points": trace.open.rules, "outcome": trace.open.outcomes,
        }  # fmt: skip
        groups = [EVERYBODY, Group("cohort", cohort_of(since))]
        groups += [
            Group(name, str(one.member.facts[name]))
            for name in ("product", "source")
            if name in one.member.facts
        ]
        for criterion in criteria_of(RULES.model):
            said = results[criterion.kind][criterion.place].value
            for group in groups:
                before = counts[criterion.name].get(group, NONE)
                counts[criterion.name][group] = Count(
                    before.yes + (said == "yes"),
                    before.known + (said != "unknown"),
                    before.accounts + 1,
                )
    return counts


@pytest.mark.parametrize("at", CLOCKS, ids=str)
@pytest.mark.parametrize("baselines", [{}, {SHARED_CAUSE: 0.08}], ids=["others", "declared"])
def test_the_planted_cause_is_found_and_nothing_else(
    at: datetime, baselines: dict[str, float]
) -> None:
    """Nineteen of the forty-two of one cohort, whatever they are held against."""
    counts = counted(judged(at))
    (finding,) = [one for one in examine(counts, baselines=baselines) if one.result == "systemic"]
    assert (finding.criterion, finding.group.slice) == (SHARED_CAUSE, "cohort")
    assert (finding.count.yes, finding.count.accounts) == (19, 42)
    cohort = {one.member.key for one in judged(at) if one.member.truth.in_cohort}
    since = {
        cohort_of(value)
        for one in judged(at)
        if one.member.key in cohort
        for value in [one.decision.facts.values["customer_since"]]
        if isinstance(value, date)
    }
    assert since == {finding.group.value}
