"""The application behind a real socket, in this process's own loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import uvicorn
from starlette.types import ASGIApp

__all__ = ["listening"]


@asynccontextmanager
async def listening(
    app: ASGIApp, *, http: type[asyncio.Protocol] | Literal["auto"] = "auto"
) -> AsyncIterator[tuple[str, int]]:
    """Serve *app* on a free port for the block, by *http*; yields host and port."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        http=http,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody else
            await asyncio.sleep(0.01)
        host, port = server.servers[0].sockets[0].getsockname()
        yield host, port
    finally:
        server.should_exit = True
        server.force_exit = True
        await task
