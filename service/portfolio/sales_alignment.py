"""For sales: what became of deals by fit, and who carries what they did not choose."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final

import anyio.to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.portfolio import alignment_store
from service.portfolio.alignment_store import Period
from service.portfolio.bands import quartiles_of, score_bands
from service.portfolio.deals import Deal, Group, days_between, deals_by, group_of
from service.portfolio.inheriting import Book, Carried, books_of
from service.portfolio.reading import Span, Statement
from service.portfolio.slicing import BadSlice, Slice, listed
from service.portfolio.telling_apart import Finding, tell_apart
from service.rules import RuleSet
from service.rulesets import LiveRules, NotLive

__all__ = ["FIT", "Sales", "sales", "transition_of"]

FIT: Final = "fit"
"""The score that says how well an account fits, where a rule set has one of this name."""
_OWN: Final = ("outcome", "verdict", FIT, "lead_outcome", "lead_verdict", "owner", "product")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sales:
    """What became of deals, and whose book holds which accounts in transition.

    Attributes:
        unjoined: Outcomes whose account is in no position and whose lead was never decided.
        groups: By each name the groups of deals.
        transition: The outcomes from which accounts are led elsewhere.
    """

    every: Group
    unjoined: int
    groups: Mapping[str, Sequence[Group]]
    findings: Sequence[Finding]
    transition: Sequence[str]
    books: Sequence[Book]


async def sales(
    connection: AsyncConnection,
    statement: Statement,
    period: Period,
    *,
    rules: RuleSet,
    live: LiveRules,
    by: Sequence[str] | None,
    slices: Sequence[Slice],
) -> Sales:
    """Return what became of the deals of *period*, by fit and *by* some names.

    By default those that the statement can be taken apart by. A number is cut at its quartiles.

    Raises:
        BadSlice: If a name of *by* is neither a slice nor a number of the rule set.
    """
    asked = statement.slices if by is None else tuple(by)
    numbers = _numbers_among(asked, statement, rules)
    told = await alignment_store.read_told(connection, statement.id, period, slices=slices)
    bands = await _bands_of(connection, told, numbers, rules)
    deals = [_deal(row, {name: by_key.get(row.key) for name, by_key in bands.items()}, rules)
             for row in told]  # fmt: skip
    names = [name for name in dict.fromkeys((*_OWN, *asked)) if _is_told(name, deals)]
    transition = transition_of(rules)
    return Sales(
        every=group_of(deals),
        unjoined=sum(row.key is None and row.lead_verdict is None for row in told),
        groups={name: deals_by(deals, name) for name in names},
        findings=await anyio.to_thread.run_sync(lambda: tell_apart(deals, names)),
        transition=transition,
        books=await _books(
            connection, statement, transition=transition, live=live, slices=slices
        ),
    )  # fmt: skip


def transition_of(rules: RuleSet) -> list[str]:
    """Return the outcomes that lead an account elsewhere: they disqualify, and by judgement.

    One that only a gate gives, such as a pause after a threat, says nothing of the fit.
    """
    return [
        one.id
        for one in rules.model.outcomes
        if one.verdict == "disqualify" and not one.only_by_gate
    ]


def _numbers_among(names: Iterable[str], statement: Statement, rules: RuleSet) -> list[str]:
    numbers = []
    for name in names:
        if name in statement.slices or name in _OWN:
            continue
        attribute = rules.attributes.get(name)
        if attribute is None or attribute.type != "number":
            known = listed(statement.slices)
            words = f"deals cannot be taken apart so; the statement has {known}, or name a number"
            raise BadSlice(words, parameter="by")
        numbers.append(name)
    return numbers


async def _bands_of(
    connection: AsyncConnection, told: Sequence[Row[Any]], names: Sequence[str], rules: RuleSet
) -> dict[str, dict[str, str]]:
    """Return for each of *names*, which are numbers, the band of each account by its key."""
    if not names:
        return {}
    judged = {row.key: row.judged_by for row in told if row.judged_by is not None}
    facts = await alignment_store.read_facts(connection, set(judged.values()))
    found: dict[str, dict[str, float]] = {name: {} for name in names}
    for key, decision in judged.items():
        row = facts.get(decision)
        if row is None or row.facts is None:
            continue
        admitted = rules.admit(row.facts).values
        for name in names:
            number = admitted.get(name)
            if isinstance(number, int | float) and not isinstance(number, bool):
                found[name][key] = number
    bands = {name: quartiles_of(numbers) for name, numbers in found.items()}
    return {
        name: {key: bands[name].name_of(number) for key, number in numbers.items()}
        for name, numbers in found.items()
    }


def _deal(row: Row[Any], bands: Mapping[str, str | None], rules: RuleSet) -> Deal:
    own = {
        "outcome": row.outcome,
        "verdict": "in grace" if row.in_grace else row.verdict,
        FIT: _fit_of(row, rules),
        "lead_outcome": row.lead_outcome,
        "lead_verdict": row.lead_verdict,
    }
    if row.owner is not None:  # whose deal it was, whoever has the account now
        own["owner"] = row.owner
    if row.product is not None:
        own["product"] = row.product
    groups = {**(row.slices or {}), **bands, **own}
    return Deal(
        result=row.result,
        days=days_between(row.opened_at, row.at),
        amount=row.amount,
        groups={name: value for name, value in groups.items() if value is not None},
    )


def _fit_of(row: Row[Any], rules: RuleSet) -> str | None:
    score = next((one for one in rules.model.scores if one.name == FIT), None)
    if score is None or score.floor is None or score.ceiling is None or not row.scores:
        return None
    ends = row.scores.get(FIT)
    bands = score_bands(score.floor, score.ceiling)
    return None if ends is None else bands.name_of_span(Span(*ends))


def _is_told(name: str, deals: Iterable[Deal]) -> bool:
    return any(name in deal.groups for deal in deals)


async def _books(
    connection: AsyncConnection,
    statement: Statement,
    *,
    transition: Collection[str],
    live: LiveRules,
    slices: Sequence[Slice],
) -> list[Book]:
    owners = await alignment_store.count_owners(connection, statement.id, slices=slices)
    rows = await alignment_store.read_carried(
        connection, statement.id, outcomes=transition, slices=slices
    )
    facts = await alignment_store.read_facts(
        connection, {row.decision_id for row in rows if row.decision_id is not None}
    )
    rules_of = await _rules_then(statement, rows, live)
    carried = await anyio.to_thread.run_sync(
        lambda: [
            Carried(
                owner=row.owner,
                revenue=row.revenue,
                customer_since=row.customer_since,
                owner_since=_day_in(row.owner_since),
                then=_sent_away(
                    rules_of.get(row.customer_since), facts.get(row.decision_id), statement
                ),
            )
            for row in rows
        ]
    )
    held = {row.owner: (row.accounts, row.revenue or Decimal(0)) for row in owners}
    return books_of(held, carried)


async def _rules_then(
    statement: Statement, rows: Sequence[Row[Any]], live: LiveRules
) -> dict[date, RuleSet | None]:
    """Return the rules that were live on each account's first day; None where none were."""
    found: dict[date, RuleSet | None] = {}
    for day in {row.customer_since for row in rows if row.customer_since is not None}:
        try:
            instant = datetime.combine(day, time(), UTC)
            found[day] = (await live.version_at(statement.rule_set, instant)).rules
        except NotLive:
            found[day] = None
    return found


def _sent_away(rules: RuleSet | None, judged: Row[Any] | None, statement: Statement) -> bool | None:
    """Say whether *rules* send an account away, on what it was judged by; None if not known."""
    if rules is None:
        return False
    if judged is None or judged.facts is None:
        return None
    decision = rules.decide(
        rules.admit(judged.facts),
        at=statement.at,
        final=True,
        tabled=judged.tabled or {},
        with_missing=False,
    )
    if not decision.outcome_certain:
        return None
    return decision.outcome in transition_of(rules)


def _day_in(told: str | None) -> date | None:
    """Return the day in a fact as it was sent: a day, or an instant; None for anything else."""
    if told is None:
        return None
    try:
        return datetime.fromisoformat(told).date()
    except ValueError:
        return None
