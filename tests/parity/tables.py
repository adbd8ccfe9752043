"""Leads as tables, and the answers that the evaluator gives on them."""

import random
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from service.rules import RuleSet
from service.rules.attributes import Fact
from service.rules.meaning import Meaning, Reference
from service.rules.questions import possible_outcomes, undecided_reads, verdicts_of
from service.rules.sql import Selection, select
from service.rules.sql_moved import mover_column
from service.rules.trace import Trace
from service.rules.truth import YES
from tests.parity.edges import edges_of
from tests.rules.strategies import values_for

Row = dict[str, object]
KEY = "lead_number"
_SHARES_MISSING = (0.0, 0.15, 0.5, 0.9)


@dataclass
class Table:
    """One rule set's leads, as the SELECT reads them and as the evaluator does.

    *edges* counts the values that stand on each of `edges.EDGES`, as they were drawn.
    """

    rules: RuleSet
    today: date
    facts: list[Mapping[str, Fact]]
    edges: Counter[str] = field(default_factory=Counter)
    memory: dict[tuple[str, Fact], object] = field(default_factory=dict)

    @classmethod
    def of(cls, rules: RuleSet, today: date, *, leads: int, seed: int) -> "Table":
        """Return at most *leads* leads, from complete to nearly empty, no two drawn alike.

        Each value is a constant of the rules, or beside one, or an edge, and goes through
        the door. Where the rules read little there are few leads to draw.
        """
        chance = random.Random(seed)
        pools = {
            name: [(raw, rules.admit({name: raw}).values.get(name)) for raw in pool]
            for name, pool in values_for(rules).items()
        }
        drawn = dict.fromkeys(
            tuple(
                chance.randrange(len(pool)) if chance.random() >= share else -1
                for pool in pools.values()
            )
            for share in (_SHARES_MISSING[n % len(_SHARES_MISSING)] for n in range(leads))
        )
        facts: list[Mapping[str, Fact]] = [
            {
                name: fact
                for (name, pool), place in zip(pools.items(), places, strict=True)
                if place >= 0 and (fact := pool[place][1]) is not None
            }
            for places in drawn
        ]
        table = cls(rules, today, facts)
        for pool, column in zip(pools.values(), zip(*drawn, strict=True), strict=True):
            for place, count in Counter(column).items():
                for edge in edges_of(pool[place][0] if place >= 0 else None):
                    table.edges[edge] += count
        return table

    def select(
        self,
        dialect: str,
        *,
        final: bool,
        suspended: Collection[str] = (),
        complete: bool = False,
    ) -> Selection:
        """Return the rule set as SQL of *dialect*."""
        return select(
            self.rules.model,
            dialect=dialect,
            relation="leads",
            today=self.today,
            kept=[KEY],
            final=final,
            suspended=suspended,
            reads=self.rules.reads,
            with_movers=True,
            complete=complete,
        )

    def columns(self, *selections: Selection) -> dict[str, list[object]]:
        """Return the columns that *selections* read, None where a fact is missing."""
        columns: dict[str, list[object]] = {KEY: list(range(len(self.facts)))}
        for found in (one for selection in selections for one in selection.inputs):
            if found.prepared is None:
                columns[found.name] = [values.get(found.name) for values in self.facts]
                continue
            name, prepared = found.prepared.attribute.name, found.prepared
            cells: list[object] = []
            for values in self.facts:
                fact = values.get(name)
                if fact is not None and (found.name, fact) not in self.memory:
                    self.memory[found.name, fact] = prepared.of(fact)
                cells.append(None if fact is None else self.memory[found.name, fact])
            columns[found.name] = cells
        return columns

    def types(self, *selections: Selection) -> dict[str, str]:
        """Return the columns' types in the dialect of *selections*."""
        inputs = [one for selection in selections for one in selection.inputs]
        return {KEY: "INTEGER", **{one.name: one.type for one in inputs}}

    def expected(
        self, *, suspended: Collection[str] = (), by: Meaning | None = None
    ) -> dict[bool, list[Row]]:
        """Return what the SELECT must give by whether it is `final`, a row a lead.

        It is the reference's unless *by* another; one judgement serves both ways of asking.
        """
        meaning = by or Reference(self.rules.model)
        pairs = [
            expected_rows(self.rules, values, today=self.today, suspended=suspended, by=meaning)
            for values in self.facts
        ]
        return {final: [pair[final] for pair in pairs] for final in (False, True)}


