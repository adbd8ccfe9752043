"""`goodfit backtest`: its options here, its work elsewhere."""

from typing import Annotated

import typer

from service.cli.folder_commands import DraftName, ServerUrl
from service.cli.screen import AsJson

Subject = Annotated[
    str,
    typer.Argument(metavar="RULES", help="A rule file, which is written into the draft; or an id."),
]
Since = Annotated[
    str | None,
    typer.Option("--since", help="How far back: 90d, 12h, or an instant; all where left out."),
]
AtMost = Annotated[
    float | None,
    typer.Option("--at-most", min=0, max=100, metavar="PERCENT", help="Exit 1 where more flip."),
]


def backtest(
    rules: Subject,
    *,
    since: Since = None,
    at_most: AtMost = None,
    server: ServerUrl = None,
    draft: DraftName = "files",
    as_json: AsJson = False,
) -> None:
    """Try rules on stored decisions: who would flip, and by which edit."""
    from service.cli import backtesting

    begun = backtesting.window_start(since)
    backtesting.backtest(
        rules, since=begun, at_most=at_most, server=server, draft=draft, as_json=as_json
    )
