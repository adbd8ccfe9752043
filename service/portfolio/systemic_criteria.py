"""The criteria of a rule set that blame: those of which a yes takes something off an account."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from service.rules.expression import ast
from service.rules.model import Gate, Model, Outcome, Points, Rule

__all__ = ["Criterion", "criteria_of"]


@dataclass(frozen=True, slots=True)
class Criterion:
    """A rule, gate or outcome that blames.

    *place* is its own in the trace's letters of its kind; *name* is what `suspended` calls
    it: its id, and `outcome:` before that of an outcome. *condition* is its text.
    """

    kind: Literal["points", "gate", "outcome"]
    id: str
    place: int
    condition: str

    @property
    def name(self) -> str:
        """What it is called where rules, gates and outcomes stand side by side."""
        return f"outcome:{self.id}" if self.kind == "outcome" else self.id


def criteria_of(model: Model) -> tuple[Criterion, ...]:
    """Return the blaming criteria of *model*, in document order.

    A rule blames where its points can only take off. A gate blames that leads to a blaming
    outcome, and an outcome itself where it disqualifies. A review outcome is blaming where it
    asks for a score in which nothing can be gained, such as conduct; but what it is made of
    are rules that blame, so it is no criterion of its own.
    """
    return (*_gates(model), *_rules(model), *_outcomes(model))


def _gates(model: Model) -> Iterator[Criterion]:
    lossy = {
        score.name for score in model.scores if score.ceiling is not None and score.ceiling <= 0
    }
    for place, gate in enumerate(model.gates):
        outcome = model.outcomes[gate.outcome]
        if outcome.verdict == "disqualify" or _asks_for(outcome, lossy):
            yield _criterion("gate", gate, place)


def _rules(model: Model) -> Iterator[Criterion]:
    for place, rule in enumerate(model.rules):
        if _takes_off(rule.points):
            yield _criterion("points", rule, place)


def _outcomes(model: Model) -> Iterator[Criterion]:
    for place, outcome in enumerate(model.outcomes):
        if outcome.verdict == "disqualify" and outcome.condition is not None:
            yield Criterion("outcome", outcome.id, place, outcome.condition.text)


def _criterion(kind: Literal["points", "gate"], part: Gate | Rule, place: int) -> Criterion:
    return Criterion(kind, part.id, place, part.condition.text)


def _takes_off(points: Points) -> bool:
    if points.formula is None:
        return points.fixed < 0
    return points.low < 0 and points.high <= 0


def _asks_for(outcome: Outcome, scores: set[str]) -> bool:
    if outcome.verdict != "review" or outcome.condition is None:
        return False
    nodes = ast.walk(outcome.condition.node)
    return any(isinstance(node, ast.Score) and node.name in scores for node in nodes)
