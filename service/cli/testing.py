"""`goodfit test`: a rule set's own tests, with what differs in words."""

from typing import Annotated

import typer
from rich.text import Text

from service.cli.boundary_tests import show_boundaries
from service.cli.files import load_rules
from service.cli.screen import NO, AsJson, count_of, print_json, say
from service.rules import TestResult

RuleFile = Annotated[str, typer.Argument(metavar="FILE", help="A rule file; - is stdin.")]
Boundaries = Annotated[
    bool,
    typer.Option(
        "--boundaries",
        help="Show tests just inside and just outside each threshold of each rule instead.",
    ),
]
Freeze = Annotated[bool, typer.Option("--freeze", help="Write those tests into the file.")]


def run_tests(
    file: RuleFile,
    *,
    boundaries: Boundaries = False,
    freeze: Freeze = False,
    as_json: AsJson = False,
) -> None:
    """Run a rule set's own tests. Exit 1 where one fails."""
    rules = load_rules(file, as_json=as_json)
    if boundaries or freeze:
        show_boundaries(file, rules, keep=freeze, as_json=as_json)
        return
    results = rules.run_tests()
    passed = sum(result.passed for result in results)
    if as_json:
        tests = [{"name": r.name, "passed": r.passed, "differences": [*r.differences]}
                 for r in results]  # fmt: skip
        print_json({"file": file, "run": len(results), "passed": passed, "tests": tests})
    elif not results:
        say(f"{file} has no tests; write some under `tests:`, so that an edit cannot surprise you")
    else:
        for result in results:
            _print(result)
        failed = len(results) - passed
        closing = f"{count_of(failed, 'test')} failed" if failed else "all passed"
        say(f"{passed} of {count_of(len(results), 'test')} passed" if failed else
            f"{count_of(len(results), 'test')}, {closing}")  # fmt: skip
    if passed < len(results):
        raise typer.Exit(NO)


def _print(result: TestResult) -> None:
    line = Text("  ok    " if result.passed else "  FAIL  ")
    line.stylize("green" if result.passed else "bold red")
    say(line.append(result.name, style="not bold default"))
    for difference in result.differences:
        say(f"        {difference}")
