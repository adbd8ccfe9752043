"""`goodfit endpoints`: its options here, its work elsewhere."""

from typing import Annotated

import typer

from service.cli.folder_commands import ServerUrl
from service.cli.screen import AsJson

endpoints = typer.Typer(
    name="endpoints",
    help="Who hears of events: add, test and look after endpoints.",
    no_args_is_help=True,
)

EndpointId = Annotated[
    str, typer.Argument(metavar="ENDPOINT", help="Its id, whe_..., from `goodfit endpoints list`.")
]
Url = Annotated[str, typer.Argument(metavar="URL", help="Where to send: https://...")]
Events = Annotated[
    list[str] | None,
    typer.Option("--event", metavar="TYPE", help="Which events; repeatable. All by itself."),
]
Outcomes = Annotated[
    list[str] | None,
    typer.Option(
        "--outcome",
        metavar="OUTCOME",
        help="Only decisions and accounts with this outcome; repeatable. All by itself.",
    ),
]
Description = Annotated[str, typer.Option("--description", help="Whose it is.")]
OldLasts = Annotated[
    int,
    typer.Option(
        "--old-lasts-h", min=0, max=168, metavar="HOURS", help="How long the old one signs too."
    ),
]
State = Annotated[
    str | None,
    typer.Option("--state", metavar="STATE", help="waiting, sending, delivered, failed, cancelled"),
]
What = Annotated[
    str, typer.Argument(metavar="ID", help="A delivery, dlv_..., or an endpoint, whe_....")
]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="INSTANT", help="Of an endpoint: what happened from then on."),
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="INSTANT", help="And before then; now by itself.")
]


@endpoints.command(name="list")
def show_all(*, server: ServerUrl = None, as_json: AsJson = False) -> None:
    """List the endpoints, and whether each hears us. Exit 1 where one was switched off by us."""
    from service.cli import receiving

    receiving.show_all(server=server, as_json=as_json)


@endpoints.command()
def add(
    url: Url,
    *,
    events: Events = None,
    outcomes: Outcomes = None,
    description: Description = "",
    server: ServerUrl = None,
    as_json: AsJson = False,
) -> None:
    """Make an endpoint and show its secret, once."""
    from service.cli import receiving

    sent = {
        "url": url,
        "events": events or [],
        "outcomes": outcomes or [],
        "description": description,
    }
    receiving.add(sent, server=server, as_json=as_json)


@endpoints.command(name="test")
def try_out(endpoint: EndpointId, *, server: ServerUrl = None, as_json: AsJson = False) -> None:
    """Send an event of no meaning and say how it went. Exit 1 where it did not arrive."""
    from service.cli import receiving

    receiving.test(endpoint, server=server, as_json=as_json)


@endpoints.command()
def rotate(
    endpoint: EndpointId,
    *,
    old_lasts_h: OldLasts = 24,
    server: ServerUrl = None,
    as_json: AsJson = False,
) -> None:
    """Give an endpoint a fresh secret and show it, once; the old one signs too for a while."""
    from service.cli import receiving

    receiving.rotate(endpoint, old_lasts_h=old_lasts_h, server=server, as_json=as_json)


@endpoints.command()
def deliveries(
    endpoint: EndpointId,
    *,
    state: State = None,
    server: ServerUrl = None,
    as_json: AsJson = False,
) -> None:
    """List the newest 50 deliveries of an endpoint, with what it answered."""
    from service.cli import receiving

    receiving.show_deliveries(endpoint, state=state, server=server, as_json=as_json)


@endpoints.command()
def redeliver(
    what: What,
    *,
    since: Since = None,
    until: Until = None,
    server: ServerUrl = None,
    as_json: AsJson = False,
) -> None:
    """Send a delivery again, or all that an endpoint missed since an instant."""
    from service.cli import receiving

    receiving.redeliver(what, since=since, until=until, server=server, as_json=as_json)
