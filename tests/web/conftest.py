"""An application for this folder's tests: one for a module, or one of a test's own."""

import logging
from collections.abc import AsyncIterator, Iterator
from io import StringIO

import pytest
import structlog

from service.web import configure_logs
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


@pytest.fixture
async def unattended(database_url: str) -> AsyncIterator[Served]:
    """An application on a database of its own that does nothing between requests."""
    async with serving(database_url, is_attended=False) as served:
        yield served


@pytest.fixture
def written() -> Iterator[StringIO]:
    """Everything that is logged during the test, as JSON lines."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = StringIO()
    configure_logs(style="json", stream=stream)
    yield stream
    configure_logs(style="console")
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
