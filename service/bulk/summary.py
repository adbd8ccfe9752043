"""What came of a whole file, in numbers."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from service.bulk.cells import safe_cell
from service.bulk.rows import BadRow
from service.bulk.scoring import ScoredRow, Unreadable, missing_names
from service.rules import YES, Decision, RuleSet

_MOST_GROUPS: Final = 10_000
_LONGEST_VALUE: Final = 40
Kind = TypeVar("Kind", str, tuple[str, str, str])


@dataclass(slots=True)
class Tally:
    """The counts of a file being scored.

    Attributes:
        outcomes: Rows by (verdict, outcome).
        movers: Rows by the rule that decided them (a gate) or moved a score of theirs.
        missing: Rows by attribute that was missing and could have changed the answer.
        unreadable: Cells by (column, value, reason); past 10,000 kinds by (column, "", reason).
        uncertain: Rows whose verdict more facts could have changed.
        bad: Lines that are no row, by reason.
    """

    rules: RuleSet
    rows: int = 0
    uncertain: int = 0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    movers: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    bad: list[BadRow] = field(default_factory=list)
    bad_lines: int = 0

    def add(self, scored: ScoredRow | BadRow) -> None:
        """Count one row, or one line that is none."""
        if isinstance(scored, BadRow):
            self.add_bad(scored)
            return
        decision = scored.decision
        self.rows += 1
        self.uncertain += not decision.certain
        self.outcomes[decision.verdict, decision.outcome] += 1
        self.movers.update(_movers(decision))
        self.missing.update(missing_names(decision))
        for cell in scored.unreadable:
            self.add_unreadable(cell)

    def add_bad(self, bad: BadRow) -> None:
        """Count one line that is no row."""
        self.bad_lines += 1
        if len(self.bad) < 10:
            self.bad.append(bad)

    @property
    def unreadable_count(self) -> int:
        """How many values could not be read."""
        return self.unreadable.total()

    def verdicts(self) -> Mapping[str, Counter[str]]:
        """Return each verdict's outcomes and their rows, in the order the rule set gives them."""
        found: dict[str, Counter[str]] = {}
        for outcome in self.rules.model.outcomes:
            count = self.outcomes[outcome.verdict, outcome.id]
            if count:
                found.setdefault(outcome.verdict, Counter())[outcome.id] = count
        return found

    def top_movers(self) -> Iterator[tuple[str, float | None, int]]:
        """Give the rules that decided or moved most rows: id, points where fixed, rows."""
        points = {
            rule.id: rule.points.fixed if rule.points.formula is None else None
            for rule in self.rules.model.rules
        }
        for name, count in ranked(self.movers):
            yield name, points.get(name), count

    def to_json(self) -> dict[str, object]:
        """Return all counts."""
        return {
            "rule_set": {"id": self.rules.id, "digest": self.rules.digest},
            "rows": self.rows,
            "lines_not_read": self.bad_lines,
            "verdicts": {
                verdict: {
                    "rows": outcomes.total(),
                    "share": round(outcomes.total() / self.rows, 6),
                    "outcomes": dict(outcomes),
                }
                for verdict, outcomes in self.verdicts().items()
            },
            "uncertain": self.uncertain,
            "decided_most_by": [
                {"rule": name, "points": points, "rows": count}
                for name, points, count in self.top_movers()
            ],
            "missing": [{"attribute": a, "rows": n} for a, n in ranked(self.missing)],
            "unreadable": [
                {"column": column, "value": value, "reason": reason, "cells": count}
                for (column, value, reason), count in ranked(self.unreadable, 100)
            ],
            "unreadable_values": self.unreadable_count,
        }

    def to_state(self) -> dict[str, Any]:
        """Return all that was counted, for `take_up`: lists and numbers."""
        return {
            "rows": self.rows,
            "uncertain": self.uncertain,
            "bad_lines": self.bad_lines,
            "bad": [[one.line, one.reason] for one in self.bad],
            "outcomes": [[*key, n] for key, n in self.outcomes.items()],
            "movers": [[key, n] for key, n in self.movers.items()],
            "missing": [[key, n] for key, n in self.missing.items()],
            "unreadable": [[*key, n] for key, n in self.unreadable.items()],
        }

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on counting from what `to_state` gave."""
        self.rows, self.uncertain = state["rows"], state["uncertain"]
        self.bad_lines = state["bad_lines"]
        self.bad = [BadRow(line, reason) for line, reason in state["bad"]]
        self.outcomes = Counter({(v, o): n for v, o, n in state["outcomes"]})
        self.movers, self.missing = Counter(dict(state["movers"])), Counter(dict(state["missing"]))
        self.unreadable = Counter({(c, v, r): n for c, v, r, n in state["unreadable"]})

    def add_unreadable(self, cell: Unreadable) -> None:
        """Count one cell that could not be read."""
        value = safe_cell(cell.value)[:_LONGEST_VALUE]
        kind = (cell.column or cell.attribute, value, cell.reason)
        if kind not in self.unreadable and len(self.unreadable) >= _MOST_GROUPS:
            kind = (kind[0], "", cell.reason)
        self.unreadable[kind] += 1


def ranked(counts: Counter[Kind], most: int | None = None) -> list[tuple[Kind, int]]:
    """Return the most frequent kinds with their counts; equally frequent ones by their names.

    So it does not matter in which order the rows came, or how many counted them.
    """
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:most]


def _movers(decision: Decision) -> Iterator[str]:
    for gate, result in zip(decision.model.gates, decision.trace.closed.gates, strict=True):
        if result is YES:
            yield gate.id
            return
    for rule, effect in zip(decision.model.rules, decision.trace.effects, strict=True):
        if effect:
            yield rule.id
