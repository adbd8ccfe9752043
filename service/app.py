"""The front door over HTTP: the rooms behind one gate, as one ASGI application."""

import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import orjson
from fastapi import APIRouter, FastAPI, Request, Response
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from service.accounts import routers as account_routers
from service.backtests import routers as backtest_routers
from service.backtests import working as backtesting
from service.decisions import (
    Desk,
    QualifyDoor,
    QualifyFront,
    assessing,
    noticing,
    open_desk,
    shadowing,
)
from service.decisions import routers as decision_routers
from service.delivery import forgetting_events, measuring, webhooks
from service.delivery import routers as delivery_routers
from service.forms import FormFront, forgetting_visitors
from service.forms import routers as form_routers
from service.imports import routers as import_routers
from service.imports import working as importing
from service.intake import describe_salesforce, forgetting_events_seen
from service.intake import routers as intake_routers
from service.outcomes import routers as outcome_routers
from service.portfolio import examining, stating_by_itself, thinning
from service.portfolio import routers as portfolio_routers
from service.portfolio import working as stating
from service.privacy import routers as privacy_routers
from service.privacy import working as erasing
from service.rescorings import asking_by_itself
from service.rescorings import routers as rescoring_routers
from service.rescorings import working as rescoring
from service.rulesets import answering_inquiries
from service.rulesets import routers as rule_set_routers
from service.settings import Settings, read_settings
from service.storage import open_engine, session_limits
from service.web import (
    EXPECTED,
    Clock,
    Crowd,
    Envelope,
    Gate,
    House,
    Limiter,
    Rates,
    begun_after,
    chores_of,
    configure_logs,
    descriptions,
    kept_up,
    open_house,
    per_minute,
    respond_to,
    routers,
    urgent_chores_of,
    visit_of,
)

__all__ = ["Application", "build_api", "create_app", "open_app", "write_openapi"]

_OPENAPI: Final = Path(__file__).resolve().parents[1] / "openapi"
# A request makes some hundreds of objects, nearly all of which are gone with it. To look
# through the young ones at every 700th, as Python would, takes a thirtieth of its time.
_YOUNG_OBJECTS: Final = 50_000
# What waits in tables has waited for the whole start; whoever asks first has, too.
_PAUSE_S: Final = 1.0
_WORDS: Final = """
Who are we for, and who are we not for: ask with the facts you have, and get a verdict,
its reasons, or the question that would settle it.

Every refusal is a problem document (RFC 9457) with a stable `code`. Every POST that
stores takes an `Idempotency-Key`. Lists are read a page at a time, by `cursor`.
"""


@dataclass(frozen=True, slots=True)
class Application:
    """The whole service as one ASGI callable. *api* holds the routes, *house* the floors.

    A server that knows of *door* asks there before it asks through ASGI; None where
    everything has to be counted at the gate.
    """

    asgi: ASGIApp
    api: FastAPI
    house: House
    door: QualifyDoor | None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or run the server's lifespan."""
        await self.asgi(scope, receive, send)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Application"]:
        """Run what a server runs around the requests: for callers without a server."""
        async with self.api.router.lifespan_context(self.api):
            yield self


def create_app(
    settings: Settings,
    engine: AsyncEngine,
    *,
    clock: Clock | None = None,
    pause_s: float = 0.0,
) -> Application:
    """Return the application over *engine*, whose schema is up to date.

    The caller keeps the engine and disposes of it. *clock* is the system's by default. What
    it does beside answering begins *pause_s* after it began to answer.
    """
    clock = clock or partial(datetime.now, UTC)
    house = open_house(settings, engine, clock=clock)
    api = build_api()
    api.state.house, api.state.pause_s = house, pause_s
    desk = open_desk(house, timer=time.monotonic)
    api.state.live, api.state.desk = desk.live, desk
    gate = Gate(
        QualifyFront(api, desk=desk, form=FormFront(desk)),
        keys=house.keys,
        limiter=Limiter(timer=time.monotonic),
        rates=_rates_of(settings, house.crowd),
    )
    asgi = Envelope(gate, clock=clock, timer=time.perf_counter, metrics=house.metrics)
    door = None if settings.secret_requests_per_minute else QualifyDoor(desk)
    return Application(asgi, api, house, door)


