"""`goodfit check`: every problem of a rule file, each with its place and its fix."""

from collections.abc import Iterable, Sequence
from typing import Annotated

import typer
from rich.text import Text

from service.cli.asking import asked_of
from service.cli.files import place_of, read_file
from service.cli.screen import NO, AsJson, count_of, print_json, say
from service.rules import Checked, Problem, check_rule_set
from service.rules.solver import DEEP, Answer, notable

_STYLES = {"error": "bold red", "warning": "yellow"}

RuleFiles = Annotated[list[str], typer.Argument(metavar="FILE...", help="Rule files; - is stdin.")]


Deep = Annotated[
    bool,
    typer.Option("--deep", help="Ask the solver too: what can never be, never matters, collides."),
]
Limit = Annotated[
    float,
    typer.Option(min=1, max=3600, metavar="SECONDS", help="How long the solver may take, each."),
]


def check(
    files: RuleFiles, *, deep: Deep = False, limit: Limit = 60.0, as_json: AsJson = False
) -> None:
    """Show every problem of rule files, with line and column. Exit 1 where one has errors."""
    found = [(name, check_rule_set(read_file(name, what="rule file"))) for name in files]
    answers = {name: _asked(checked, limit) for name, checked in found if deep}
    if as_json:
        reports = [
            report(name, checked)
            | ({"deep": [one.to_json() for one in answers[name]]} if deep else {})
            for name, checked in found
        ]
        print_json(reports[0] if len(reports) == 1 else reports)
    else:
        _print(found)
        for name, some in answers.items():
            _print_deep(name, some)
    if any(checked.errors for _, checked in found):
        raise typer.Exit(NO)


def _asked(checked: Checked, limit: float) -> tuple[Answer, ...]:
    if checked.rules is None:
        return ()
    return asked_of(checked.rules, DEEP, limit=limit)


def _print_deep(name: str, answers: Sequence[Answer]) -> None:
    """Print what is probably not meant, and how much did not come out."""
    for one in notable(answers):
        say(f"{name}  {one.question.replace('_', '-')}  {one.words}")
    open_ones = [one for one in answers if one.answer in {"not_settled", "not_available"}]
    if open_ones and open_ones[0].answer == "not_available":
        say(open_ones[0].words)
    else:
        settled = len(answers) - len(open_ones)
        say(f"asked the solver: {settled} of {count_of(len(answers), 'question')} settled")


def report(name: str, checked: Checked) -> dict[str, object]:
    """Return what was found in one file, as JSON members."""
    return {
        "file": name,
        "rule_set": checked.rules.id if checked.rules is not None else None,
        "digest": checked.rules.digest if checked.rules is not None else None,
        "errors": len(checked.errors),
        "warnings": len(checked.warnings),
        "problems": [problem.to_json() for problem in checked.problems],
        "tests": {
            "run": len(checked.tests),
            "passed": sum(result.passed for result in checked.tests),
        },
    }


def problem_lines(found: Iterable[tuple[str, Problem]]) -> list[Text]:
    """Return a line per (file, problem): place, severity, code and words in columns."""
    rows = [(place_of(name, problem), problem) for name, problem in found]
    place_width = max((len(place) for place, _ in rows), default=0)
    code_width = max((len(problem.code) for _, problem in rows), default=0)
    lines = []
    for place, problem in rows:
        line = Text(f"{place:<{place_width}}  ")
        line.append(f"{problem.severity:<7}", style=_STYLES[problem.severity])
        line.append(f"  {problem.code:<{code_width}}  ", style="dim")
        lines.append(line.append(problem.message))
    return lines


def _print(found: Sequence[tuple[str, Checked]]) -> None:
    for line in problem_lines((name, p) for name, checked in found for p in checked.problems):
        say(line)
    errors = sum(len(checked.errors) for _, checked in found)
    warnings = sum(len(checked.warnings) for _, checked in found)
    tests = [result for _, checked in found for result in checked.tests]
    parts = [_counts(errors, warnings)]
    if tests:
        parts.append(f"tests: {sum(t.passed for t in tests)} of {len(tests)}")
    say("      ".join(parts))


def _counts(errors: int, warnings: int) -> str:
    if not errors and not warnings:
        return "no problems"
    counts = [(errors, "error"), (warnings, "warning")]
    return ", ".join(count_of(number, noun) for number, noun in counts if number)
