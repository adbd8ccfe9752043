"""`goodfit publish`, `rollback`, `reviews`, `approve`, `reject`, `freeze`: their options here."""

from typing import Annotated

import typer

from service.cli.folder_commands import ServerUrl
from service.cli.screen import AsJson, refuse

RuleSet = Annotated[str, typer.Argument(metavar="RULE_SET", help="A rule set's id.")]
Review = Annotated[str, typer.Argument(metavar="REVIEW", help="As `goodfit reviews` lists it.")]
Reason = Annotated[str, typer.Option("--reason", "--note", help="Why; it stays in the history.")]
Because = Annotated[str, typer.Option("--reason", help="Why; whoever is refused reads it.")]
Draft = Annotated[
    str | None,
    typer.Option("--draft", metavar="NAME", help="Which draft, where there are several."),
]
Version = Annotated[
    int | None, typer.Option("--version", min=1, help="A version instead of a draft.")
]
From = Annotated[
    str | None, typer.Option("--from", metavar="INSTANT", help="From when on; now if left out.")
]
Backtest = Annotated[
    bool, typer.Option("--backtest", help="Try it on the past first, where the server asks for it.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")]
To = Annotated[
    int | None, typer.Option("--to", min=1, help="The version; the one before if left out.")
]
Comment = Annotated[str | None, typer.Option("--comment", help="What to say with it.")]
Why = Annotated[str, typer.Option("--comment", help="Why not.")]


def publish(
    rule_set: RuleSet,
    *,
    reason: Reason = "",
    draft: Draft = None,
    version: Version = None,
    since: From = None,
    backtest: Backtest = False,
    dry_run: DryRun = False,
    server: ServerUrl = None,
    as_json: AsJson = False,
) -> None:
    """Commit a draft and put it live, or ask for the review it needs."""
    from service.cli import backtesting, publishing

    if draft is not None and version is not None:
        refuse("--draft and --version exclude each other: one thing goes live")
    if not dry_run:
        reason = _said(reason)
    wish = publishing.Wish(
        draft=draft,
        version=version,
        reason=reason,
        since=backtesting.instant_of(since),
        backtests=backtest,
    )
    publishing.publish(rule_set, wish, server=server, is_dry=dry_run, as_json=as_json)


def rollback(
    rule_set: RuleSet,
    *,
    reason: Reason = "",
    to: To = None,
    server: ServerUrl = None,
    as_json: AsJson = False,
) -> None:
    """Put the version live again that was before, in one call."""
    from service.cli import publishing

    publishing.rollback(rule_set, to=to, reason=_said(reason), server=server, as_json=as_json)


def reviews(rule_set: RuleSet, *, server: ServerUrl = None, as_json: AsJson = False) -> None:
    """List who asked for a review, and what became of it."""
    from service.cli import reviewing

    reviewing.list_reviews(rule_set, server=server, as_json=as_json)


def approve(
    review: Review, *, comment: Comment = None, server: ServerUrl = None, as_json: AsJson = False
) -> None:
    """Show what somebody else wrote, and approve exactly that."""
    from service.cli import reviewing

    reviewing.approve(review, comment=comment, server=server, as_json=as_json)


def reject(
    review: Review, *, comment: Why, server: ServerUrl = None, as_json: AsJson = False
) -> None:
    """Say no to what somebody else wrote, and why."""
    from service.cli import reviewing

    reviewing.reject(
        review, comment=_said(comment, option="--comment"), server=server, as_json=as_json
    )


def freeze(
    rule_set: RuleSet, *, reason: Because = "", server: ServerUrl = None, as_json: AsJson = False
) -> None:
    """Let nobody release anything of a rule set."""
    from service.cli import reviewing

    reviewing.freeze(rule_set, reason=_said(reason), server=server, as_json=as_json)


def unfreeze(
    rule_set: RuleSet, *, reason: Because = "", server: ServerUrl = None, as_json: AsJson = False
) -> None:
    """Let releases of a rule set through again."""
    from service.cli import reviewing

    reviewing.unfreeze(rule_set, reason=_said(reason), server=server, as_json=as_json)


def _said(words: str, *, option: str = "--reason") -> str:
    """Return a reason that says something; else the command ends with 2."""
    if not words.strip():
        refuse(f"say why with {option} '...'; it stays in the history")
    return words.strip()
