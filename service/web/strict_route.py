"""FastAPI routes, built when first asked for, whose JSON bodies we read before pydantic does."""

import warnings
from collections.abc import Callable, Coroutine, Iterable
from threading import RLock
from typing import Any, Final

import anyio.to_thread
from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic.warnings import UnsupportedFieldAttributeWarning
from starlette.routing import compile_path, get_name

from service.web.bodies import media_type_of
from service.web.json import decode_json
from service.web.json_limits import LEAD, Limits
from service.web.visit import visit_of

__all__ = ["StrictRoute", "is_slow", "read_json"]

# FastAPI gives pydantic a body's alias and silences what pydantic says of that, but only where a
# schema is built at once. Ours are built later.
warnings.filterwarnings("ignore", category=UnsupportedFieldAttributeWarning)

# Above this a hostile document takes long enough to judge that others should not wait.
_IN_A_THREAD_BYTES: Final = 16 * 1024


class StrictRoute(APIRoute):
    """Every room's routers use this class: `APIRouter(route_class=StrictRoute)`.

    Which path and methods it answers is known at once. What reads a request and writes an
    answer, and their description, is built when first looked for: of some two hundred routes
    a process answers few, and to build them all takes as long as to load the rest.
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        methods: Iterable[str] | None = None,
        name: str | None = None,
        **given: Any,  # noqa: ANN401 - whatever APIRoute takes
    ) -> None:
        self._given: dict[str, Any] | None = given
        self._building = RLock()
        self.path, self.endpoint = path, endpoint
        self.name = get_name(endpoint) if name is None else name
        self.methods = {method.upper() for method in methods or ("GET",)}
        self.path_regex, self.path_format, self.param_convertors = compile_path(path)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any attribute of a route
        """Build the rest of this route, which is where *name* may be, and return it."""
        with self.__dict__["_building"]:
            if self._given is None:
                if name in self.__dict__:  # another thread built it while we waited
                    return self.__dict__[name]
                raise AttributeError(name, name=name, obj=self)
            given, self._given = self._given, None
            super().__init__(
                self.path, self.endpoint, methods=self.methods, name=self.name, **given
            )
        return getattr(self, name)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler behind our reading of the body."""
        handler = super().get_route_handler()
        reads_json = self.body_field is not None
        is_needed = self.body_field is not None and self.body_field.field_info.is_required()

        async def handle(request: Request) -> Response:
            if not reads_json:
                return await handler(request)
            body = await request.body()
            access = visit_of(request.scope).access
            limits = LEAD if access is None or access.body is None else access.body.json
            # Nothing at all is no JSON, but where a body may be left out it says nothing.
            value = await read_json(body, limits=limits) if body or is_needed else None
            return await handler(_ReadRequest(request, body, value))

        return handle


async def read_json(body: bytes, *, limits: Limits = LEAD, at: str = "") -> object:
    """Return what `decode_json` returns, a large body in a thread.

    Raises:
        InvalidJSON: As `decode_json` does.
    """
    if not is_slow(body):
        return decode_json(body, limits=limits, at=at)
    return await anyio.to_thread.run_sync(lambda: decode_json(body, limits=limits, at=at))


def is_slow(body: bytes) -> bool:
    """Return whether *body* takes a thread to read, and so `read_json` instead of `decode_json`."""
    return len(body) >= _IN_A_THREAD_BYTES


class _ReadRequest(Request):
    """A request whose body was read and decoded already, whatever it called itself."""

    def __init__(self, request: Request, body: bytes, value: object) -> None:
        kept = [pair for pair in request.scope["headers"] if pair[0] != b"content-type"]
        given = media_type_of(request.headers)
        media_type = given if given.endswith("json") else "application/json"
        headers = [*kept, (b"content-type", media_type.encode())]
        super().__init__({**request.scope, "headers": headers}, request.receive)
        self._read = body
        self._value = value

    async def body(self) -> bytes:
        return self._read

    async def json(self) -> Any:  # noqa: ANN401 - Starlette's own signature
        return self._value
