"""`goodfit rescore`: its options here, its work elsewhere."""

from typing import Annotated

import typer

from service.cli.screen import AsJson

RuleSetId = Annotated[str, typer.Argument(metavar="RULE_SET", help="The id of a live rule set.")]
Person = Annotated[
    str, typer.Option("--person", metavar="WHO", help="Who asks, for the audit; you by default.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would change, and write nothing.")
]


def rescore(
    rule_set: RuleSetId,
    *,
    person: Person = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Decide all stored accounts anew by the live version; goes on where it was stopped."""
    from service.cli import rescoring

    rescoring.rescore(rule_set, person=person, is_dry=dry_run, as_json=as_json)
