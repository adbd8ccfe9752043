"""Examine a statement: count, judge, and suspend what may not blame while it lasts.

The newest statement of a rule set starts suspensions and ends them. One starts where a finding
is sure (q under `Q`), and ends where a later statement would not find it even by itself (p over
`OVER_P`, or a rate under `OVER_RATIO` times the baseline): in between it stays, so that nothing
flickers. Where there is not enough data any more it stays too. One that a person ended is not
started again for half a year.

A slice is examined for whoever looks at it, and nothing begins or ends by what it shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.decisions import Suspending, end_suspension, suspend, suspensions_ended
from service.decisions import suspension_rows as rows_in_force
from service.portfolio import systemic_store
from service.portfolio.reading import Statement
from service.portfolio.slicing import Slice
from service.portfolio.systemic import EVERYBODY, Count, Examined, Group, examine
from service.portfolio.systemic_criteria import Criterion, criteria_of
from service.portfolio.systemic_policy import SystemicPolicy, read_systemic_policy
from service.portfolio.systemic_twins import Twin, pairs_of, twins_of
from service.portfolio.systemic_words import cause_of
from service.rules.model import Model
from service.rulesets import Editor
from service.storage import to_text

__all__ = ["BY_ITSELF", "Examination", "examination_of", "examine_statement"]

BY_ITSELF: Final = "goodfit"
OVER_P: Final = 0.1
OVER_RATIO: Final = 1.25
_HISTORY: Final = timedelta(days=90)
_LEFT_ALONE: Final = timedelta(days=183)

Counts = Mapping[str, Mapping[Group, Count]]


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found in one statement, or in *slices* of it, and by which policy.

    *alike* is how many slices by the same names there are.
    """

    statement: Statement
    model: Model
    policy: SystemicPolicy
    criteria: Mapping[str, Criterion]
    results: tuple[Examined, ...]
    twins: Mapping[tuple[str, Group], Twin]
    slices: tuple[Slice, ...] = ()
    alike: int = 1

    @property
    def tests(self) -> int:
        """How many criteria in how many groups were tested together."""
        return sum(one.p is not None for one in self.results)

    @property
    def findings(self) -> tuple[Examined, ...]:
        """What is systemic, the surest first."""
        return _findings(self.results)

    def twin_of(self, one: Examined) -> Twin | None:
        """Return the stronger finding of nearly the same accounts, if there is one."""
        return self.twins.get((one.criterion, one.group))

    def is_covered(self, one: Examined) -> bool:
        """Return whether everybody's finding holds for a group's as well."""
        return one.group != EVERYBODY and any(
            (other.criterion, other.group) == (one.criterion, EVERYBODY) for other in self.findings
        )


async def examination_of(
    connection: AsyncConnection, statement: Statement, model: Model, *, slices: Sequence[Slice] = ()
) -> Examination:
    """Return what was found in *slices* of *statement*; counted now where nobody did yet."""
    row = await systemic_store.find_examination(connection, statement.id)
    if row is None:
        policy = await read_systemic_policy(connection, statement.rule_set)
        counts = await _count(connection, statement, model, policy)
    else:
        policy, counts = SystemicPolicy.from_json(row.policy), _from_json(row.counts)
    whole = await _judged(connection, statement, model, policy, counts)
    return await _within(connection, whole, tuple(slices)) if slices else whole


async def examine_statement(
    connection: AsyncConnection, statement: Statement, model: Model, *, editor: Editor
) -> Examination | None:
    """Examine the newest statement of a rule set, once; start and end suspensions by it.

    Everything is kept in the transaction of *connection*. None where somebody else has done it.
    """
    await systemic_store.take_turn(connection, statement.rule_set)
    policy = await read_systemic_policy(connection, statement.rule_set)
    counts = await _count(connection, statement, model, policy)
    kept = {
        "statement_id": statement.id,
        "rule_set": statement.rule_set,
        "at": statement.at,
        "policy": policy.to_json(),
        "counts": _to_json(counts),
        "examined_at": editor.at,
    }
    if not await systemic_store.add_examination(connection, kept):
        return None
    found = await _judged(connection, statement, model, policy, counts)
    standing = await rows_in_force(connection, statement.rule_set, at=editor.at)
    left = await _end_what_is_over(connection, found, standing, editor=editor)
    await _start(connection, found, left, editor=editor)
    return found


async def _judged(
    connection: AsyncConnection,
    statement: Statement,
    model: Model,
    policy: SystemicPolicy,
    counts: Counts,
) -> Examination:
    until = statement.at - _HISTORY
    earlier = await systemic_store.find_earlier(connection, statement.rule_set, until=until)
    before = {} if earlier is None else _from_json(earlier.counts)
    results = examine(
        counts,
        baselines=policy.baselines,
        earlier={name: of[EVERYBODY] for name, of in before.items() if EVERYBODY in of},
    )
    twins = await _twins(connection, statement, results)
    return Examination(statement, model, policy, _named(model), results, twins)


async def _within(
    connection: AsyncConnection, whole: Examination, slices: tuple[Slice, ...]
) -> Examination:
    """Judge *slices* of what was found; where no baseline is declared, against all outside."""
    statement, policy = whole.statement, whole.policy
    counts = await _count(connection, statement, whole.model, policy, slices)
    outside = {
        one.criterion: one.count.without(counts[one.criterion][EVERYBODY])
        for one in whole.results
        if one.group == EVERYBODY
    }
    alike = await systemic_store.count_alike(connection, statement, slices)
    results = examine(counts, baselines=policy.baselines, outside=outside, alike=alike)
    twins = await _twins(connection, statement, results, slices)
    return replace(whole, results=results, twins=twins, slices=slices, alike=alike)


