"""Judge a draft's text: every problem, and how its own tests go.

Parsing hundreds of rules takes a second or two of Python, so it happens in a thread and
only a few at once: the requests beside it keep their turn.
"""

from collections.abc import Sequence
from typing import ClassVar, Final

import anyio
import anyio.to_thread

from service.rules import Checked, InvalidRuleSet, Problem, RuleSet, check_rule_set, load_rule_set
from service.web import Fault, Refusal

__all__ = [
    "SHOWN_PROBLEMS",
    "RuleSetInvalid",
    "RuleSetMismatch",
    "compile_source",
    "examine",
    "rules_for",
]

SHOWN_PROBLEMS: Final = 500
"""Whoever has more mends these first; tens of thousands would only keep others waiting."""

_AT_ONCE: Final = 2
_desk: Final = anyio.CapacityLimiter(_AT_ONCE)


class RuleSetInvalid(Refusal):
    """A draft has errors, or tests that fail; each fault is one problem."""

    code: ClassVar[str] = "invalid_rule_set"

    def __init__(self, problems: Sequence[Problem]) -> None:
        errors = [problem for problem in problems if problem.severity == "error"]
        words = "the rule set has errors; mend what `errors` lists"
        if len(errors) > SHOWN_PROBLEMS:
            words = f"the rule set has {len(errors)} errors; mend the first, then check again"
        super().__init__(words, faults=[_fault(problem) for problem in errors[:SHOWN_PROBLEMS]])


class RuleSetMismatch(Refusal):
    """A document is of another rule set, or judges another kind of subject."""

    code: ClassVar[str] = "rule_set_mismatch"


async def examine(source: str) -> Checked:
    """Return every problem of *source*, and how its own tests go."""
    return await anyio.to_thread.run_sync(check_rule_set, source, limiter=_desk)


async def compile_source(source: str | bytes) -> RuleSet:
    """Return the rules that *source* says, a draft's text or a version's canonical form.

    They are compiled to the end: their first decision is as quick as the next.

    Raises:
        RuleSetInvalid: If it has errors; its own tests are not run.
    """
    try:
        return await anyio.to_thread.run_sync(_load, source, limiter=_desk)
    except InvalidRuleSet as invalid:
        raise RuleSetInvalid(invalid.problems) from None


def _load(source: str | bytes) -> RuleSet:
    rules = load_rule_set(source)
    rules.prepare()
    return rules


def rules_for(checked: Checked, *, slug: str, subject: str) -> RuleSet:
    """Return the rules of *checked* if they may become a version of rule set *slug*.

    Raises:
        RuleSetInvalid: If there are errors or tests that fail.
        RuleSetMismatch: If they are of another rule set or subject.
    """
    if checked.rules is None:
        raise RuleSetInvalid(checked.problems)
    rules = checked.rules
    for member, is_it, wanted in (
        ("rule_set", rules.id, slug),
        ("subject", rules.subject, subject),
    ):
        if is_it != wanted:
            words = f"`{member}` must be `{wanted}` here; correct it, or write to another rule set"
            fault = Fault(code="mismatch", message=words, pointer=f"/{member}")
            raise RuleSetMismatch(words, faults=[fault])
    return rules


def _fault(problem: Problem) -> Fault:
    return Fault(
        code=problem.code,
        message=problem.message,
        pointer=problem.pointer,
        line=problem.line,
        column=problem.column,
        suggestion=problem.suggestion,
    )
