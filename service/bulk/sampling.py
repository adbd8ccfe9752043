"""The sample of every run that the evaluator decides too; a difference ends the run."""

import random
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from service.rules import Decision, RuleSet

_FIRST: Final = 2
_RANDOM: Final = 14


class EnginesDisagree(Exception):
    """DuckDB and the evaluator decide one row differently: a bug of ours, and an incident.

    It names the rule set, the row and the columns, and never a value.
    """

    code = "engines_disagree"

    def __init__(self, rules: RuleSet, *, where: str, columns: Collection[str]) -> None:
        """Keep what is needed to find the row again."""
        listed = ", ".join(columns)
        super().__init__(
            f"DuckDB and the evaluator differ on {where} under `{rules.id}` (digest "
            f"{rules.digest[:12]}) in {listed}; nothing more was decided, and no result of this "
            "run should be used: please report it"
        )
        self.rule_set = rules.id
        self.digest = rules.digest
        self.where = where
        self.columns = tuple(columns)


def sample_of(rules: RuleSet, *, chunk: int, rows: int) -> list[int]:
    """Return which rows of a chunk to check: the first ones, and some by a seed of their own.

    The same run over the same rows checks the same ones.
    """
    chance = random.Random(f"{rules.digest} {chunk}")  # noqa: S311 - to be repeated, not to be secret
    others = chance.sample(range(rows), min(rows, _RANDOM))
    return sorted({*range(min(rows, _FIRST)), *others})


def check_rows(
    answers: Any,  # noqa: ANN401 - pyarrow has no types
    places: Collection[int],
    *,
    rules: RuleSet,
    decide: Callable[[int], Decision],
    title: Callable[[int], str],
) -> None:
    """Hold the *answers* at *places* to what *decide* says; *title* names a row for people.

    Raises:
        EnginesDisagree: If one differs in any column that *answers* has.
    """
    for place in places:
        answer = {column: answers.column(column)[place].as_py() for column in answers.column_names}
        if answer.get("needs_exact"):
            continue  # undecided by ranges: the evaluator decides it in any case
        wanted = expected_of(decide(place), rules)
        found = [
            column for column in answer if column in wanted and answer[column] != wanted[column]
        ]
        if found:
            raise EnginesDisagree(rules, where=title(place), columns=found)


def expected_of(decision: Decision, rules: RuleSet) -> Mapping[str, object]:
    """Return the columns of the SELECT that a decision determines."""
    missing = {one.attribute for one in decision.missing}
    columns: dict[str, object] = {
        "verdict": decision.verdict,
        "outcome": decision.outcome,
        "certain": decision.certain,
        "outcome_certain": decision.outcome_certain,
        "missing": ",".join(name for name in rules.attributes if name in missing),
    }
    for name, score in decision.scores.items():
        columns |= {
            f"value_{name}": score.value, f"low_{name}": score.low, f"high_{name}": score.high,
        }  # fmt: skip
    return columns
