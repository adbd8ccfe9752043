"""The last turn before the rooms: a few routes answered by plain ASGI, the rest by FastAPI."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["Front"]


class Front:
    """Sends requests for a method and path in *direct* there, everything else to *app*.

    A direct function has the gate before it like any route; FastAPI documents it by a
    route of the same models, and a test holds the two together.
    """

    def __init__(self, app: ASGIApp, *, direct: Mapping[tuple[str, str], ASGIApp]) -> None:
        self._app = app
        self._direct = dict(direct)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] == "http":
            direct = self._direct.get((scope["method"], scope["path"]))
            if direct is not None:
                await direct(scope, receive, send)
                return
        await self._app(scope, receive, send)
