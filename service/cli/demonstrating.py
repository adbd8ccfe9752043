"""`goodfit demo`: everything at once, to try; what it keeps, it keeps in a folder of its own."""

import contextlib
import shutil
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from rich.progress import BarColumn, Progress, TextColumn
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from service.cli.database import bring_up_to_date, on_database, own_server
from service.cli.demo_assessing import PORTFOLIO_RULES, NotAssessed
from service.cli.demo_data import (
    DemoState,
    install_templates,
    keep_state,
    make_keys,
    read_state,
)
from service.cli.demo_furnishing import furnish
from service.cli.demo_past import NotTaken
from service.cli.demo_portfolio import ACCOUNTS
from service.cli.demo_samples import LEADS
from service.cli.demo_words import as_members, welcome
from service.cli.listening import bind, serve_requests
from service.cli.screen import NO, console, own_command, print_json, refuse, say
from service.cli.serving import address_of
from service.cli.staffing import Staff
from service.cli.starting import settings_of_process, stopped_by_signals
from service.rules.templates import template_names
from service.storage import SessionLimits, open_engine

_HOST = "127.0.0.1"
# Nobody waits for an answer yet, and a small machine has a worker to load meanwhile.
_UNHURRIED = SessionLimits(transaction=timedelta(seconds=60))


@dataclass(frozen=True, slots=True)
class _Stage:
    """Where a demo plays, and whether it speaks to a person or to a program."""

    address: str
    folder: Path
    as_json: bool


def demo(*, reset: bool, port: int | None, as_json: bool) -> None:
    """Serve the demo until a signal; *port* None is what the settings say."""
    settings = settings_of_process()
    port = port or settings.port
    stage = _Stage(address_of(_HOST, port), settings.data_folder / "demo", as_json)
    with contextlib.suppress(KeyboardInterrupt), stopped_by_signals():
        bound = bind(_HOST, port)
        team = Staff(bound, count=1, shutdown_s=settings.shutdown_s)
        team.load()
        if reset:
            _throw_away(stage.folder)
        began = time.monotonic()
        with own_server(stage.folder) as server:
            url = server.url()
            bring_up_to_date(settings, url, home=stage.folder)
            state, number = on_database(
                url, lambda engine: _prepare(engine, stage.folder, port), limits=_UNHURRIED
            )
            if not as_json:
                elapsed = time.monotonic() - began
                head = f"Postgres {number} (embedded) at {_short(stage.folder)}"
                say(f"  {head}  ready in {elapsed:.1f} s")
            # Whoever chose a level keeps it; nobody wants a line a sample.
            level = settings.log_level if "log_level" in settings.model_fields_set else "warning"
            given = {"DATABASE_URL": url, "GOODFIT_WORKERS": "1", "GOODFIT_LOG_LEVEL": level}
            _serve(bound, team, stage, environment=given, state=state)
    if not as_json:
        say("\n  stopped; the data stays in " + _short(stage.folder))


def _serve(
    bound: socket.socket,
    team: Staff,
    stage: _Stage,
    *,
    environment: Mapping[str, str],
    state: DemoState,
) -> None:
    async def furnish_and_tell() -> None:
        engine = open_engine(environment["DATABASE_URL"], limits=_UNHURRIED)
        try:
            await _furnish_and_tell(stage, state, engine)
        finally:
            await engine.dispose()

    try:
        if not serve_requests(bound, team, environment=environment, when_ready=furnish_and_tell):
            refuse("the server did not start; the log above says why", code=NO)
    except httpx.HTTPStatusError as error:
        said = error.response.text[:500]
        refuse(f"the demo's data does not fit: {said}; try `goodfit demo --reset`", code=NO)
    except (NotTaken, NotAssessed) as error:
        refuse(f"{error}; try `goodfit demo --reset`", code=NO)
    except httpx.HTTPError as error:
        refuse(f"the samples could not be sent: {error!r}; start it again", code=NO)


async def _furnish_and_tell(stage: _Stage, state: DemoState, engine: AsyncEngine) -> None:
    began = time.monotonic()
    with _progress() as progress:
        task = progress.add_task("", total=None)
        now = await furnish(
            stage.address,
            state,
            engine=engine,
            folder=stage.folder,
            now=datetime.now(UTC),
            step=lambda done, total: progress.update(task, completed=done, total=total),
        )
    if stage.as_json:
        print_json(as_members(stage.address, now))
        return
    accounts = f"{ACCOUNTS} accounts over two years"
    sizes = f"{len(template_names())} rule sets, {LEADS} leads, {accounts}"
    verb = "there already" if state.is_assessed else "loaded"
    say(f"  {sizes}  {verb} in {time.monotonic() - began:.1f} s\n")
    for line in welcome(stage.address, now, command=own_command()):
        say(line)


async def _prepare(engine: AsyncEngine, folder: Path, port: int) -> tuple[DemoState, str]:
    """Return the keys, made where there are none yet, and the server's version."""
    await install_templates(engine, set(template_names()) - {PORTFOLIO_RULES})
    state = read_state(folder)
    if state is None:
        origins = tuple(f"http://{name}:{port}" for name in ("127.0.0.1", "localhost"))
        state = await make_keys(engine, origins=origins)
        keep_state(folder, state)
    async with engine.connect() as connection:
        number = (await connection.execute(text("SHOW server_version"))).scalar_one()
    return state, str(number)


def _throw_away(folder: Path) -> None:
    """Remove the demo's folder; a server that a killed demo left in it is stopped first."""
    if not folder.exists():
        return
    if (folder / "postgres" / "PG_VERSION").exists():
        with own_server(folder):
            pass
    shutil.rmtree(folder)


def _progress() -> Progress:
    screen = console(on_error=True)
    columns = (
        TextColumn("  loading"),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:.0f} %"),
    )
    return Progress(*columns, console=screen, disable=not screen.is_terminal, transient=True)


def _short(folder: Path) -> str:
    """Return *folder* with the home folder as `~`."""
    with contextlib.suppress(ValueError):
        return f"~/{folder.relative_to(Path.home())}"
    return str(folder)
