"""Commands that ask a server, run against an application on a socket of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio.to_thread
import pytest
from typer.testing import Result

from tests.cli.conftest import Goodfit
from tests.journeys.listening import listening
from tests.web.serving import Served

__all__ = ["Run", "asking"]

Run = Callable[..., Awaitable[Result]]


@asynccontextmanager
async def asking(
    served: Served, goodfit: Goodfit, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Run]:
    """Give a function that runs `goodfit` against *served*, as somebody at ci@example.com."""
    key = await served.new_key("admin", person="ci@example.com")
    async with listening(served.app) as (host, port):
        monkeypatch.setenv("GOODFIT_KEY", key)
        monkeypatch.setenv("GOODFIT_SERVER", f"http://{host}:{port}")

        async def in_thread(*arguments: object) -> Result:
            return await anyio.to_thread.run_sync(lambda: goodfit(*arguments))

        yield in_thread
