"""`goodfit compare`: what changed from one rule file to another, part by part or by meaning."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from service.cli.change_words import change_json, change_lines
from service.cli.files import load_rules
from service.cli.screen import NO, AsJson, console, count_of, print_json, refuse, say
from service.rules import RuleSet
from service.rules.compare import Comparison
from service.rules.compare import compare as compare_rules
from service.rules.solver import (
    Limits,
    MeaningComparison,
    SolverIncident,
    compare_apart,
)

Before = Annotated[str, typer.Argument(metavar="BEFORE", help="A rule file; - is stdin.")]
After = Annotated[str, typer.Argument(metavar="AFTER", help="A rule file.")]
ByMeaning = Annotated[
    bool,
    typer.Option("--by-meaning", help="Ask the solver which leads are decided otherwise."),
]
Limit = Annotated[
    float,
    typer.Option(min=1, max=600, metavar="SECONDS", help="How long the solver may take."),
]


def compare(
    before: Before,
    after: After,
    *,
    by_meaning: ByMeaning = False,
    limit: Limit = 20.0,
    as_json: AsJson = False,
) -> None:
    """Show what changed between two rule files, by id, and whether only words did.

    With --by-meaning: for whom they decide otherwise, proved, and an example of each.
    """
    old = load_rules(before, as_json=as_json)
    new = load_rules(after, as_json=as_json)
    heads = {"before": {"file": before, "rule_set": old.id, "digest": old.digest},
             "after": {"file": after, "rule_set": new.id, "digest": new.digest}}  # fmt: skip
    if by_meaning:
        found = _ask(old, new, limit)
        if as_json:
            print_json({**heads, **found.to_json()})
        else:
            _say_meaning(found)
        return
    comparison = compare_rules(old, new)
    if as_json:
        print_json({**heads, **change_json(comparison)})
        return
    for line in change_lines(comparison.changes):
        say(line)
    say(closing_of(comparison))


def closing_of(comparison: Comparison) -> str:
    """Return what the whole comparison comes to, in a line."""
    if comparison.is_same:
        return "the same rules"
    number = count_of(len(comparison.changes), "change")
    if not comparison.changes:
        return "the same parts; only the rule set's id differs"
    return f"{number}; only words, no decision can differ" if comparison.is_same_logic else number


def _ask(old: RuleSet, new: RuleSet, limit: float) -> MeaningComparison:
    """Return what the solver says, or end with the fault it has."""
    words = f"asking the solver, {limit:g} seconds at most"
    try:
        with console(on_error=True).status(words):
            return compare_apart(old, new, at=datetime.now(UTC), limits=Limits(seconds=limit))
    except SolverIncident as incident:
        refuse(f"{incident}; please report it with both files", code=NO)


def _say_meaning(found: MeaningComparison) -> None:
    for difference in found.differences:
        say(f"  {_SIGNS[difference.way]} {difference.words}")
    say(found.words)
    if found.holds_for.first is not None:
        say(f"  the rules ask for ages: this holds for {found.holds_for.words}")


_SIGNS = {"stricter": "-", "looser": "+", "same_verdict": "~"}
