"""For marketing: which sources and campaigns bring leads that qualify, and that are won."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.portfolio import alignment_store
from service.portfolio.agreeing import COHORT, slice_names
from service.portfolio.alignment_store import Period
from service.portfolio.deals import (
    Deal,
    Group,
    Rate,
    days_between,
    group_of,
    part_of,
    parts_by,
    rate_of,
)
from service.portfolio.lead_slicing_sql import ORIGINS
from service.portfolio.slicing import Slice
from service.portfolio.telling_apart import Finding, findings_of, question_of_deals, rate_question
from service.rules import RuleSet

__all__ = ["Leads", "Marketing", "gather_leads", "lead_slice_names", "marketing_of"]

_NAMES: Final = ("source", "campaign")
_DECIDED: Final = ("qualify", "review", "disqualify")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leads:
    """Leads of one rule set that share a source, or a campaign; None where nobody told it.

    Attributes:
        verdicts: How many have which; each lead counts once, by its last decision.
        qualifying: Of those that are decided: one that is undecided may yet be anything.
        deals: What became of those leads of which an outcome is told, whatever the rule set.
    """

    rule_set: str
    name: str
    value: str | None
    verdicts: Mapping[str, int]
    qualifying: Rate
    deals: Group | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Marketing:
    """Leads of a period by rule set, source and campaign."""

    leads: Sequence[Leads]
    every: Group
    findings: Sequence[Finding] = field(default=())


def lead_slice_names(rules: RuleSet | None) -> frozenset[str]:
    """Return by what leads can be taken apart: by their origin, and by what is known of them.

    That is the choices, flags and usual names that *rules* for leads declare; where *rules*
    judge accounts, the names of these. A lead is no customer yet, so it is of no cohort.
    """
    known = set() if rules is None else set(slice_names(rules))
    if rules is not None and rules.subject == "lead":
        known &= rules.attributes.keys()
    return frozenset({*known, *ORIGINS}) - {COHORT}


async def gather_leads(
    connection: AsyncConnection,
    period: Period,
    *,
    rule_set: str | None,
    slices: Sequence[Slice] = (),
) -> tuple[Sequence[Row[Any]], Sequence[Row[Any]]]:
    """Return the leads of *period*, of *rule_set* or of all for leads, and all outcomes.

    Where there are *slices*, only the leads in all of them, and what became of such.
    """
    rows = await alignment_store.read_leads(connection, period, slices=slices)
    told = await alignment_store.read_told_of_leads(connection, period, slices=slices)
    return [row for row in rows if rule_set in {None, row.rule_set}], told


def marketing_of(rows: Sequence[Row[Any]], told: Sequence[Row[Any]]) -> Marketing:
    """Return what leads and outcomes say together: pure."""
    deals = [_deal(row) for row in told if row.lead_verdict is not None]
    leads: list[Leads] = []
    questions = []
    for name in _NAMES:
        parts = parts_by(deals, name)
        outcomes = {part.value: group_of(part) for part in parts}
        counted: dict[str, dict[str | None, Counter[str]]] = {}
        for row in rows:
            by_value = counted.setdefault(row.rule_set, {})
            by_value.setdefault(getattr(row, name), Counter())[row.verdict] += row.leads
        for rule_set in sorted(counted):
            found = [
                _leads(rule_set, name, value, verdicts, outcomes.get(value))
                for value, verdicts in counted[rule_set].items()
            ]
            found.sort(key=lambda one: (one.value is None, -sum(one.verdicts.values())))
            leads += found
            rates = [
                (one.qualifying.yes, one.qualifying.known) for one in found if one.value is not None
            ]
            questions.append(rate_question(name, "qualifying", rates, of=rule_set))
        questions += question_of_deals(parts, name)
    return Marketing(leads=leads, every=group_of(part_of(deals)), findings=findings_of(questions))


def _leads(
    rule_set: str,
    name: str,
    value: str | None,
    verdicts: Counter[str],
    deals: Group | None,
) -> Leads:
    decided = sum(verdicts[verdict] for verdict in _DECIDED)
    return Leads(
        rule_set=rule_set,
        name=name,
        value=value,
        verdicts=dict(verdicts),
        qualifying=rate_of(verdicts["qualify"], decided),
        deals=deals,
    )


def _deal(row: Row[Any]) -> Deal:
    groups = {name: getattr(row, name) for name in _NAMES}
    return Deal(
        result=row.result,
        days=days_between(row.opened_at, row.at),
        amount=row.amount,
        groups={name: value for name, value in groups.items() if value is not None},
    )
