"""An application for this folder's tests: one for a module, or one of a test's own."""

from collections.abc import AsyncIterator

import pytest

from tests.web.serving import Served, serving


@pytest.fixture(scope="module")
async def shared(module_database_url: str) -> AsyncIterator[Served]:
    """An application that a module's tests share; they leave nothing that others mind."""
    async with serving(module_database_url) as served:
        yield served


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """An application on a database of its own."""
    async with serving(database_url) as served:
        yield served
