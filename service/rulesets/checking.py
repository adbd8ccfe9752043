"""Judge a draft's text: every problem, and how its own tests go.

Parsing hundreds of rules takes a second or two of Python, so it happens in a thread and
only a few at once: the requests beside it keep their turn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import anyio
import anyio.to_thread

from service.rules import Problem, RuleSet, TestResult, check_rule_set, load_rule_set
from service.web import Fault, Refusal

__all__ = [
    "Examined",
    "RuleSetInvalid",
    "RuleSetMismatch",
    "TestsFailed",
    "compile_rules",
    "examine",
    "faults_in",
]

_AT_ONCE: Final = 2
_desk: Final = anyio.CapacityLimiter(_AT_ONCE)


class RuleSetInvalid(Refusal):
    """A draft has errors and cannot be used; each fault is one problem."""

    code: ClassVar[str] = "invalid_rule_set"


class TestsFailed(Refusal):
    """A draft's own tests do not pass; each fault is one test."""

    code: ClassVar[str] = "tests_failed"
    __test__ = False


class RuleSetMismatch(Refusal):
    """A document is of another rule set, or judges another kind of subject."""

    code: ClassVar[str] = "rule_set_mismatch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What came of checking a text. *rules* is None where there are errors."""

    problems: tuple[Problem, ...]
    rules: RuleSet | None
    tests: tuple[TestResult, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that stop a commit."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def failed(self) -> tuple[TestResult, ...]:
        """The tests that did not pass."""
        return tuple(test for test in self.tests if not test.passed)

    def usable(self) -> RuleSet:
        """Return the rules.

        Raises:
            RuleSetInvalid: If the text has errors.
        """
        if self.rules is None:
            words = "the rule set has errors; mend what `errors` lists"
            raise RuleSetInvalid(words, faults=faults_in(self.errors))
        return self.rules

    def committable(self, *, slug: str, subject: str) -> RuleSet:
        """Return the rules if they may become a version of rule set *slug*.

        Raises:
            RuleSetInvalid: If the text has errors.
            RuleSetMismatch: If it is of another rule set or subject.
            TestsFailed: If a test of its own fails.
        """
        rules = self.usable()
        for member, is_it, wanted in (
            ("rule_set", rules.id, slug),
            ("subject", rules.subject, subject),
        ):
            if is_it != wanted:
                words = f"this must be `{wanted}` here; correct it"
                fault = Fault(code="mismatch", message=words, pointer=f"/{member}")
                raise RuleSetMismatch(f"`{member}` {words}", faults=[fault])
        if self.failed:
            faults = [
                Fault(code="test_failed", message=f"`{test.name}`: {'; '.join(test.differences)}")
                for test in self.failed
            ]
            raise TestsFailed("tests of the rule set fail; mend rules or tests", faults=faults)
        return rules


async def examine(source: str) -> Examined:
    """Return every problem of *source* and, where it has no errors, how its tests go."""

    def judge() -> Examined:
        checked = check_rule_set(source)
        tests = () if checked.rules is None else checked.rules.run_tests()
        return Examined(problems=checked.problems, rules=checked.rules, tests=tests)

    return await anyio.to_thread.run_sync(judge, limiter=_desk)


async def compile_rules(canonical: bytes) -> RuleSet:
    """Return the rules of a committed version, from its canonical form."""
    return await anyio.to_thread.run_sync(lambda: load_rule_set(canonical), limiter=_desk)


def faults_in(problems: Sequence[Problem]) -> list[Fault]:
    """Return a draft's problems as faults of the request that needs it whole."""
    return [
        Fault(
            code=problem.code,
            message=problem.message,
            pointer=problem.pointer,
            line=problem.line,
            column=problem.column,
            suggestion=problem.suggestion,
        )
        for problem in problems
    ]
