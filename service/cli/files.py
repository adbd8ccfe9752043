"""Files named on the command line, read whole; `-` is standard input."""

import sys
from pathlib import Path

import typer

from service.cli.screen import NO, console, print_json, refuse
from service.rules import InvalidRuleSet, Problem, RuleSet, load_rule_set

_LONGEST_BYTES = 4 * 1024 * 1024


def read_file(name: str, *, what: str) -> bytes:
    """Return the content of the file *name*, or of standard input for `-`.

    *what* names its part in a refusal: `rule file`, `facts`. At most 4 MB are read, which
    is far past what any of them may hold.
    """
    if name == "-":
        return sys.stdin.buffer.read(_LONGEST_BYTES)
    path = Path(name)
    try:
        with path.open("rb") as opened:
            return opened.read(_LONGEST_BYTES)
    except FileNotFoundError:
        refuse(f"there is no file `{name}`; give the path of a {what}")
    except IsADirectoryError:
        refuse(f"`{name}` is a folder; give the path of a {what}")
    except OSError as error:
        refuse(f"`{name}` cannot be read: {(error.strerror or 'it is no file').lower()}")


def load_rules(name: str, *, as_json: bool = False) -> RuleSet:
    """Return the rule set in the file *name*; where it has errors, print them and end with 1."""
    try:
        return load_rule_set(read_file(name, what="rule file"))
    except InvalidRuleSet as invalid:
        errors = tuple(p for p in invalid.problems if p.severity == "error")
        if as_json:
            print_json({"file": name, "problems": [problem.to_json() for problem in errors]})
            raise typer.Exit(NO) from None
        for problem in errors:
            console(on_error=True).print(f"{place_of(name, problem)}  {problem.message}")
        refuse(f"`{name}` cannot be used as it is; see `goodfit check {name}`", code=NO)


def place_of(name: str, problem: Problem) -> str:
    """Return `file:line:column`, as editors and terminals link it; less where less is known."""
    shown = "<stdin>" if name == "-" else name
    if problem.line is None:
        return shown
    return f"{shown}:{problem.line}:{problem.column}"
