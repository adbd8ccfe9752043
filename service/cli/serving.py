"""`goodfit serve`: the API on a database that is brought up to date first."""

import contextlib
import time

from service.cli.handing_over import IS_POSSIBLE, NobodyServes, Successor, take_over
from service.cli.listening import bind, serve_requests
from service.cli.screen import NO, print_json, refuse, say
from service.cli.staffing import Staff
from service.cli.starting import settings_of_process, stopped_by_signals
from service.settings import Settings


def serve(
    *,
    workers: int | None,
    host: str | None,
    port: int | None,
    takes_over: bool,
    as_json: bool,
) -> None:
    """Serve until a signal; None is what the settings say. Ends the command where it cannot.

    Who *takes_over* gets the socket of the service that is on the port now, which leaves
    once this one serves.
    """
    settings = settings_of_process()
    host, port = host or settings.host, port or settings.port
    workers = workers or settings.workers
    with contextlib.suppress(KeyboardInterrupt), stopped_by_signals():
        successor = _successor_on(host, port, settings) if takes_over else None
        bound = bind(host, port) if successor is None else successor.listener
        team = Staff(bound, count=workers, shutdown_s=settings.shutdown_s)
        team.load()
        with contextlib.ExitStack() as stack:
            url, schema = _database(settings, stack, as_json=as_json)

            async def tell() -> None:
                address = address_of(host, port)
                if successor is not None:
                    successor.begin()
                if as_json:
                    print_json({"url": address, "workers": workers, "schema": schema})
                else:
                    say(f"  Goodfit is at {address}      API docs  /docs")

            given = {"DATABASE_URL": url, "GOODFIT_WORKERS": str(workers)}
            if not serve_requests(bound, team, environment=given, when_ready=tell):
                refuse("the server did not start; the log above says why", code=NO)


def address_of(host: str, port: int) -> str:
    """Return the URL under which a server that listens on *host* is reached from here."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - shown, not bound
    return f"http://[{name}]:{port}" if ":" in name and "[" not in name else f"http://{name}:{port}"


def _successor_on(host: str, port: int, settings: Settings) -> Successor:
    if not IS_POSSIBLE:
        refuse("--take-over works on Linux only; stop the other service first")
    if settings.database_url is None:
        words = "--take-over needs DATABASE_URL: a database of Goodfit's own serves one at a time"
        refuse(f"{words}; set it, or send SIGHUP to the service instead")
    try:
        return take_over(host, port)
    except NobodyServes as error:
        refuse(str(error), code=NO)


def _database(settings: Settings, stack: contextlib.ExitStack, *, as_json: bool) -> tuple[str, str]:
    """Return the URL of the database, brought up to date, and its schema's revision.

    One of our own is stopped when *stack* is left.
    """
    from service.cli.database import bring_up_to_date, own_folder, own_server

    url = settings.database_url
    if url is None:
        began = time.monotonic()
        server = stack.enter_context(own_server(settings.data_folder))
        elapsed = time.monotonic() - began
        url = server.url()
        if not as_json:
            say(f"  Postgres (embedded) at {settings.data_folder}  ready in {elapsed:.1f} s")
    migration = bring_up_to_date(settings, url, home=own_folder(settings))
    if migration.changed and not as_json:
        say(f"  the schema is now at {migration.after}")
    return url, migration.after
