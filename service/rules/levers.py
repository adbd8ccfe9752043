"""Which facts of a subject could be otherwise, and how: what may be proposed to be changed.

Its author may declare that of an attribute (`changeable`, `change_cost`). Of what nobody
declared, left out is what stays whatever anybody does, or is nobody's business to change:
personal data, and what was done to people. Of what is measured, more of what costs or hurts is
never proposed, nor less of what is paid. Days, names and other texts never are.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

from service.rules.attributes import Attribute, Fact
from service.rules.decision import Decision
from service.rules.metrics.model import Costed, Measured, Metric
from service.rules.ruleset import RuleSet

__all__ = ["Lever", "levers_of"]

Direction = Literal["up", "down"]

_BURDENS: Final = frozenset(
    {"cost", "custom_work", "discount", "escalation", "goal_change", "late_payment", "refund",
     "support_case"}
)  # fmt: skip
_GAINS: Final = frozenset({"advice_followed", "nps", "renewal", "revenue"})
_NEVER: Final = frozenset({"abuse", "churn"})
_STEPS: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.05, 1.1, 1.2, 1.35, 1.5)
_FAR: Final = (1.75, 2.0, 2.5, 3.0, 4.0, 6.0, 10.0)
_TIMES: Final = 10.0


@dataclass(frozen=True, slots=True)
class Lever:
    """One known fact, and the values worth trying in its place.

    Attributes:
        up, down: The values on each side, the nearest first; of what has no sides, all of
            them stand in *up*.
        unwanted: The way in which nobody is asked to go.
        is_whole: Whether only whole numbers make sense.
    """

    attribute: Attribute
    value: Fact
    up: tuple[Fact, ...]
    down: tuple[Fact, ...]
    unwanted: Direction | None
    is_whole: bool

    @property
    def name(self) -> str:
        """The attribute's name."""
        return self.attribute.name

    def is_wanted(self, after: Fact) -> bool:
        """Return whether going to *after* may be proposed."""
        before, now = self._height(self.value), self._height(after)
        if self.unwanted is None or before is None or now is None:
            return True
        return (now < before) == (self.unwanted == "up")

    def _height(self, value: Fact) -> float | None:
        """Return the place of a number, a flag or an ordered choice; others have none."""
        if isinstance(value, float | bool):
            return float(value)
        if self.attribute.ordered and isinstance(value, str) and value in self.attribute.choices:
            return float(self.attribute.choices.index(value))
        return None

    def effort(self, after: Fact) -> float:
        """Return how far it is to *after*, times what a change costs.

        That is from 0 to 1 where the author says nothing: a number's share of both, or steps.
        """
        return self._distance(after) * self.attribute.change_cost

    def _distance(self, after: Fact) -> float:
        if isinstance(after, float) and isinstance(self.value, float):
            return abs(after - self.value) / max(abs(after) + abs(self.value), 1e-9)
        choices = self.attribute.choices
        if self.attribute.ordered and after in choices and self.value in choices:
            steps = abs(choices.index(str(after)) - choices.index(str(self.value)))
            return steps / max(len(choices) - 1, 1)
        return 0.5


def levers_of(rules: RuleSet, decision: Decision, *, fixed: Collection[str]) -> tuple[Lever, ...]:
    """Return what of *decision*'s facts could be otherwise, in the rules' order."""
    classes = rules.plan.classes(decision.at.date())
    metrics = {metric.name: metric for metric in decision.model.metrics}
    levers = []
    for name, attribute in decision.model.attributes.items():
        value = decision.facts.values.get(name)
        if value is None or name in fixed or not _may_change(attribute, metrics.get(name)):
            continue
        lever = _lever(attribute, value, classes[name].values, metrics.get(name))
        if lever is not None and (lever.up or lever.down):
            levers.append(lever)
    return tuple(levers)


def _lever(
    attribute: Attribute, value: Fact, classes: Collection[Fact], metric: Metric | None
) -> Lever | None:
    unwanted = _unwanted(attribute, metric)
    if attribute.type in {"flag", "choice"}:
        others = tuple(other for other in classes if other != value)
        if attribute.type == "choice":
            others = tuple(choice for choice in attribute.choices if choice in others)
        return Lever(attribute, value, others, (), unwanted, is_whole=False)
    if attribute.type != "number" or not isinstance(value, float):
        return None
    is_whole = isinstance(metric, Measured) and metric.aggregation in {"count", "distinct"}
    tried = _numbers(attribute, value, [one for one in classes if isinstance(one, float)], is_whole)
    return Lever(
        attribute,
        value,
        tuple(sorted(one for one in tried if one > value)),
        tuple(sorted((one for one in tried if one < value), reverse=True)),
        unwanted,
        is_whole,
    )


def _numbers(
    attribute: Attribute,
    value: float,
    classes: Collection[float],
    is_whole: bool,  # noqa: FBT001 - passed on
) -> set[float]:
    """Return values within reach: up to ten times as much, down to nothing, never across it."""
    tried = {value * step for step in (*_STEPS, *_FAR)}
    tried |= set(classes)
    if is_whole:
        tried = {float(round(one)) for one in tried}
    low = attribute.minimum if attribute.minimum is not None else float("-inf")
    high = attribute.maximum if attribute.maximum is not None else float("inf")
    if value >= 0:
        low = max(low, 0.0)
    if value > 0:
        high = min(high, value * _TIMES)
    if value <= 0:
        low, high = max(low, value * _TIMES), max(value, high)
    return {one for one in tried if low <= one <= high and one != value}


def _may_change(attribute: Attribute, metric: Metric | None) -> bool:
    if attribute.changeable is not None:
        return attribute.changeable != "no"
    return not attribute.pii and (metric is None or not set(metric.kinds) & _NEVER)


def _unwanted(attribute: Attribute, metric: Metric | None) -> Direction | None:
    if attribute.changeable is not None:
        return {"up": "down", "down": "up"}.get(attribute.changeable)  # type: ignore[return-value]
    if metric is None:
        return None
    kinds = set(metric.kinds)
    if isinstance(metric, Costed) or kinds & _BURDENS:
        return "up"
    return "down" if kinds & _GAINS else None
