"""The commands that run and look after a service: their options here, their work elsewhere.

Each loads its own module when it is called, so that `goodfit check` need not wait for a
database driver and a web framework.
"""

from typing import Annotated

import typer

from service.cli.screen import AsJson

Workers = Annotated[
    int | None,
    typer.Option("--workers", min=1, max=256, help="API processes; GOODFIT_WORKERS or 1."),
]
Host = Annotated[
    str | None, typer.Option("--host", help="Where to listen; GOODFIT_HOST or 127.0.0.1.")
]
Port = Annotated[
    int | None,
    typer.Option("--port", min=1, max=65535, help="GOODFIT_PORT or 8321."),
]
TakeOver = Annotated[
    bool,
    typer.Option("--take-over", help="Replace the service on this port; no client notices."),
]
Reset = Annotated[bool, typer.Option("--reset", help="Throw the demo's data away first.")]


def serve(
    *,
    workers: Workers = None,
    host: Host = None,
    port: Port = None,
    take_over: TakeOver = False,
    as_json: AsJson = False,
) -> None:
    """Serve the API until Ctrl-C, on DATABASE_URL or on a Postgres of its own."""
    from service.cli import serving

    serving.serve(workers=workers, host=host, port=port, takes_over=take_over, as_json=as_json)


def demo(*, reset: Reset = False, port: Port = None, as_json: AsJson = False) -> None:
    """Serve with rule sets, leads, accounts and keys to try. The data stays."""
    from service.cli import demonstrating

    demonstrating.demo(reset=reset, port=port, as_json=as_json)


def worker(*, as_json: AsJson = False) -> None:
    """Work on what waits in the queue of DATABASE_URL until Ctrl-C. `serve` has one already."""
    from service.cli import working

    working.work(as_json=as_json)


def migrate(*, as_json: AsJson = False) -> None:
    """Bring the database's schema up to date and make its partitions."""
    from service.cli import migrating

    migrating.migrate(as_json=as_json)


def doctor(*, as_json: AsJson = False) -> None:
    """Look at settings, database, schema, partitions and clock. Exit 1 where one is not well."""
    from service.cli import examining

    examining.doctor(as_json=as_json)
