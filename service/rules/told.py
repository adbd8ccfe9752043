"""What explaining the decisions of one rule set needs, worked out once and kept."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from service.rules.expression import ast
from service.rules.expression.phrasebook import Phrasebook, ScoreWords
from service.rules.expression.tokens import number, uncapitalised
from service.rules.model import Condition, Gate, Model, Outcome, Rule, Score

_MODELS_KEPT = 256

Read = tuple[str, ast.Node]
"""A name in an expression, and the node that has its value."""


@dataclass(frozen=True, slots=True)
class CheckPlan:
    """A single check as written, and the names in it."""

    expression: str
    reads: tuple[Read, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """One rule set as its explanations see it.

    Attributes:
        book: Its words.
        asked_scores: The scores that outcomes ask for, themselves or by grade, in order; all
            of them where none is asked for.
        outcomes: By id.
        scores: By name, a score's label inside a sentence, and ` of 100` where it has a ceiling.
        ladder: Each outcome's id with the score and the least of it where it asks nothing else.
    """

    model: Model
    book: Phrasebook
    asked_scores: tuple[Score, ...]
    outcomes: Mapping[str, Outcome]
    ladder: tuple[tuple[str, tuple[str, float] | None], ...]
    scores: Mapping[str, tuple[str, str]]
    _plans: dict[int, tuple[Condition, tuple[CheckPlan, ...]]] = field(default_factory=dict)

    def checks(self, condition: Condition) -> tuple[CheckPlan, ...]:
        """Return the single checks of *condition*, one of the model's, in reading order."""
        kept = self._plans.get(id(condition))
        if kept is None:
            text = condition.text
            plans = tuple(
                CheckPlan(text[node.span.start : node.span.end], tuple(reads(node)))
                for node in condition.checks
            )
            kept = self._plans[id(condition)] = (condition, plans)
        return kept[1]


_kept: dict[int, Told] = {}


def told_of(model: Model) -> Told:
    """Return what is kept of *model*. A kept model's identity cannot become another's."""
    found = _kept.get(id(model))
    if found is None or found.model is not model:
        if len(_kept) >= _MODELS_KEPT:
            _kept.clear()
        found = _kept[id(model)] = _work_out(model)
    return found


def suspendable(model: Model) -> Iterator[tuple[str, Gate | Rule | Outcome]]:
    """Yield what can be suspended, by the name under which it is: all that has a condition."""
    for gate in model.gates:
        yield gate.id, gate
    for rule in model.rules:
        yield rule.id, rule
    for outcome in model.outcomes:
        if outcome.condition is not None:
            yield outcome.suspended_as, outcome


def reads(node: ast.Node) -> Iterator[Read]:
    """Yield the names in *node*, each once."""
    seen: set[str] = set()
    for part in ast.walk(node):
        match part:
            case (
                ast.Attribute(name=name)
                | ast.Has(attribute=name)
                | ast.Derived(name=name)
                | ast.Score(name=name)
                | ast.Grade(name=name)
            ) if name not in seen:
                seen.add(name)
                yield name, part
            case _:
                pass


def _work_out(model: Model) -> Told:
    book = Phrasebook(
        attributes=model.attributes,
        formulas={derived.name: derived.node for derived in model.derived},
        texts={derived.name: derived.text for derived in model.derived},
        scores={score.name: ScoreWords(score.label, score.ceiling) for score in model.scores},
    )
    by_name = {score.name: score for score in model.scores}
    asked = tuple(by_name[name] for name in dict.fromkeys(_asked_scores(model)))
    return Told(
        model=model,
        book=book,
        asked_scores=asked or model.scores,
        outcomes={outcome.id: outcome for outcome in model.outcomes},
        scores={
            score.name: (uncapitalised(score.label), _of_ceiling(score)) for score in model.scores
        },
        ladder=tuple((outcome.id, _threshold(outcome)) for outcome in model.outcomes),
    )


def _of_ceiling(score: Score) -> str:
    return "" if score.ceiling is None else f" of {number(score.ceiling)}"


def _asked_scores(model: Model) -> Iterator[str]:
    of = {grade.name: grade.of for grade in model.grades}
    for outcome in model.outcomes:
        for node in ast.walk(outcome.condition.node) if outcome.condition is not None else ():
            if isinstance(node, ast.Score):
                yield node.name
            elif isinstance(node, ast.Grade):
                yield of[node.name]


def _threshold(outcome: Outcome) -> tuple[str, float] | None:
    match outcome.condition.node if outcome.condition is not None else None:
        case ast.Apply(
            operator=">=", arguments=(ast.Score(name=name), ast.Constant(value=float(least)))
        ):
            return name, least
        case ast.Apply(
            operator="<=", arguments=(ast.Constant(value=float(least)), ast.Score(name=name))
        ):
            return name, least
        case _:
            return None
