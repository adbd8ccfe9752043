"""A running application that starts no worker by itself."""

from collections.abc import AsyncIterator

import pytest

from tests.web.serving import Served, serving


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """Return the application over a fresh database."""
    async with serving(database_url, is_attended=False) as served:
        yield served
