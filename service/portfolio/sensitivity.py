"""What becomes of an account if what an hour or a case costs us is another: pure.

Cost metrics are linear in their rates, so a changed rate changes a metric by a share of the
part that this rate makes up. Nothing has to be summed again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from service.rules import Facts, RuleSet, as_measured
from service.rules.metrics.model import Costed

__all__ = ["Change", "Moved", "Rate", "at_rates", "changes_of", "parts_of", "rates_of", "stand"]

_HALVINGS: Final = 7
Judge = Callable[[Facts], str]
"""The outcome that follows from facts."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What one quantity of one kind of event costs, wherever a metric counts it.

    *amounts* is by metric: a rate is one fact of our house, and moves in all of them at once.
    """

    kind: str
    quantity: str
    amounts: Mapping[str, Decimal]

    @property
    def name(self) -> str:
        """As people call it: `support_case.hours`."""
        return f"{self.kind}.{self.quantity}"


@dataclass(frozen=True, slots=True)
class Change:
    """Some rates that move by a share: 0.2 is a fifth more. *name* is None where all do."""

    name: str | None
    rates: tuple[Rate, ...]
    by: Decimal


@dataclass(frozen=True, slots=True)
class Moved:
    """An account that would change its group.

    Attributes:
        before: Its outcome as things stand.
        moves: Its outcome by the place of a change; only those that move it.
        edge: The smallest change of all rates together that was found to move it, and the
            outcome there; None where no change of all does.
    """

    before: str
    moves: Mapping[int, str]
    edge: tuple[Decimal, str] | None


def rates_of(rules: RuleSet, cost_metric: str) -> tuple[Rate, ...]:
    """Return the rates behind *cost_metric* and all cost metrics of its unit, by name.

    A metric of another unit, such as hours, weighs what it counts; it has no prices.
    """
    unit = rules.attributes[cost_metric].unit
    found: dict[tuple[str, str], dict[str, Decimal]] = {}
    for metric in _costs(rules):
        if rules.attributes[metric.name].unit != unit:
            continue
        for kind, rates in metric.rates.items():
            for quantity, rate in rates.items():
                found.setdefault((kind, quantity), {})[metric.name] = rate
    return tuple(Rate(*key, found[key]) for key in sorted(found))


def changes_of(rates: Sequence[Rate], *, by: Decimal) -> tuple[Change, ...]:
    """Return each rate less and more by the share *by*, then all of them less and more."""
    alone = [Change(rate.name, (rate,), sign * by) for rate in rates for sign in (-1, 1)]
    together = [Change(None, tuple(rates), sign * by) for sign in (-1, 1)]
    return (*alone, *together)


def parts_of(rules: RuleSet, rates: Sequence[Rate]) -> tuple[Costed, ...]:
    """Return a metric for what each rate makes up of each metric, to be measured beside them."""
    windows = {metric.name: metric.window for metric in _costs(rules)}
    return tuple(
        Costed(
            name=_part(metric, rate),
            rates={rate.kind: {rate.quantity: amount}},
            window=windows[metric],
        )
        for rate in rates
        for metric, amount in rate.amounts.items()
    )


def at_rates(facts: Facts, measured: Mapping[str, float | None], change: Change) -> Facts:
    """Return *facts* as *change* makes them; the same facts where it changes nothing.

    What is not known stays so. Decimals keep what was measured to its last digit.
    """
    changed: dict[str, float | None] = {}
    for metric in {name: None for rate in change.rates for name in rate.amounts}:
        base = facts.values.get(metric)
        if not isinstance(base, float):
            continue
        more = sum(
            _exact(measured[_part(metric, rate)]) for rate in change.rates if metric in rate.amounts
        )
        number = as_measured(Decimal(repr(base)) + change.by * more)
        if number != base:
            changed[metric] = number
    if not changed:
        return facts
    known = {name: number for name, number in changed.items() if number is not None}
    kept = {name: value for name, value in facts.values.items() if name not in changed}
    return Facts({**kept, **known})


def stand(
    facts: Facts, measured: Mapping[str, float | None], *, changes: Sequence[Change], judge: Judge
) -> Moved | None:
    """Return where an account would go under each of *changes*; None where nowhere else."""
    before = judge(facts)
    moves: dict[int, str] = {}
    edges: list[tuple[Decimal, str]] = []
    for place, change in enumerate(changes):
        changed = at_rates(facts, measured, change)
        after = before if changed is facts else judge(changed)
        if after == before:
            continue
        moves[place] = after
        if change.name is None:

            def at(by: Decimal, change: Change = change) -> str:
                return judge(at_rates(facts, measured, replace(change, by=by)))

            edges.append(_edge(at, before, (change.by, after)))
    edge = min(edges, key=lambda found: abs(found[0]), default=None)
    return Moved(before, moves, edge) if moves else None


def _edge(
    at: Callable[[Decimal], str], before: str, found: tuple[Decimal, str]
) -> tuple[Decimal, str]:
    """Return a change near the smallest that moves an account, found by halving."""
    stays = Decimal(0)
    for _ in range(_HALVINGS):
        middle = (stays + found[0]) / 2
        after = at(middle)
        if after == before:
            stays = middle
        else:
            found = (middle, after)
    return found


def _costs(rules: RuleSet) -> list[Costed]:
    return [metric for metric in rules.metrics if isinstance(metric, Costed)]


def _part(metric: str, rate: Rate) -> str:
    return f"{metric}/{rate.name}"


def _exact(number: float | None) -> Decimal:
    return Decimal(0) if number is None else Decimal(repr(number))
