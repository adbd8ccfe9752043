"""`goodfit compare`: what changed from one rule file to another, part by part."""

from typing import Annotated

import typer

from service.cli.change_words import change_json, change_lines
from service.cli.files import load_rules
from service.cli.screen import AsJson, count_of, print_json, say
from service.rules.compare import Comparison
from service.rules.compare import compare as compare_rules

Before = Annotated[str, typer.Argument(metavar="BEFORE", help="A rule file; - is stdin.")]
After = Annotated[str, typer.Argument(metavar="AFTER", help="A rule file.")]


def compare(before: Before, after: After, *, as_json: AsJson = False) -> None:
    """Show what changed between two rule files, by id, and whether only words did."""
    old = load_rules(before, as_json=as_json)
    new = load_rules(after, as_json=as_json)
    comparison = compare_rules(old, new)
    if as_json:
        heads = {"before": {"file": before, "rule_set": old.id, "digest": old.digest},
                 "after": {"file": after, "rule_set": new.id, "digest": new.digest}}  # fmt: skip
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
