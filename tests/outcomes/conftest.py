"""A running application on a fresh database, with rules for leads live."""

from collections.abc import AsyncIterator

import pytest

from tests.decisions.rules import FLEET_LEADS, release
from tests.web.serving import Served, serving


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """Return an application that decides leads."""
    async with serving(database_url, is_attended=False) as served:
        await release(served.app.house, FLEET_LEADS)
        yield served