def expected_rows(
    rules: RuleSet,
    values: Mapping[str, Fact],
    *,
    today: date,
    by: Meaning,
    suspended: Collection[str] = (),
) -> tuple[Row, Row]:
    """Return the decision by ranges, as `decide` makes it before the exact pass: open and final."""
    model = rules.model
    trace = by.judge(values, today=today, suspended=suspended)
    possible = possible_outcomes(model, trace.open)
    certain = len(verdicts_of(model, possible)) == 1
    missing: dict[str, None] = {}
    if len(possible) > 1:
        outline = by.outline(values, today=today, suspended=suspended)
        missing = undecided_reads(rules.reads, outline, values)
    gates = zip(model.gates, trace.closed.gates, strict=True)
    closing = next((gate.outcome for gate, result in gates if result is YES), None)
    if closing is None:
        closing = trace.closed.outcomes.index(YES)
    place = closing if closing in possible else possible[0]
    asks = any(model.attributes[name].ask is not None for name in missing)
    row: Row = {
        "verdict": model.outcomes[place].verdict,
        "outcome": model.outcomes[place].id,
        "certain": certain,
        "outcome_certain": len(possible) == 1,
        "needs_exact": False,
    }
    for score, found in zip(model.scores, trace.scores, strict=True):
        row[f"value_{score.name}"] = found.value
        row[f"low_{score.name}"] = found.low
        row[f"high_{score.name}"] = found.high
    asked = [*(gate.id for gate in model.gates), *(rule.id for rule in model.rules)]
    results = (*trace.closed.gates, *trace.closed.rules)
    yes = [name for name, result in zip(asked, results, strict=True) if result is YES]
    listed = {"rules_yes": yes, "missing": missing}
    closed = row | {name: ",".join(found) for name, found in listed.items()}
    movers = _movers(trace)
    closed |= {mover_column(place): is_mover for place, is_mover in enumerate(movers)}
    if model.missing == "ask" and asks and not certain:
        return closed | {"verdict": "undecided", "needs_exact": True}, closed
    return closed, closed


def _movers(trace: Trace) -> Iterator[bool]:
    """Yield whether each gate decides, then whether each rule moves a score where none does."""
    deciding = trace.closed.gates.index(YES) if YES in trace.closed.gates else None
    yield from (place == deciding for place in range(len(trace.closed.gates)))
    yield from (deciding is None and bool(effect) for effect in trace.effects)


def differences(
    selection: Selection, found: Sequence[Sequence[object]], expected: Sequence[Row]
) -> Iterator[tuple[int, str, object, object]]:
    """Yield lead, column, SQL's value and the evaluator's where they differ."""
    assert [row[0] for row in found] == list(range(len(expected)))
    for number, (row, wanted) in enumerate(zip(found, expected, strict=True)):
        assert tuple(wanted) == selection.outputs
        if _is_alike(tuple(row[1:]), tuple(wanted.values())):
            continue
        for name, value in zip(selection.outputs, row[1:], strict=True):
            if value != wanted[name] or type(value) is not type(wanted[name]):
                yield number, name, value, wanted[name]


def _is_alike(found: tuple[object, ...], wanted: tuple[object, ...]) -> bool:
    """Return whether both hold the same values, each of the same type."""
    return found == wanted and list(map(type, found)) == list(map(type, wanted))
