"""For sales: what became of deals by fit, and who carries what they did not choose."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

import anyio.to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.portfolio import alignment_store
from service.portfolio.alignment_store import Period
from service.portfolio.bands import FIT, Bands, quartiles_of, score_bands
from service.portfolio.carrying import books_from, rules_then, transition_of
from service.portfolio.deals import Deal, Group, days_between, group_of, part_of, parts_by
from service.portfolio.inheriting import Book
from service.portfolio.reading import Span, Statement
from service.portfolio.slicing import BadSlice, Slice, listed
from service.portfolio.telling_apart import Finding, tell_apart
from service.rules import RuleSet
from service.rulesets import LiveRules

__all__ = ["Gathered", "Sales", "gather", "sales_of"]

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What the database holds of the deals and books of one statement."""

    statement: Statement
    told: Sequence[Row[Any]]
    facts: Mapping[UUID, Row[Any]]
    owners: Sequence[Row[Any]]
    carried: Sequence[Row[Any]]


async def gather(
    connection: AsyncConnection,
    statement: Statement,
    period: Period,
    *,
    rules: RuleSet,
    by: Sequence[str],
    slices: Sequence[Slice],
) -> Gathered:
    """Return what is told of the deals of *period*, and of accounts in transition.

    Raises:
        BadSlice: If a name of *by* is neither a slice nor a number of the rule set.
    """
    numbers = _numbers_among(by, statement, rules)
    told = await alignment_store.read_told(connection, statement.id, period, slices=slices)
    carried = await alignment_store.read_carried(
        connection, statement.id, outcomes=transition_of(rules), slices=slices
    )
    judged_by = {row.decision_id for row in carried}
    if numbers:
        judged_by |= {row.judged_by for row in told}
    return Gathered(
        statement=statement,
        told=told,
        facts=await alignment_store.read_facts(connection, judged_by - {None}),
        owners=await alignment_store.count_owners(connection, statement.id, slices=slices),
        carried=carried,
    )


async def sales_of(
    gathered: Gathered, *, rules: RuleSet, live: LiveRules, by: Sequence[str]
) -> Sales:
    """Return what became of deals by fit and *by* some names, and whose book holds what.

    A number among the names is cut at its quartiles. No transaction is open meanwhile: to
    judge ten thousand accounts again takes seconds.
    """
    then = await rules_then(gathered.statement, gathered.carried, live)
    return await anyio.to_thread.run_sync(lambda: _judged(gathered, rules, then, by))


def _judged(
    gathered: Gathered, rules: RuleSet, then: Mapping[date, RuleSet | None], by: Sequence[str]
) -> Sales:
    numbers = _numbers_among(by, gathered.statement, rules)
    bands = _bands_of(gathered, numbers, rules)
    fit = _fit_bands(rules)
    deals = [
        _deal(row, {name: by_key.get(row.key) for name, by_key in bands.items()}, fit)
        for row in gathered.told
    ]
    names = [name for name in dict.fromkeys((*_OWN, *by)) if _is_told(name, deals)]
    parts = {name: parts_by(deals, name) for name in names}
    return Sales(
        every=group_of(part_of(deals)),
        unjoined=sum(row.key is None and row.lead_verdict is None for row in gathered.told),
        groups={name: [group_of(part) for part in parts[name]] for name in names},
        findings=tell_apart(parts),
        transition=transition_of(rules),
        books=books_from(
            gathered.owners,
            gathered.carried,
            facts=gathered.facts,
            then=then,
            statement=gathered.statement,
        ),
    )


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


def _bands_of(
    gathered: Gathered, names: Sequence[str], rules: RuleSet
) -> dict[str, dict[str, str]]:
    """Return for each of *names*, which are numbers, the band of each account by its key."""
    found: dict[str, dict[str, float]] = {name: {} for name in names}
    judged = {row.key: row.judged_by for row in gathered.told} if names else {}
    for key, decision in judged.items():
        row = gathered.facts.get(decision)
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


def _deal(row: Row[Any], bands: Mapping[str, str | None], fit: Bands | None) -> Deal:
    ends = row.fit
    own = {
        "outcome": row.outcome,
        "verdict": "in grace" if row.in_grace else row.verdict,
        FIT: None if ends is None or fit is None else fit.name_of_span(Span(*ends)),
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


def _fit_bands(rules: RuleSet) -> Bands | None:
    """Return the bands of the score `fit`; None where there is none, or it has no ends."""
    score = next((one for one in rules.model.scores if one.name == FIT), None)
    if score is None or score.floor is None or score.ceiling is None:
        return None
    return score_bands(score.floor, score.ceiling)


def _is_told(name: str, deals: Iterable[Deal]) -> bool:
    return any(name in deal.groups for deal in deals)
