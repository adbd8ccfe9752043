"""`goodfit erase`: its options here, its work elsewhere."""

from typing import Annotated

import typer

from service.cli.screen import AsJson, refuse

Email = Annotated[str, typer.Option("--email", metavar="ADDRESS", help="An e-mail address.")]
ExternalId = Annotated[
    str, typer.Option("--external-id", metavar="ID", help="A lead's id, as callers send it.")
]
Account = Annotated[str, typer.Option("--account", metavar="KEY", help="An account's key.")]
Identity = Annotated[
    str,
    typer.Option("--identity", metavar="SYSTEM:ID", help="An account's id in another system."),
]
Old = Annotated[
    bool,
    typer.Option("--old", help="Instead: clear all that was kept long enough, of everybody."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Count what would go; clear nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask first.")]
Person = Annotated[
    str, typer.Option("--person", metavar="WHO", help="Who asks, for the audit; you by default.")
]


def erase(
    *,
    email: Email = "",
    external_id: ExternalId = "",
    account: Account = "",
    identity: Identity = "",
    old: Old = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    person: Person = "",
    as_json: AsJson = False,
) -> None:
    """Clear what is kept of one person or company; it cannot be undone."""
    from service.cli import erasing

    names = (email, external_id, account, identity)
    if old == any(names):
        refuse("say who is meant, by all names you know, or --old")
    asked = erasing.Asked(
        named=None if old else erasing.named(*names), is_dry=dry_run, person=person
    )
    erasing.erase(asked, is_sure=yes, as_json=as_json)
