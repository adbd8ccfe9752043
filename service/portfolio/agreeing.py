"""What a statement calls revenue, cost, value and growth: pure.

A rule set says it by convention, or whoever takes the statement names it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, NoReturn, TypeVar

from service.portfolio.reading import Terms
from service.portfolio.slicing import listed
from service.rules import Attribute, RuleSet
from service.rules.expression import ast
from service.rules.metrics.model import Costed, Measured, Window
from service.web import Fault, Refusal

__all__ = ["COHORT", "SINCE", "Asked", "CannotState", "agree", "money_metrics", "slice_names"]

COHORT: Final = "cohort"
"""The quarter in which somebody became a customer."""
SINCE: Final = "customer_since"
"""The attribute that says when that was."""

_Kind = TypeVar("_Kind", Measured, Costed)
_TOLD: Final = ("industry", "country", "owner", "plan", "product", "region", "segment", "source")
"""Facts that take a portfolio apart whether or not a rule reads them."""
_REVENUE: Final = "revenue"
_DAYS_OF: Final = {"days": 1, "months": 30}
_FLIPPED: Final = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


class CannotState(Refusal):
    """The rule set does not say what a portfolio is made of."""

    code: ClassVar[str] = "cannot_state"

    def __init__(self, words: str, *, pointer: str = "") -> None:
        super().__init__(words, faults=[Fault(code=self.code, message=words, pointer=pointer)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was named; what is None follows the convention."""

    revenue: str | None = None
    cost: str | None = None
    value: str | None = None
    growth: str | None = None
    value_from: float | None = None
    growth_from: float | None = None


def agree(rules: RuleSet, *, at: datetime, asked: Asked) -> Terms:
    """Return the terms of a statement by *rules* as of *at*.

    Revenue is a sum of the amounts of `revenue` events without a condition; cost is a `cost:`
    metric of the same unit that looks back as far. Of several pairs the one that looks back
    furthest is taken, and of several costs the one whose name begins with `cost`. The scores
    are called `value` and `growth`; each is high from where the outcomes most often compare
    it, else from halfway between its floor and ceiling.

    Raises:
        CannotState: If the rules have no such metrics or scores, or several that would do.
    """
    revenue, cost = money_metrics(rules, asked)
    value = _score(rules, asked.value or "value", "/value")
    growth = _score(rules, asked.growth or "growth", "/growth")
    return Terms(
        revenue_metric=revenue.name,
        cost_metric=cost.name,
        value_score=value,
        growth_score=growth,
        value_from=_from(rules, value, asked.value_from, "/value_from"),
        growth_from=_from(rules, growth, asked.growth_from, "/growth_from"),
        since=None if cost.window is None else cost.window.start(at),
        window=None if cost.window is None else str(cost.window),
    )


def slice_names(rules: RuleSet) -> tuple[str, ...]:
    """Return by what a portfolio under *rules* can be taken apart.

    Its choices and flags, some facts that most sources tell, and the cohort; nothing personal.
    """
    declared = {
        one.name for one in rules.attributes.values() if one.type in {"choice", "flag"}
    }  # fmt: skip
    told = {name for name in _TOLD if _is_text(rules.attributes.get(name))}
    personal = {one.name for one in rules.attributes.values() if one.pii}
    return tuple(sorted((declared | told | {COHORT}) - personal))


def _is_text(attribute: Attribute | None) -> bool:
    return attribute is None or attribute.type in {"text", "choice"}


def money_metrics(rules: RuleSet, asked: Asked) -> tuple[Measured, Costed]:
    """Return the metrics of revenue and cost, as `agree` says.

    Raises:
        CannotState: If the rules have none, or several that would do.
    """
    revenues = [one for one in rules.metrics if isinstance(one, Measured) and _is_revenue(one)]
    costs = [one for one in rules.metrics if isinstance(one, Costed)]
    revenues = _named(revenues, asked.revenue, "/revenue")
    costs = _named(costs, asked.cost, "/cost")
    pairs = [
        (revenue, cost)
        for revenue in revenues
        for cost in costs
        if revenue.window == cost.window
        and rules.attributes[revenue.name].unit == rules.attributes[cost.name].unit
    ]
    if not revenues:
        _refuse("a sum of the `amount` of `revenue` events, without a condition", "/revenue")
    if not costs:
        _refuse("activity-based cost, a metric with `cost:`", "/cost")
    if not pairs:
        _refuse("revenue and cost of one unit and one window", "")
    furthest = max(_length(cost.window) for _, cost in pairs)
    pairs = [pair for pair in pairs if _length(pair[1].window) == furthest]
    usual = [pair for pair in pairs if pair[1].name.startswith("cost")]
    if len(usual or pairs) > 1:
        names = listed({one.name for pair in usual or pairs for one in pair})
        raise CannotState(f"several metrics would do: {names}; name `revenue` and `cost`")
    return (usual or pairs)[0]


def _is_revenue(metric: Measured) -> bool:
    return (metric.event, metric.aggregation, metric.quantity, metric.where) == (
        _REVENUE, "sum", "amount", None,
    )  # fmt: skip


def _named(metrics: Sequence[_Kind], name: str | None, pointer: str) -> list[_Kind]:
    if name is None:
        return list(metrics)
    found = [one for one in metrics if one.name == name]
    if not found:
        names = listed({one.name for one in metrics})
        raise CannotState(f"this is no metric that will do; those are {names}", pointer=pointer)
    return found


def _length(window: Window | None) -> float:
    """Return about how many days a window spans, to compare it with others."""
    return float("inf") if window is None else window.length * _DAYS_OF[window.unit]


def _refuse(missing: str, pointer: str) -> NoReturn:
    words = f"a portfolio needs {missing}, and the rule set has none; declare it under `metrics`"
    raise CannotState(words, pointer=pointer)


def _score(rules: RuleSet, name: str, pointer: str) -> str:
    names = [score.name for score in rules.model.scores]
    if name not in names:
        words = f"the rule set has no score of that name; it has {listed(names)}"
        raise CannotState(f"`{pointer[1:]}`: {words}", pointer=pointer)
    return name


def _from(rules: RuleSet, score: str, asked: float | None, pointer: str) -> float:
    if asked is not None:
        return asked
    counted = Counter(_compared_with(rules, score))
    if counted:
        return counted.most_common(1)[0][0]
    (found,) = (one for one in rules.model.scores if one.name == score)
    if found.floor is None or found.ceiling is None:
        words = f"no outcome compares `{score}` with a number; say from where on it is high"
        raise CannotState(words, pointer=pointer)
    return (found.floor + found.ceiling) / 2


def _compared_with(rules: RuleSet, score: str) -> Iterator[float]:
    """Yield the numbers from which on an outcome takes *score* for high: `>= n`, `< n`."""
    for outcome in rules.model.outcomes:
        nodes = () if outcome.condition is None else ast.walk(outcome.condition.node)
        for node in nodes:
            match node:
                case ast.Apply(
                    operator=operator, arguments=(ast.Score(name=name), ast.Constant(value=limit))
                ):
                    pass
                case ast.Apply(
                    operator=flipped, arguments=(ast.Constant(value=limit), ast.Score(name=name))
                ):
                    operator = _FLIPPED.get(flipped, flipped)
                case _:
                    continue
            if name == score and operator in {">=", "<"} and isinstance(limit, float):
                yield limit