def _named(model: Model) -> dict[str, Criterion]:
    return {one.name: one for one in criteria_of(model)}


async def _twins(
    connection: AsyncConnection,
    statement: Statement,
    results: Sequence[Examined],
    slices: Sequence[Slice] = (),
) -> dict[tuple[str, Group], Twin]:
    findings = _findings(results)
    pairs = pairs_of(findings)
    shared = await systemic_store.count_shared(connection, statement.id, pairs, slices=slices)
    return twins_of(findings, dict(zip(pairs, shared, strict=True)))


def _findings(results: Sequence[Examined]) -> tuple[Examined, ...]:
    found = [one for one in results if one.result == "systemic"]
    return tuple(
        sorted(found, key=lambda one: (one.q or 0.0, one.p or 0.0, one.criterion, one.group))
    )


async def _count(
    connection: AsyncConnection,
    statement: Statement,
    model: Model,
    policy: SystemicPolicy,
    slices: Sequence[Slice] = (),
) -> Counts:
    criteria = criteria_of(model)
    if not criteria:
        return {}
    taken = {one.name for one in slices}  # in a slice all are of one group by its name
    names = [name for name in policy.slices if name in statement.slices and name not in taken]
    rows = await systemic_store.count_criteria(
        connection, statement, criteria, names, slices=slices
    )
    found: dict[str, dict[Group, Count]] = {
        one.name: {EVERYBODY: Count(0, 0, 0)} for one in criteria
    }
    for row in sorted(rows, key=lambda row: (row.slice, row.value)):
        count = Count(row.yes, row.known, row.accounts)
        found[criteria[row.place - 1].name][Group(row.slice, row.value)] = count
    return found


async def _end_what_is_over(
    connection: AsyncConnection,
    found: Examination,
    standing: Sequence[Row[Any]],
    *,
    editor: Editor,
) -> set[tuple[str, Group]]:
    """End the suspensions of ours that are over; return of what the others are."""
    results = {(one.criterion, one.group): one for one in found.results}
    left = set()
    for row in standing:
        key = (row.part, Group(row.slice, row.value))
        why = None if row.made_by != BY_ITSELF else _why_over(row, results.get(key), found)
        if why is None:
            left.add(key)
        else:
            await end_suspension(connection, row.id, reason=why, editor=editor)
    return left


def _why_over(row: Row[Any], one: Examined | None, found: Examination) -> str | None:
    """Return why a suspension is over, in words; None while it lasts."""
    if row.part not in found.criteria:
        return "the rules do not blame by it any more"
    if one is None:
        return "no account is of the group any more"
    if one.p is None or one.against is None or one.result == "systemic":
        return None
    if one.p <= OVER_P and one.count.rate >= OVER_RATIO * one.against.baseline:
        return None
    told = f"{one.count.yes:,} of {one.count.known:,} accounts against {one.against.baseline:.3g}"
    return f"a later statement does not find it any more: {told}"


async def _start(
    connection: AsyncConnection,
    found: Examination,
    standing: set[tuple[str, Group]],
    *,
    editor: Editor,
) -> None:
    ended = await suspensions_ended(
        connection, found.statement.rule_set, since=editor.at - _LEFT_ALONE
    )
    left_alone = {
        (row.part, Group(row.slice, row.value)) for row in ended if row.ended_by != BY_ITSELF
    }
    for one in found.findings:
        key, criterion = (one.criterion, one.group), found.criteria[one.criterion]
        is_wanted = found.policy.of(one.criterion).suspends(criterion)
        if is_wanted and not found.is_covered(one) and key not in standing | left_alone:
            await _suspend(connection, found, one, editor=editor)


async def _suspend(
    connection: AsyncConnection, found: Examination, one: Examined, *, editor: Editor
) -> UUID | None:
    statement, criterion = found.statement, found.criteria[one.criterion]
    cause = cause_of(one, criterion, found.policy.of(one.criterion), found.model)
    suspending = Suspending(
        rule_set=statement.rule_set,
        part=one.criterion,
        slice=one.group.slice,
        value=one.group.value,
        cause=cause,
        evidence=_evidence(statement, one),
    )
    accounts = await systemic_store.accounts_of(connection, statement.id, one.group)
    return await suspend(connection, suspending, editor=editor, accounts=accounts)


def _evidence(statement: Statement, one: Examined) -> dict[str, Any]:
    against = one.against
    return {
        "statement": to_text("st", statement.id),
        "yes": one.count.yes,
        "known": one.count.known,
        "accounts": one.count.accounts,
        "against": None if against is None else against.kind,
        "baseline": None if against is None else against.baseline,
        "p": one.p,
        "q": one.q,
    }


def _to_json(counts: Counts) -> dict[str, list[list[Any]]]:
    return {
        name: [
            [group.slice, group.value, count.yes, count.known, count.accounts]
            for group, count in of.items()
        ]
        for name, of in counts.items()
    }


def _from_json(kept: Mapping[str, Sequence[Sequence[Any]]]) -> Counts:
    return {
        name: {Group(told[0], told[1]): Count(*told[2:]) for told in of}
        for name, of in kept.items()
    }
