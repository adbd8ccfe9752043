"""Who carries accounts in transition, and whether they chose them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from service.portfolio.inheriting import Book, Carried, books_of
from service.portfolio.reading import Statement
from service.rules import RuleSet
from service.rulesets import LiveRules, NotLive

__all__ = ["books_from", "rules_then", "transition_of"]


def transition_of(rules: RuleSet) -> list[str]:
    """Return the outcomes that lead an account elsewhere: they disqualify, and by judgement.

    One that only a gate gives, such as a pause after a threat, says nothing of the fit.
    """
    return [
        one.id
        for one in rules.model.outcomes
        if one.verdict == "disqualify" and not one.only_by_gate
    ]


def books_from(
    owners: Iterable[Row[Any]],
    carried: Iterable[Row[Any]],
    *,
    facts: Mapping[UUID, Row[Any]],
    then: Mapping[date, RuleSet | None],
    statement: Statement,
) -> list[Book]:
    """Return the book of each of *owners*, with the accounts *carried* in transition.

    *facts* are those by which these were judged, *then* the rules of each first day.
    """
    told = [
        Carried(
            owner=row.owner,
            revenue=row.revenue,
            customer_since=row.customer_since,
            owner_since=_day_in(row.owner_since),
            then=_sent_away(
                then.get(row.customer_since),
                facts.get(row.decision_id),
                statement,
            ),
        )
        for row in carried
    ]
    return books_of({row.owner: (row.accounts, row.revenue) for row in owners}, told)


async def rules_then(
    statement: Statement, rows: Sequence[Row[Any]], live: LiveRules
) -> dict[date, RuleSet | None]:
    """Return the rules that were live on each account's first day; None where none were."""
    days = {row.customer_since for row in rows if row.customer_since is not None}
    found: dict[date, RuleSet | None] = dict.fromkeys(days)
    for day in sorted(days, reverse=True):
        try:
            instant = datetime.combine(day, time(), UTC)
            found[day] = (await live.version_at(statement.rule_set, instant)).rules
        except NotLive:
            break  # what was once live never ends, so none was before it either
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
