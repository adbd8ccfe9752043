"""The solver in a process of its own: it may be slow, greedy or wrong, and nobody waits for it.

The process gets documents and gives answers, as JSON; each task ends itself when its time is
over, has a limit of memory, and is killed where neither helped. What then comes back is "not
settled". The process is kept for some minutes, so that the next task need not wait for a start.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.util import find_spec
from typing import Any, Final, Protocol

import msgspec
import orjson

from service.rules.ruleset import RuleSet
from service.rules.solver.answers import NOT_AVAILABLE, Answer, MeaningComparison
from service.rules.solver.limits import Limits
from service.rules.solver.warm import Kept

__all__ = ["SolverIncident", "ask_apart", "compare_apart", "is_available"]

_KILLED_AFTER_S: Final = 3.0
KEPT: Final = Kept()
"""The processes of whoever asks here."""


class SolverIncident(Exception):
    """The solver said what the evaluator does not confirm: a fault of ours, never an answer."""


class Run(Protocol):
    """Has a task worked on elsewhere: takes it and a limit, and returns what came out."""

    def __call__(self, told: bytes, *, limit_s: float) -> bytes | None:
        """Return what came out; None where it was killed or failed."""


def is_available() -> bool:
    """Return whether the solver is installed."""
    return find_spec("z3") is not None


def compare_apart(
    before: RuleSet, after: RuleSet, *, at: datetime, limits: Limits, run: Run = KEPT.run
) -> MeaningComparison:
    """Return how *after* differs from *before* in meaning; see `compare_meaning`.

    Raises:
        SolverIncident: If the evaluator does not confirm what the solver found.
    """
    if not is_available():
        return _nothing(before, "not_available", at, NOT_AVAILABLE)
    task = {"task": "compare", "before": _document(before), "after": _document(after)}
    found = _work(task, at, limits, run)
    if found is None:
        return _nothing(before, "not_settled", at, _stopped(limits))
    return msgspec.convert(found, MeaningComparison)


def ask_apart(
    rules: RuleSet,
    questions: Sequence[Mapping[str, Any]],
    *,
    at: datetime,
    limits: Limits,
    run: Run = KEPT.run,
) -> tuple[Answer, ...]:
    """Return the answers to *questions* about *rules*; see `asking.answers_to`.

    Raises:
        SolverIncident: If the evaluator does not confirm what the solver found.
    """
    if not is_available():
        return tuple(_unanswered(one, "not_available", NOT_AVAILABLE) for one in questions)
    task = {"task": "ask", "rules": _document(rules), "questions": list(questions)}
    found = _work(task, at, limits, run)
    if found is None:
        return tuple(_unanswered(one, "not_settled", _stopped(limits)) for one in questions)
    return tuple(msgspec.convert(one, Answer) for one in found)


def _work(task: dict[str, Any], at: datetime, limits: Limits, run: Run) -> Any:  # noqa: ANN401 - JSON
    told = orjson.dumps({**task, "at": at.isoformat(), **limits.to_json()})
    out = run(told, limit_s=limits.seconds + _KILLED_AFTER_S)
    if out is None:
        return None
    answer = orjson.loads(out)
    if "incident" in answer:
        raise SolverIncident("a witness of the solver did not hold in the evaluator")
    return answer["found"]


def _document(rules: RuleSet) -> Any:  # noqa: ANN401 - JSON
    return orjson.loads(rules.canonical)


def _stopped(limits: Limits) -> str:
    return f"not settled within {limits.seconds:g} seconds and {limits.megabytes} MB"


def _nothing(rules: RuleSet, relation: Any, at: datetime, words: str) -> MeaningComparison:  # noqa: ANN401 - one of its literals
    del rules
    return MeaningComparison(
        relation=relation, is_same=None, by_verdict={}, by_outcome={}, scores={}, differences=(),
        is_settled=False, approximate=(), day=at.date().isoformat(), depends_on_day=False,
        words=words,
    )  # fmt: skip


def _unanswered(question: Mapping[str, Any], answer: Any, words: str) -> Answer:  # noqa: ANN401 - one of its literals
    about = tuple(question.get("about", ()))
    return Answer(str(question["question"]), about, answer, words)
