"""An application with a past to try drafts on."""

from collections.abc import AsyncIterator

import pytest

from tests.backtests.office import Office
from tests.web.serving import serving


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    """Return an application of its own, with the worked example live and nothing decided."""
    async with serving(database_url) as served:
        office = await Office.opened(served)
        yield office
