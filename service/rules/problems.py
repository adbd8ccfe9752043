"""What is wrong with somebody's draft: values, all of them at once, each with its place."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: a JSON pointer, and line and column (from 1) where it was text."""

    pointer: str
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend in a rule set.

    *code* is stable and meant for scripts; *message* is for people and names the fix.
    Errors stop a commit, warnings do not.
    """

    code: str
    severity: Severity
    message: str
    pointer: str = ""
    line: int | None = None
    column: int | None = None
    suggestion: str | None = None

    def to_json(self) -> dict[str, object]:
        """Return the members that are known, in reading order."""
        members: dict[str, object] = {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "pointer": self.pointer,
        }
        if self.line is not None:
            members["line"] = self.line
            members["column"] = self.column
        if self.suggestion is not None:
            members["suggestion"] = self.suggestion
        return members


class InvalidRuleSet(Exception):
    """A rule set cannot be used; `problems` says why, errors and warnings, in file order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Keep all *problems*; the message shows the first error and how many there are."""
        self.problems = problems
        errors = [problem for problem in problems if problem.severity == "error"]
        first = errors[0].message if errors else "no problem given"
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(first + more)


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that *word* was probably meant to be, or None where none is close."""
    folded = {candidate.casefold(): candidate for candidate in candidates}
    # One wrong letter of a country's two is half the word, and still meant that country.
    cutoff = 0.6 if len(word) > 3 else 0.5
    found = difflib.get_close_matches(word.casefold(), list(folded), n=1, cutoff=cutoff)
    return folded[found[0]] if found else None


def did_you_mean(word: str, candidates: Iterable[str]) -> tuple[str, str | None]:
    """Return "; did you mean `x`?" (or nothing) to append to a message, and x itself."""
    meant = nearest(word, candidates)
    return (f"; did you mean `{meant}`?", meant) if meant is not None else ("", None)
