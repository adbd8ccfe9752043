"""`goodfit keys`: make the first key, list keys, take one back."""

from typing import Annotated

import typer

from service.cli.screen import AsJson, refuse

keys = typer.Typer(
    name="keys", help="Make the first key, list keys, take one back.", no_args_is_help=True
)

Person = Annotated[str, typer.Option("--person", help="Who answers for it: a person or a system.")]
Name = Annotated[str | None, typer.Option("--name", help="What it is for.")]
ScopeList = Annotated[
    list[str] | None,
    typer.Option(
        "--scope",
        help="decide, rules:read, rules:write, rules:publish, accounts or admin; may be repeated.",
    ),
]
Publishable = Annotated[
    str | None,
    typer.Option(
        "--publishable", metavar="RULE_SET", help="For web pages, bound to this rule set."
    ),
]
Origins = Annotated[
    list[str] | None,
    typer.Option("--origin", help="A page's origin, https://www.example.com; may be repeated."),
]
KeyId = Annotated[
    str, typer.Argument(metavar="KEY", help="The key's id, from `goodfit keys list`.")
]


@keys.command()
def create(
    *,
    person: Person,
    name: Name = None,
    scope: ScopeList = None,
    publishable: Publishable = None,
    origin: Origins = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and show it, once."""
    from service.cli import keeping_keys

    if publishable is None and not scope:
        refuse("say what the key may do with --scope, such as `--scope decide`; `admin` is all")
    kind = "secret" if publishable is None else "publishable"
    asked = {
        "kind": kind,
        "name": name or f"{kind} key",
        "person": person,
        "scopes": scope or [],
        "rule_set": publishable,
        "origins": origin or [],
    }
    keeping_keys.create(asked, as_json=as_json)


@keys.command(name="list")
def show(*, as_json: AsJson = False) -> None:
    """List the keys, without what opens anything."""
    from service.cli import keeping_keys

    keeping_keys.show(as_json=as_json)


@keys.command()
def revoke(key: KeyId, *, person: Person, as_json: AsJson = False) -> None:
    """Take a key back; whoever uses it is refused within seconds."""
    from service.cli import keeping_keys

    keeping_keys.revoke(key, person=person, as_json=as_json)
