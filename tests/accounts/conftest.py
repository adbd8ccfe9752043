"""A running application on a fresh database, a clock to turn, and a key to ask with."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from httpx import ASGITransport, AsyncClient
from sqlalchemy.ext.asyncio import AsyncEngine

from service.app import create_app
from service.settings import Settings
from service.storage import make_uuid, transaction
from service.web import KeyAsked, give_key

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@dataclass(slots=True)
class Clock:
    """A clock that goes only when told to."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        """Return the instant it shows."""
        return self.now

    def turn(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by


@pytest.fixture
def clock() -> Clock:
    """Return a clock that shows noon of the day the tests were written."""
    return Clock()


@pytest.fixture
async def secret_key(engine: AsyncEngine) -> str:
    """Return a secret key with the scope `accounts`."""
    async with transaction(engine) as connection:
        made = await give_key(
            connection,
            KeyAsked(name="crm", person="ann", scopes=["accounts"]),
            key_id=make_uuid(NOON, b"accounts"),
            by="ann",
            at=NOON,
        )
    return made.key


@pytest.fixture
async def admin(client: AsyncClient, engine: AsyncEngine) -> AsyncIterator[AsyncClient]:
    """Return a client of the same application that carries an admin's key."""
    async with transaction(engine) as connection:
        made = await give_key(
            connection,
            KeyAsked(name="ops", person="olga", scopes=["admin"]),
            key_id=make_uuid(NOON, b"admin..."),
            by="ann",
            at=NOON,
        )
    headers = {"Authorization": f"Bearer {made.key}"}
    transport = client._transport  # noqa: SLF001 - the same application, another key
    async with AsyncClient(transport=transport, base_url=client.base_url, headers=headers) as other:
        yield other


@pytest.fixture
async def client(
    engine: AsyncEngine, clock: Callable[[], datetime], secret_key: str
) -> AsyncIterator[AsyncClient]:
    """Return a client of the whole application that carries the key."""
    application = create_app(Settings(), engine, clock=clock)
    async with (
        application.running(),
        AsyncClient(
            transport=ASGITransport(app=application, raise_app_exceptions=False),
            base_url="http://goodfit.example",
            headers={"Authorization": f"Bearer {secret_key}"},
        ) as client,
    ):
        yield client
