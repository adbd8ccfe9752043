"""Rows to decisions, one at a time: a file is a finished form, so every row is answered."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from service.bulk.mapping import AttributeColumn, ColumnPlan, UnreadableCell
from service.bulk.rows import BadRow, Row
from service.rules import Decision, RuleSet


@dataclass(frozen=True, slots=True)
class Unreadable:
    """One cell that counts as missing because it could not be read.

    Attributes:
        column: Where it stood; None for a constant of the map.
        reason: In words, without the value.
    """

    line: int
    column: str | None
    attribute: str
    value: object
    reason: str


@dataclass(frozen=True, slots=True)
class ScoredRow:
    """A row, its decision, and which of its cells could not be read."""

    row: Row
    decision: Decision
    unreadable: tuple[Unreadable, ...]


def score_rows(
    rows: Iterable[Row | BadRow], *, rules: RuleSet, plan: ColumnPlan, at: datetime
) -> Iterator[ScoredRow | BadRow]:
    """Decide each row at the instant *at*, finally; hand on what is no row.

    Never raises for what a row holds.
    """
    for row in rows:
        yield row if isinstance(row, BadRow) else score_row(row, rules=rules, plan=plan, at=at)


def score_row(row: Row, *, rules: RuleSet, plan: ColumnPlan, at: datetime) -> ScoredRow:
    """Decide one row at the instant *at*, finally."""
    raw: dict[str, object] = {}
    unreadable: list[Unreadable] = []
    by_attribute = {column.attribute: column for column in plan.read}
    for column in plan.read:
        try:
            raw[column.attribute] = column.read(row.cells)
        except UnreadableCell as error:
            unreadable.append(_cell(row, column, f"`{column.attribute}` {error}"))
    facts = rules.admit(raw)
    unreadable += [
        _cell(row, by_attribute[problem.attribute], problem.message) for problem in facts.problems
    ]
    decision = rules.decide(facts, at=at, final=True)
    return ScoredRow(row, decision, tuple(unreadable))


def _cell(row: Row, column: AttributeColumn, reason: str) -> Unreadable:
    value = column.constant if column.column is None else row.cells.get(column.column)
    words = reason.removesuffix("; it counts as missing")
    return Unreadable(row.line, column.column, column.attribute, value, words)


def missing_names(decision: Decision) -> Iterator[str]:
    """Give the missing attributes that could change the answer, as the rules first read them.

    In a file nobody is asked, so the order in which to ask does not matter.
    """
    missing = {one.attribute for one in decision.missing}
    return (name for name in decision.model.attributes if name in missing)
