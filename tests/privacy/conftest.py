"""An application with a shadow, whose work is done when a test says so; and what it logs."""

from collections.abc import AsyncIterator

import pytest

from tests.decisions.shadows import Shadowed, shadowed
from tests.intake.conftest import connected, hands
from tests.web.conftest import written

__all__ = ["connected", "hands", "stage", "written"]


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[Shadowed]:
    """Return an application of its own that works on nothing by itself."""
    async with shadowed(database_url) as shadowed_app:
        yield shadowed_app
