"""The whole application on a real database, asked in process: for every room's tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import httpx

from service.app import Application, create_app
from service.settings import Settings
from service.storage import open_engine, transaction
from service.web import Clock, KeyAsked, give_key

__all__ = ["Served", "serving"]

# A test that is over sooner has begun none of the work beside the requests.
_PAUSE_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class Served:
    """A running application, a client, and a secret key for everything."""

    app: Application
    client: httpx.AsyncClient
    admin_key: str

    async def ask(
        self,
        method: str,
        path: str,
        *,
        key: str | None = "",
        headers: dict[str, str] | None = None,
        json: object = None,
        content: bytes | str | AsyncIterator[bytes] | None = None,
    ) -> httpx.Response:
        """Send one request with *key*: the admin's by default, none where it is None."""
        sent = dict(headers or {})
        if key is not None:
            sent["Authorization"] = f"Bearer {key or self.admin_key}"
        return await self.client.request(method, path, headers=sent, json=json, content=content)

    async def new_key(self, *scopes: str, person: str = "ann@example.com", **rest: object) -> str:
        """Make a key: secret with *scopes*, or whatever *rest* says."""
        return await _made_key(self.app, scopes=list(scopes), person=person, **rest)


@asynccontextmanager
async def serving(
    database_url: str,
    *,
    settings: Settings | None = None,
    clock: Clock | None = None,
    is_attended: bool = True,
) -> AsyncIterator[Served]:
    """Run the application over *database_url* for the block.

    One that is not attended answers requests and does nothing between them. Whoever wants
    accounts assessed by themselves brings *settings*: others count decisions.
    """
    engine = open_engine(database_url)
    app = create_app(settings or Settings(assess_every_s=0), engine, clock=clock, pause_s=_PAUSE_S)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    try:
        async with (
            app.running() if is_attended else nullcontext(),
            httpx.AsyncClient(transport=transport, base_url="http://goodfit.test") as client,
        ):
            key = await _made_key(app, scopes=["admin"], person="root@example.com")
            yield Served(app, client, key)
    finally:
        await app.api.state.desk.writer.close()
        await engine.dispose()


async def _made_key(app: Application, *, scopes: list[str], person: str, **rest: object) -> str:
    asked = KeyAsked.model_validate(
        {"name": "a test's key", "person": person, "scopes": scopes, **rest}
    )
    now = datetime.now(UTC)
    async with transaction(app.house.engine) as connection:
        made = await give_key(
            connection, asked, key_id=app.house.new_uuid(now), by="a test", at=now
        )
    return made.key
