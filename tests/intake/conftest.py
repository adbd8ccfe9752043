"""A running application on a fresh database, with rules for leads and accounts live."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from service.settings import Settings
from tests.decisions.rules import FLEET_ACCOUNTS, FLEET_LEADS, release
from tests.intake.connected import Connected
from tests.web.serving import serving


@dataclass(slots=True)
class Hands:
    """A clock that goes by the system's, and forward at once where a test says so."""

    ahead: timedelta = field(default=timedelta())

    def __call__(self) -> datetime:
        """Return the instant."""
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def hands() -> Hands:
    """Return the clock of the application."""
    return Hands()


@pytest.fixture
async def connected(database_url: str, hands: Hands) -> AsyncIterator[Connected]:
    """Return an application that takes in deliveries and works on its queue when told to."""
    settings = Settings(
        assess_every_s=0, public_url="https://goodfit.example.com", insecure_endpoints=True
    )
    async with serving(database_url, settings=settings, clock=hands, is_attended=False) as served:
        await release(served.app.house, FLEET_LEADS)
        await release(served.app.house, FLEET_ACCOUNTS)
        yield Connected(served)
