"""`goodfit portfolio`: its options here, its work elsewhere."""

from datetime import datetime
from typing import Annotated

import typer

from service.cli.screen import AsJson, refuse

portfolio = typer.Typer(name="portfolio", help="State the portfolio of accounts, and read it.")

RuleSetId = Annotated[str, typer.Argument(metavar="RULE_SET", help="The id of a live rule set.")]
Person = Annotated[
    str, typer.Option("--person", metavar="WHO", help="Who asks, for the audit; you by default.")
]
At = Annotated[
    str,
    typer.Option("--at", metavar="INSTANT", help="The newest statement then or before."),
]
Slices = Annotated[
    list[str] | None,
    typer.Option("--slice", metavar="NAME:TEXT", help="Only accounts that share this; repeatable."),
]

DryRun = Annotated[bool, typer.Option("--dry-run", help="List what would go; remove nothing.")]


@portfolio.callback()
def _group() -> None:
    """State the portfolio of accounts, and read it."""


@portfolio.command()
def take(rule_set: RuleSetId, *, person: Person = "", as_json: AsJson = False) -> None:
    """Decide all accounts anew and sum their ledger; goes on where it was stopped."""
    from service.cli import stating

    stating.take_one(rule_set, person=person, as_json=as_json)


@portfolio.command()
def show(
    rule_set: RuleSetId, *, at: At = "", slices: Slices = None, as_json: AsJson = False
) -> None:
    """Show the groups of a statement: how many accounts, what they bring and cost."""
    from service.cli import stating

    stating.show_one(rule_set, at=_instant(at), slices=slices or [], as_json=as_json)


@portfolio.command()
def thin(*, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Remove old statements: one a week, later one a month, is kept, and always the newest."""
    from service.cli import thinning

    thinning.thin_all(dry_run=dry_run, as_json=as_json)


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        refuse("--at takes an instant such as 2026-09-30T23:59:59Z")
    if at.tzinfo is None:
        refuse("--at names its offset from UTC, such as Z")
    return at