@dataclass(frozen=True, slots=True)
class Opened:
    """An application with a pool of its own, which is closed when the server's lifespan ends."""

    app: Application
    engine: AsyncEngine

    @property
    def door(self) -> QualifyDoor | None:
        """The application's."""
        return self.app.door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or run the server's lifespan."""
        if scope["type"] != "lifespan":
            await self.app.asgi(scope, receive, send)
            return
        try:
            await self.app(scope, receive, send)
        finally:
            await self.engine.dispose()


def open_app() -> Opened:
    """Return the application on the environment's database; server processes call it by name.

    `goodfit serve` sets `DATABASE_URL` for them where it runs the database itself.

    Raises:
        InvalidSettings: If a setting cannot be used.
        RuntimeError: If `DATABASE_URL` is not set.
    """
    settings = read_settings()
    if settings.database_url is None:
        raise RuntimeError("no database; set DATABASE_URL, or start with `goodfit serve`")
    configure_logs(level=settings.log_level, style=settings.log_format)
    engine = open_engine(settings.database_url, limits=session_limits(settings))
    return Opened(create_app(settings, engine, pause_s=_PAUSE_S), engine)


def build_api() -> FastAPI:
    """Return the routes of every room, without anything behind them yet."""
    api = FastAPI(
        title="Goodfit",
        version=_version(),
        summary="Who are we for, and who are we not for.",
        description=_WORDS,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
        # To include the routers would build each of their routes once more, for every
        # application and all of them in the middle of its first request.
        webhooks=webhooks,
        routes=[route for router in _routers() for route in router.routes],
    )
    for kind in (*EXPECTED, Exception):
        api.add_exception_handler(kind, _refuse)
    return api


def write_openapi(folder: Path = _OPENAPI) -> None:
    """Write all descriptions into *folder*, indented, for review and for clients."""
    folder.mkdir(exist_ok=True)
    names = ("openapi.json", "openapi-3.0.json")
    for name, content in zip(names, descriptions(build_api()), strict=True):
        text = orjson.dumps(orjson.loads(content), option=orjson.OPT_INDENT_2)
        (folder / name).write_bytes(text + b"\n")
    (folder / "salesforce.json").write_bytes(describe_salesforce())


def _version() -> str:
    """Return the installed version; code run from a bare folder has none."""
    try:
        return version("goodfit")
    except PackageNotFoundError:
        return "0"


def _routers() -> tuple[APIRouter, ...]:
    return (
        *routers,
        *rule_set_routers,
        *import_routers,  # before an account whose key would be `import`
        *account_routers,
        *decision_routers,
        *outcome_routers,
        *form_routers,
        *rescoring_routers,
        *delivery_routers,
        *backtest_routers,
        *portfolio_routers,
        *privacy_routers,
        *intake_routers,
    )


def _rates_of(settings: Settings, crowd: Crowd) -> Rates:
    """Return the rates of this process; a secret key's is shared out among the workers."""
    secret = settings.secret_requests_per_minute
    share = secret and max(1, secret // settings.workers)
    return Rates(secret=per_minute(share), crowd=crowd, proxies=settings.trusted_proxies)


@asynccontextmanager
async def _lifespan(api: FastAPI) -> AsyncIterator[None]:
    house: House = api.state.house
    desk: Desk = api.state.desk
    beside = (
        house.pulse.beating(),
        kept_up(chores_of(house)),
        backtesting(house, desk.live, timer=time.monotonic),
        rescoring(house),
        importing(house),
        answering_inquiries(house),
        asking_by_itself(house, desk.live),
        stating(house),
        stating_by_itself(house, desk.live),
        thinning(house),
        noticing(house, desk.live),
        assessing(desk),
        examining(house, desk.live),
        forgetting_visitors(house),
        erasing(house),
        forgetting_events(house),
        measuring(house),
        forgetting_events_seen(house),
    )
    async with (
        kept_up(urgent_chores_of(house)),
        begun_after(api.state.pause_s, beside),
        shadowing(desk.shadows),
    ):
        # A full collection walks everything that start-up built and stops every
        # request for up to 40 ms; frozen, it is never walked again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_YOUNG_OBJECTS)
        yield
    await desk.writer.close()


async def _refuse(request: Request, error: Exception) -> Response:
    if isinstance(error, ClientDisconnect):
        raise error  # nobody is there to be answered, and nothing is wrong with us
    return respond_to(error, visit_of(request.scope))
