"""`goodfit rescore`: its options here, its work elsewhere."""

from typing import Annotated

import typer

from service.cli.screen import AsJson, refuse

RuleSetId = Annotated[str, typer.Argument(metavar="RULE_SET", help="The id of a live rule set.")]
Person = Annotated[
    str, typer.Option("--person", metavar="WHO", help="Who asks, for the audit; you by default.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would change, and write nothing.")
]
Cancel = Annotated[
    bool, typer.Option("--cancel", help="Stop the one that is under way, wherever that is.")
]


def rescore(
    rule_set: RuleSetId,
    *,
    person: Person = "",
    dry_run: DryRun = False,
    cancel: Cancel = False,
    as_json: AsJson = False,
) -> None:
    """Decide all stored accounts anew by the live version; goes on where it was stopped."""
    from service.cli import rescoring

    if cancel and dry_run:
        refuse("give either --cancel or --dry-run")
    if cancel:
        rescoring.cancel(rule_set, person=person, as_json=as_json)
    else:
        rescoring.rescore(rule_set, person=person, is_dry=dry_run, as_json=as_json)
