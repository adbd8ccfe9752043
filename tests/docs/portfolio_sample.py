"""The demo's portfolio as a page shows it, judged by the pure core at a fixed clock."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from service.cli.demo_data import DemoState
from service.cli.demo_portfolio import (
    ACCOUNTS,
    SHARED_CAUSE,
    SOURCES,
    Member,
    make_portfolio,
)
from service.cli.demo_samples import LEADS
from service.cli.demo_words import welcome
from service.rules import Event, RuleSet, load_rule_set
from service.rules.templates import read_template, template_names

__all__ = ["demo_output", "portfolio_table"]

_CLOCK: Final = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


@dataclass(slots=True)
class _Group:
    accounts: int = 0
    revenue: float = 0
    cost: float = 0


def demo_output() -> str:
    """Return what `make demo` prints, with keys and durations that are nobody's."""
    state = DemoState(
        secret_key="gf_sk_demo_...",
        publishable_key="gf_pk_demo_...",
        decision="dec_01m82amv90f7assrm6pf8d3pr0",
    )
    sizes = f"{len(template_names())} rule sets, {LEADS} leads, {ACCOUNTS} accounts"
    head = [
        "  Postgres 18 (embedded) at ~/.local/share/goodfit/demo  ready in 1.2 s",
        f"  {sizes} over two years  loaded in 24.5 s",
        "",
    ]
    lines = welcome("http://127.0.0.1:8321", state, command="goodfit")
    return "\n".join([*head, *lines])


def portfolio_table() -> str:
    """Return the groups of the demo's portfolio as a Markdown table, the largest margin first."""
    rules = load_rule_set(read_template("account_portfolio"))
    groups: dict[str, _Group] = {}
    labels = {outcome.id: outcome.label for outcome in rules.model.outcomes}
    for outcome, revenue, cost in _judged(rules):
        group = groups.setdefault(outcome, _Group())
        group.accounts += 1
        group.revenue += revenue
        group.cost += cost
    ranked = sorted(groups.items(), key=lambda one: one[1].cost - one[1].revenue)
    lines = ["| group | accounts | revenue, EUR | what is left |", "|---|---:|---:|---:|"]
    for name, one in ranked:
        left = one.revenue - one.cost
        lines.append(f"| {labels[name]} | {one.accounts} | {one.revenue:,.0f} | {left:,.0f} |")
    return "\n".join(lines)


def _judged(rules: RuleSet) -> Iterator[tuple[str, float, float]]:
    for member in make_portfolio(_CLOCK):
        reported = {kind for system in member.identities for kind in SOURCES[system]}
        measured = rules.measure(_events(member), reported=reported, at=_CLOCK)
        known = {name: value for name, value in measured.items() if value is not None}
        # As after its first statement: what is found to be ours blames nobody of the cohort.
        suspended = [SHARED_CAUSE] if member.truth.in_cohort else []
        facts = {**member.facts, **known}
        decision = rules.decide(facts, at=_CLOCK, final=True, suspended=suspended)
        assert decision.outcome is not None
        yield decision.outcome, known.get("revenue_12m", 0), known.get("cost_to_serve_12m", 0)


def _events(member: Member) -> list[Event]:
    return [
        Event(
            kind=one.kind, at=one.at, quantities=one.quantities, source=one.source, id=one.event_id
        )
        for one in member.happenings
    ]
