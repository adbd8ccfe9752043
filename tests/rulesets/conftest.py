"""An application of a test's own, and a rule set's text to write with."""

from collections.abc import AsyncIterator

import pytest

from tests.rulesets.authors import Author
from tests.rulesets.four_eyes import FourEyes
from tests.web.serving import Served, serving


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """An application on a database of its own."""
    async with serving(database_url) as served:
        yield served


@pytest.fixture
async def ann(served: Served) -> Author:
    """Somebody who writes and publishes the rule set `small_leads`."""
    key = await served.new_key("rules:read", "rules:write", "rules:publish")
    return Author(served, key)


@pytest.fixture
async def team(served: Served) -> FourEyes:
    """Ann, who wrote what is live, and bob, who looks at what she writes next."""
    return await FourEyes.opened(served)
